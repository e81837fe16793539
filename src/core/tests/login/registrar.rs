//! Enrolling and changing factors.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::clock::Timestamp;
use herald_core::config::Config;
use herald_core::enrollment::State;
use herald_core::login::Verdict;
use herald_core::phrases;
use herald_core::registrar::{Codes, Newcomer, Registrar, RegistrarError, Row, Standing};
use herald_core::secret::Secret;
use std::path::Path;

pub fn with_registrar<T>(world: &World, work: impl FnOnce(&Registrar<'_>) -> T) -> T {
    let config = Config::parse(&world.config.borrow(), Path::new("herald.toml")).expect("valid");
    work(&Registrar {
        machine: world,
        config: &config,
        store: world,
        courier: world,
        audit: world,
        by: "root".into(),
        phrases: phrases::of(""),
    })
}

fn bob() -> UserName {
    UserName::new("bob")
}

fn newcomer<'a>(user: &'a UserName, address: &'a str) -> Newcomer<'a> {
    Newcomer { user, channel: "telegram", address, label: None }
}

#[test]
fn bob_enrolls_by_typing_the_code_that_reached_his_phone() {
    let world = World::new();
    let user = bob();
    let done = with_registrar(&world, |registrar| {
        let mut person = Person::who(&world, [Step::AWrongCode, Step::TheCode]);
        registrar.enroll(&newcomer(&user, "100200300"), "pts/1", &mut person)
    });
    assert_eq!(done, Ok(true));
    let factor = world.enrollments.borrow()[&user].factors[0].clone();
    assert_eq!((factor.state, factor.address.as_deref(), factor.id), (State::Active, Some("100200300"), 1));
    assert!(factor.enrolled.is_some());
    assert_eq!(world.logged("enrolled user=bob channel=telegram to=...300 by=root"), 1);
    let again = with_registrar(&world, |registrar| {
        registrar.enroll(&newcomer(&user, "100200300"), "pts/1", &mut Person::who(&world, []))
    });
    assert_eq!(again, Ok(false));
}

#[test]
fn an_enrollment_broken_off_stays_pending_and_is_never_offered_at_a_login() {
    let world = World::new();
    let user = bob();
    let broken_off = with_registrar(&world, |registrar| {
        registrar.enroll(&newcomer(&user, "100200300"), "pts/1", &mut Person::who(&world, [Step::BreaksOff]))
    });
    assert_eq!(broken_off, Err(RegistrarError::Unproved(Verdict::ConversationError)));
    assert_eq!(world.enrollments.borrow()[&user].factors[0].state, State::Pending);
    let login = herald_core::login::Attempt { user: b"bob".to_vec(), ..world.ssh() };
    assert_eq!(world.log_in(&login, []).verdict, Verdict::PermissionDenied);
    let done = with_registrar(&world, |registrar| {
        registrar.enroll(&newcomer(&user, "100200300"), "pts/1", &mut Person::who(&world, [Step::TheCode]))
    });
    assert_eq!((done, world.codes().len()), (Ok(true), 1));
}

#[test]
fn a_code_of_a_login_proves_no_new_factor() {
    let world = World::new();
    let alice = UserName::new("alice");
    world.log_in(&world.ssh(), [Step::BreaksOff]);
    let code = world.newest_code();
    let done = with_registrar(&world, |registrar| {
        let mut person = Person::who(&world, [types(&code), Step::BreaksOff]);
        registrar.enroll(&newcomer(&alice, "666666666"), "ssh", &mut person)
    });
    assert!(done.is_err());
    assert_eq!(world.enrollments.borrow()[&alice].factors[1].state, State::Pending);
}

#[test]
fn an_address_that_no_driver_takes_is_refused_before_anything_is_written() {
    let world = World::new();
    let user = bob();
    let refused = with_registrar(&world, |registrar| registrar.vouch(&newcomer(&user, "@bob")));
    assert!(matches!(refused, Err(RegistrarError::Address(_))), "{refused:?}");
    assert!(!world.enrollments.borrow().contains_key(&user));
}

#[test]
fn rule_34_the_other_factors_are_told_of_every_change() {
    let world = World::new();
    let alice = UserName::new("alice");
    with_registrar(&world, |registrar| {
        assert_eq!(registrar.vouch(&Newcomer { label: Some("tablet"), ..newcomer(&alice, "100200300") }), Ok(true));
        assert_eq!(registrar.switch(&alice, "telegram:tablet", false), Ok(true));
        assert_eq!(registrar.switch(&alice, "telegram:tablet", false), Ok(false));
        assert_eq!(registrar.switch(&alice, "telegram:tablet", true), Ok(true));
        assert_eq!(registrar.remove(&alice, "telegram:tablet"), Ok(true));
        assert_eq!(
            registrar.remove(&alice, "telegram:tablet"),
            Err(RegistrarError::NotEnrolled("telegram:tablet".into()))
        );
    });
    assert_eq!(world.notices().len(), 4, "{:?}", world.notices());
    assert!(world.phone.borrow().iter().all(|message| message.address == "475721977"));
    assert!(world.notices()[0].contains("by Telegram to tablet"), "{:?}", world.notices());
}

#[test]
fn rule_13_disabling_a_factor_ends_its_codes_at_once() {
    let world = World::new();
    let alice = UserName::new("alice");
    world.log_in(&world.ssh(), [Step::BreaksOff]);
    with_registrar(&world, |registrar| {
        assert_eq!(registrar.switch(&alice, "telegram", false), Ok(true));
        assert_eq!(registrar.switch(&alice, "telegram", true), Ok(true));
    });
    assert_eq!(world.ledger("alice").challenge.len(), 0);
}

#[test]
fn what_was_never_proved_is_not_enabled_and_what_is_ambiguous_is_listed() {
    let world = World::new();
    let alice = UserName::new("alice");
    world.enroll("alice", "telegram", "100200300");
    world.set_state("alice", 2, State::Pending);
    with_registrar(&world, |registrar| {
        assert!(matches!(registrar.switch(&alice, "telegram:100200300", true), Err(RegistrarError::NeverProved(_))));
        assert_eq!(
            registrar.switch(&alice, "telegram", true),
            Err(RegistrarError::Ambiguous(vec!["telegram:475721977".into(), "telegram:100200300".into()]))
        );
        assert_eq!(registrar.switch(&alice, "signal", true), Err(RegistrarError::NotEnrolled("signal".into())));
    });
}

#[test]
fn the_preferred_factor_is_asked_first() {
    let world = World::new();
    let alice = UserName::new("alice");
    world.enroll("alice", "telegram", "100200300");
    with_registrar(&world, |registrar| {
        assert_eq!(registrar.prefer(&alice, "telegram:100200300"), Ok(true));
        assert_eq!(registrar.prefer(&alice, "telegram:100200300"), Ok(false));
    });
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).prompts, ["Code sent by Telegram to ...300: "]);
}

#[test]
fn unlock_clears_the_lock_and_mends_a_ledger_that_cannot_be_read() {
    let world = World::new();
    let alice = UserName::new("alice");
    for _ in 0..2 {
        world.log_in(&world.ssh(), [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode]);
    }
    with_registrar(&world, |registrar| assert_eq!(registrar.unlock(&alice), Ok(true)));
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    world.ledgers.borrow_mut().insert(alice.clone(), "garbage".into());
    with_registrar(&world, |registrar| {
        assert_eq!(registrar.unlock(&alice), Ok(true));
        assert_eq!(registrar.unlock(&alice), Ok(false));
    });
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(world.logged("unlocked user=alice by=root"), 2);
}

/// What an app that was given this secret shows now.
pub fn shown_by_app(world: &World, secret: &str) -> String {
    let bytes = totp_rs::Secret::Encoded(secret.to_owned()).to_bytes().expect("base32");
    totp_rs::TOTP::new_unchecked(totp_rs::Algorithm::SHA1, 6, 0, 30, bytes).generate(world.wall.get())
}

#[test]
fn an_app_counts_only_once_a_code_of_it_was_typed_and_that_code_is_used_up() {
    let world = World::new();
    let user = bob();
    let login = herald_core::login::Attempt { user: b"bob".to_vec(), ..world.ssh() };
    let (planted, app) = with_registrar(&world, |registrar| {
        let begin = || registrar.begin_app(&user, None, None).expect("begun");
        (begin(), begin())
    });
    // Whoever began it may have been somebody else who has the password: what they saw is good for nothing.
    assert_eq!((app.secret.expose().len(), app.secret == planted.secret), (32, false), "160 bits, and new each time");
    assert_eq!(world.enrollments.borrow()[&user].factors.len(), 1);
    assert_eq!(
        app.uri.expose(),
        format!("otpauth://totp/pi.example:bob?secret={}&issuer=pi.example", app.secret.expose())
    );
    assert_eq!(world.log_in(&login, []).verdict, Verdict::PermissionDenied);
    let code = shown_by_app(&world, app.secret.expose());
    with_registrar(&world, |registrar| {
        let mut nobody = Person::who(&world, [types(&shown_by_app(&world, planted.secret.expose())), Step::BreaksOff]);
        let unproved = registrar.prove_app(&user, &app, "pts/1", &mut nobody);
        assert_eq!(unproved, Err(RegistrarError::Unproved(Verdict::ConversationError)));
        let mut person = Person::who(&world, [types(&code)]);
        assert_eq!(registrar.prove_app(&user, &app, "pts/1", &mut person), Ok(()));
        assert!(registrar.begin_app(&user, None, None).expect("known").is_enrolled());
    });
    assert_eq!(world.logged("enrolled user=bob channel=totp by=root"), 1);
    let story = world.log_in(&login, [types(&code), Step::BreaksOff]);
    assert_eq!(story.prompts[1], "That code was used. Code from your app: ");
    world.wait(MINUTE);
    let story = world.log_in(&login, [types(&shown_by_app(&world, app.secret.expose()))]);
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn the_code_of_one_pending_app_proves_no_other() {
    let world = World::new();
    let user = bob();
    with_registrar(&world, |registrar| {
        let one = registrar.begin_app(&user, Some("one"), None).expect("begun");
        let other = registrar.begin_app(&user, Some("other"), None).expect("begun");
        let code = shown_by_app(&world, one.secret.expose());
        let mut person = Person::who(&world, [types(&code), Step::BreaksOff]);
        assert!(registrar.prove_app(&user, &other, "pts/1", &mut person).is_err());
    });
    assert_eq!(world.enrollments.borrow()[&user].active().count(), 0);
}

#[test]
fn secrets_of_other_systems_are_taken_over_as_they_are_and_others_are_refused() {
    let world = World::new();
    let user = bob();
    with_registrar(&world, |registrar| {
        let secret = |text: &str| herald_core::secret::Secret::from(text);
        assert_eq!(registrar.vouch_app(&user, None, &secret("gezd gnbv gy3t qojq")), Ok(true));
        assert_eq!(registrar.vouch_app(&user, None, &secret("GEZDGNBVGY3TQOJQ")), Ok(false));
        let taken = RegistrarError::Taken("totp".into());
        assert_eq!(registrar.vouch_app(&user, None, &secret("MFRGGZDFMZTWQ2LK")), Err(taken));
        for text in ["", "GEZDGNBV", "not base32 at all!", "0189018901890189"] {
            assert_eq!(registrar.vouch_app(&user, Some("x"), &secret(text)), Err(RegistrarError::Secret), "{text}");
        }
    });
    let login = herald_core::login::Attempt { user: b"bob".to_vec(), ..world.ssh() };
    let story = world.log_in(&login, [types(&shown_by_app(&world, "GEZDGNBVGY3TQOJQ"))]);
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn new_backup_codes_end_the_old_ones_and_further_ones_do_not() {
    let world = World::new();
    let alice = UserName::new("alice");
    let make = |count, expires, further| {
        with_registrar(&world, |registrar| {
            registrar.backup_codes(&alice, &Codes { count, expires, further }).expect("codes")
        })
    };
    let old = make(10, None, false);
    let new = make(10, None, false);
    assert_eq!(
        world.notices(),
        ["alice at pi.example has new backup codes. Not you? On pi.example, root can run: herald status --user alice";
            2]
    );
    let in_an_hour = Timestamp::from_unix(world.wall.get() + 3600);
    let further = make(1, Some(in_an_hour), true);
    let logs_in = |code: &Secret| world.log_in(&world.ssh(), [types(code.expose()), Step::BreaksOff]).verdict;
    assert_eq!(logs_in(&old[0]), Verdict::ConversationError);
    assert_eq!(logs_in(&new[0]), Verdict::Success);
    assert_eq!(logs_in(&further[0]), Verdict::Success);
    let late = make(1, Some(in_an_hour), true);
    world.wait(60 * MINUTE);
    assert_eq!(logs_in(&late[0]), Verdict::ConversationError);
    assert_eq!(logs_in(&new[1]), Verdict::Success);
    make(1, None, true);
    assert_eq!(world.enrollments.borrow()[&alice].factors.len(), 3, "what is over is forgotten");
}

#[test]
fn rule_34_apps_are_named_by_what_they_are() {
    let world = World::new();
    let alice = UserName::new("alice");
    with_registrar(&world, |registrar| {
        let secret = Secret::from("GEZDGNBVGY3TQOJQ");
        assert_eq!(registrar.vouch_app(&alice, Some("tablet"), &secret), Ok(true));
        assert_eq!(registrar.remove(&alice, "totp"), Ok(true));
        assert_eq!(registrar.speak(&alice, Some("ja")), Ok(true));
        assert_eq!(registrar.speak(&alice, Some("ja")), Ok(false));
        assert_eq!(registrar.vouch_app(&alice, None, &secret), Ok(true));
    });
    assert_eq!(
        world.notices(),
        [
            "alice at pi.example has a new second factor: authenticator app (tablet). Not you? On pi.example, root can run: herald status --user alice",
            "alice at pi.example has lost a second factor: authenticator app (tablet). Not you? On pi.example, root can run: herald status --user alice",
            "pi.exampleのaliceの二要素認証に認証アプリが追加されました。心当たりがない場合、pi.exampleのrootは次を実行できます: herald status --user alice",
        ]
    );
}

fn row(user: &str, channel: &str, address: &str) -> Row {
    Row { user: UserName::new(user), channel: channel.into(), address: address.into(), label: None }
}

#[test]
fn a_list_is_enrolled_whole_or_not_at_all() {
    let world = World::new();
    let bad = [row("bob", "telegram", "1"), row("bob", "telegram", "@bob"), row("robot", "pigeon", "1")];
    with_registrar(&world, |registrar| {
        let errors = registrar.plan_many(&bad).err().expect("wrong");
        let lines: Vec<usize> = errors.iter().map(|error| error.row).collect();
        assert_eq!(lines, [1, 2]);
    });
    let good =
        [row("bob", "telegram", "100200300"), row("alice", "telegram", "475721977"), row("robot", "telegram", "7")];
    with_registrar(&world, |registrar| {
        let plan = registrar.plan_many(&good).expect("right");
        assert_eq!(plan.standings, [Standing::Enrolled, Standing::Already, Standing::Enrolled]);
        assert_eq!(plan.changes(), 2);
        let change_robot = &mut |_| {
            world.enroll("robot", "telegram", "8");
        };
        let meanwhile = registrar.enroll_many(&plan, change_robot, &|| Ok(()));
        assert_eq!(meanwhile, Err(RegistrarError::ChangedMeanwhile("robot".into())));
        assert_eq!(world.enrollments.borrow()[&bob()].factors.len(), 0, "put back as it was");
        let mut done = Vec::new();
        let plan = registrar.plan_many(&good).expect("right");
        let full = RegistrarError::Machine("the disk is full".into());
        assert_eq!(registrar.enroll_many(&plan, &mut |_| {}, &|| Err(full.clone())), Err(full.clone()));
        assert_eq!(world.enrollments.borrow()[&bob()].factors.len(), 0, "put back as it was");
        assert_eq!(registrar.enroll_many(&plan, &mut |people| done.push(people), &|| Ok(())), Ok(()));
        assert_eq!(done, [1, 2]);
    });
    assert_eq!((world.logged("enrolled user=bob"), world.logged("enrolled user=robot")), (1, 1));
}
