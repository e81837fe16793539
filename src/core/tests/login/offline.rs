//! Rules 19 and 20: authenticator apps and backup codes.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::clock::Timestamp;
use herald_core::courier::End;
use herald_core::enrollment::{Enrollment, Factor, State};
use herald_core::login::Verdict;
use herald_core::provider::new_codes;
use herald_core::secret::Secret;
use std::time::Duration;

/// The secret of RFC 6238's test vectors, in base32.
pub const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

pub fn factor(id: u32, channel: &str) -> Factor {
    Factor {
        id,
        channel: channel.into(),
        address: None,
        label: None,
        state: State::Active,
        enrolled: None,
        secret: None,
        salt: None,
        codes: None,
        expires: None,
    }
}

/// Alice with an app only, at the time of a test vector.
pub fn with_app(world: &World, seconds: u64) {
    world.wall.set(seconds);
    world.now.set(3_600_000);
    let app = Factor { secret: Some(SECRET.into()), ..factor(1, "totp") };
    let enrollment = Enrollment { language: None, factors: vec![app] };
    world.enrollments.borrow_mut().insert(UserName::new("alice"), enrollment);
}

/// Adds a set of backup codes and gives them.
pub fn add_codes(world: &World, id: u32, count: usize, expires: Option<Timestamp>) -> Vec<Secret> {
    let mut enrollments = world.enrollments.borrow_mut();
    let enrollment = enrollments.get_mut(&UserName::new("alice")).expect("enrolled");
    let salt = enrollment.factors.iter().find_map(|factor| factor.salt.clone());
    let (codes, salt, hashes) = new_codes(world, salt.as_deref(), count).expect("random");
    enrollment.factors.push(Factor { salt: Some(salt), codes: Some(hashes), expires, ..factor(id, "backup") });
    codes
}

#[test]
fn the_codes_of_the_rfc_are_right_one_step_early_and_late_and_no_more() {
    // RFC 6238, appendix B: the last six of eight digits.
    for (seconds, code) in [(1_111_111_109u64, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
        for (drift, verdict) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let world = World::new();
            with_app(&world, seconds.checked_add_signed(drift).expect("after 1970"));
            let story = world.log_in(&world.ssh(), [types(code)]);
            assert_eq!(story.verdict == Verdict::Success, verdict, "{code} {drift}");
            assert_eq!(story.prompts[0], "Code from your app: ");
        }
    }
}

#[test]
fn rule_19_a_step_is_good_once_everywhere_and_a_second_time_is_not_counted() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    assert_eq!(world.log_in(&world.ssh(), [types("081804")]).verdict, Verdict::Success);
    let story = world.log_in(&world.local("sudo"), [types("081804")]);
    assert_eq!(story.prompts[1], "That code was used. Code from your app: ");
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn rule_19_the_disk_remembers_the_step_when_the_ledger_is_lost() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    assert_eq!(world.log_in(&world.ssh(), [types("081804")]).verdict, Verdict::Success);
    world.ledgers.borrow_mut().clear();
    assert_ne!(world.log_in(&world.ssh(), [types("081804")]).verdict, Verdict::Success);
}

#[test]
fn rule_19_a_full_disk_is_no_reason_to_refuse_and_a_step_from_before_the_boot_is() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    world.disk_full.set(true);
    assert_eq!(world.log_in(&world.ssh(), [types("081804")]).verdict, Verdict::Success);
    // The machine boots anew within the step; nothing remembers it any more.
    world.ledgers.borrow_mut().clear();
    world.now.set(1_000);
    let story = world.log_in(&world.ssh(), [types("081804")]);
    assert_ne!(story.verdict, Verdict::Success);
    assert_eq!(story.prompts[1], "That code has expired. Code from your app: ");
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn an_app_is_asked_at_once_in_a_local_service_and_an_empty_reply_refuses() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    let story = world.log_in(&world.local("sudo"), [Step::Enter]);
    assert_eq!((story.verdict, story.prompts), (Verdict::ConversationError, vec!["Code from your app: ".to_owned()]));
}

#[test]
fn wrong_app_codes_lock_like_all_others_and_end_the_call() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    let story = world.log_in(&world.ssh(), [types("111111"), types("222222"), types("333333"), types("081804")]);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::AuthError, 3));
    let story = world.log_in(&world.ssh(), [types("111111"), types("222222"), types("081804")]);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::MaxTries, 2));
}

#[test]
fn rule_5_with_an_app_nothing_is_skipped_when_nothing_can_be_delivered() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    world.enroll("alice", "telegram", "475721977");
    world.configure("[policy]\nundelivered = \"skip\"");
    world.behaves("bot", End::Unreachable);
    let story = world.log_in(&world.ssh(), [types("telegram"), types("081804")]);
    assert_eq!(story.prompts, ["Code from your app: ", "Telegram failed. Code from your app: "]);
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn a_backup_code_is_taken_at_any_prompt_in_any_spelling_and_good_once() {
    let world = World::new();
    let codes = add_codes(&world, 2, 10, None);
    let spelled = format!("{}-{}", &codes[0].expose()[..5], &codes[0].expose()[5..]).to_uppercase();
    let story = world.log_in(&world.ssh(), [types(&spelled)]);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::Success, 1));
    assert_eq!(story.remarks, ["9 backup codes are left."]);
    let story = world.log_in(&world.ssh(), [types(codes[0].expose()), Step::TheCode]);
    assert_eq!(story.prompts[1], "That code was used. Code sent by Telegram to ...977: ");
    assert_eq!(world.logged("verified user=alice channel=backup rhost=203.0.113.7"), 1);
}

#[test]
fn rule_15_a_used_backup_code_is_recognised_and_not_counted_also_when_it_was_the_last() {
    let world = World::new();
    let codes = add_codes(&world, 2, 1, None);
    assert_eq!(world.log_in(&world.ssh(), [types(codes[0].expose())]).verdict, Verdict::Success);
    let story = world.log_in(&world.ssh(), [types(codes[0].expose()), types("abcde-fghjk"), Step::BreaksOff]);
    assert_eq!(story.prompts[1], "That code was used. Code sent by Telegram to ...977: ");
    assert_eq!(story.prompts[2], "Wrong, 2 tries left. Code sent by Telegram to ...977: ");
    assert_eq!((world.ledger("alice").failures, world.ledger("alice").spent.len()), (1, 1));
}

#[test]
fn the_login_warns_when_backup_codes_run_out() {
    let world = World::new();
    let codes = add_codes(&world, 2, 4, None);
    let story = world.log_in(&world.ssh(), [types(codes[3].expose())]);
    assert_eq!(story.remarks, ["3 backup codes are left. New ones: herald backup-codes"]);
}

#[test]
fn rule_20_a_backup_code_that_cannot_be_taken_out_is_refused_and_not_counted() {
    let world = World::new();
    let codes = add_codes(&world, 2, 10, None);
    world.disk_full.set(true);
    let story = world.log_in(&world.ssh(), [types(codes[0].expose()), Step::TheCode]);
    assert_eq!(story.prompts[1], "Backup codes cannot be used now.\nCode sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success, "delivered codes work on a full disk");
    world.disk_full.set(false);
    assert_eq!(world.log_in(&world.ssh(), [types(codes[0].expose())]).verdict, Verdict::Success);
}

#[test]
fn rule_20_an_empty_set_is_no_offline_factor_and_its_user_stays_enrolled() {
    let world = World::new();
    world.configure("[policy]\nunenrolled = \"skip\"\nundelivered = \"skip\"");
    add_codes(&world, 2, 0, None);
    world.enrollments.borrow_mut().get_mut(&UserName::new("alice")).expect("enrolled").factors.remove(0);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::AuthInfoUnavailable);
}

#[test]
fn backup_codes_are_asked_for_when_nothing_can_be_delivered() {
    let world = World::new();
    let codes = add_codes(&world, 2, 10, None);
    world.behaves("bot", End::Unreachable);
    let story = world.log_in(&world.ssh(), [types(codes[0].expose())]);
    assert_eq!((story.verdict, story.prompts), (Verdict::Success, vec!["Telegram failed. Backup code: ".to_owned()]));
}

#[test]
fn rule_18_a_code_for_an_hour_ends_after_it_and_while_the_clock_is_wrong() {
    let world = World::new();
    let codes = add_codes(&world, 2, 2, Some(Timestamp::from_unix(world.wall.get() + 3600)));
    let now = world.wall.get();
    world.wall.set(1_000_000);
    assert_ne!(world.log_in(&world.ssh(), [types(codes[0].expose())]).verdict, Verdict::Success);
    world.wall.set(now);
    assert_eq!(world.log_in(&world.ssh(), [types(codes[0].expose())]).verdict, Verdict::Success);
    world.wait(Duration::from_secs(3600));
    assert_ne!(world.log_in(&world.ssh(), [types(codes[1].expose())]).verdict, Verdict::Success);
}

#[test]
fn rule_20_backup_codes_have_ten_characters_without_look_alikes_and_a_letter() {
    let world = World::new();
    let (codes, _, hashes) = new_codes(&world, None, 60).expect("random");
    for code in &codes {
        let code = code.expose();
        assert_eq!(code.len(), 10);
        assert!(code.chars().all(|c| "23456789abcdefghjkmnpqrstuvwxyz".contains(c)), "{code}");
        assert!(code.chars().any(|c| c.is_ascii_alphabetic()), "{code}");
    }
    assert_eq!(hashes.iter().collect::<std::collections::BTreeSet<_>>().len(), 60);
}
