//! Enrolling and changing factors.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::config::Config;
use herald_core::enrollment::State;
use herald_core::login::Verdict;
use herald_core::registrar::{Newcomer, Registrar, RegistrarError};
use std::path::Path;

fn with_registrar<T>(world: &World, work: impl FnOnce(&Registrar<'_>) -> T) -> T {
    let config = Config::parse(&world.config.borrow(), Path::new("herald.toml")).expect("valid");
    work(&Registrar { machine: world, config: &config, store: world, courier: world, audit: world, by: "root".into() })
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
