//! Rules 3 to 9: who is not asked, what must be proved first, and when nothing may be sent.

use crate::world::*;
use herald_core::courier::{CourierError, End};
use herald_core::login::{Attempt, Verdict};
use herald_core::secret::SecretBytes;
use herald_core::store::StoreError;

fn with(attempt: Attempt, argument: &str) -> Attempt {
    Attempt { arguments: vec![argument.as_bytes().to_vec()], ..attempt }
}

fn without_evidence(attempt: Attempt) -> Attempt {
    Attempt { authtok: None, ..attempt }
}

#[test]
fn rule_9_a_stranger_learns_nothing_and_nothing_is_sent() {
    let mut seen = Vec::new();
    for setup in ["enrolled", "unenrolled", "locked", "unknown", "skip"] {
        let world = World::new();
        let mut attempt = without_evidence(world.ssh());
        match setup {
            "unenrolled" => world.enrollments.borrow_mut().clear(),
            "locked" => {
                for _ in 0..2 {
                    world.log_in(&world.ssh(), [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode]);
                }
            }
            "unknown" => attempt.user = b"mallory".to_vec(),
            "skip" => {
                world.enrollments.borrow_mut().clear();
                world.configure("[policy]\nunenrolled = \"skip\"");
            }
            _ => {}
        }
        let sent = world.requests.get();
        let story = world.log_in(&attempt, [types("123456")]);
        assert_eq!(world.requests.get(), sent, "{setup}");
        let expected = if setup == "unknown" { Verdict::UserUnknown } else { Verdict::AuthError };
        assert_eq!(story.verdict, expected, "{setup}");
        seen.push((story.prompts, story.errors));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(seen[0].0, ["Code: "]);
}

#[test]
fn rule_9_the_answer_of_a_stranger_is_neither_compared_nor_counted() {
    let world = World::new();
    world.log_in(&world.ssh(), [Step::BreaksOff]);
    let story = world.log_in(&without_evidence(world.ssh()), [Step::TheCode]);
    assert_eq!(story.verdict, Verdict::AuthError);
    assert_eq!((world.ledger("alice").failures, world.ledger("alice").challenge[0].attempts_left), (0, 3));
}

#[test]
fn rule_9_a_key_is_evidence_and_code_alone_asks_for_none() {
    let world = World::new();
    let key = Attempt { ssh_key: true, ..without_evidence(world.ssh()) };
    assert_eq!(world.log_in(&key, [Step::TheCode]).verdict, Verdict::Success);
    world.configure("[policy]\ncode_alone = true");
    assert_eq!(world.log_in(&without_evidence(world.ssh()), [Step::TheCode]).verdict, Verdict::Success);
}

#[test]
fn rule_8_junk_is_no_evidence_and_no_answer() {
    let junk = SecretBytes::from(&b"\x08\n\r\x7fINCORRECT\x08\n\r"[..]);
    let world = World::new();
    world.configure("[policy]\ncode_alone = true");
    let refused = Attempt { authtok: Some(junk), ssh_key: true, ..world.ssh() };
    let story = world.log_in(&refused, [types("\u{8}\n\r\u{7f}INCORRECT")]);
    assert_eq!((story.verdict, world.codes().len()), (Verdict::AuthError, 0));
    let story = world.log_in(&world.ssh(), [types("\u{8}\n\r\u{7f}I")]);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::AuthError, 1));
    assert_eq!((world.ledger("alice").failures, world.ledger("alice").challenge[0].attempts_left), (0, 3));
}

#[test]
fn rule_9_a_local_service_offers_to_send_and_enter_sends() {
    let world = World::new();
    let story = world.log_in(&world.local("su"), [Step::Enter, Step::TheCode]);
    assert_eq!(story.prompts, ["Enter sends a code by Telegram: ", "Code sent by Telegram to ...977: "]);
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn rule_9_sudo_that_may_not_prompt_sends_nothing() {
    let world = World::new();
    let story = world.log_in(&world.local("sudo"), [Step::BreaksOff]);
    assert_eq!((story.verdict, world.requests.get()), (Verdict::ConversationError, 0));
}

#[test]
fn rule_9_behind_the_offer_an_empty_reply_is_a_refusal_again() {
    let world = World::new();
    let story = world.log_in(&world.local("su"), [Step::Enter, Step::Enter]);
    assert_eq!((story.verdict, world.codes().len()), (Verdict::ConversationError, 1));
    let story = world.log_in(&world.local("su"), [Step::Enter]);
    assert_eq!((story.verdict, world.codes().len()), (Verdict::ConversationError, 1));
    assert_eq!(story.prompts, ["Code sent by Telegram to ...977 1 s ago: "]);
}

#[test]
fn rule_3_exempt_users_and_groups_are_ignored_and_logged() {
    for exempt in ["[\"alice\"]", "[\"@alices\"]", "[\"@nobodys\", \"alice\"]"] {
        let world = World::new();
        world.configure(&format!("[policy]\nexempt = {exempt}"));
        let story = world.log_in(&world.ssh(), []);
        assert_eq!((story.verdict, story.prompts.len()), (Verdict::Ignore, 0), "{exempt}");
        assert_eq!(world.logged("skipped user=alice"), 1);
    }
}

#[test]
fn rule_1_a_group_that_does_not_exist_matches_nobody_and_one_that_cannot_be_read_refuses() {
    let world = World::new();
    world.configure("[policy]\nexempt = [\"@nobodys\"]");
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(world.logged("error group=nobodys"), 1);
    let world = World::new();
    world.configure("[policy]\nexempt = [\"@unreadable\", \"@alices\"]");
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::SystemError);
}

#[test]
fn rule_4_success_without_a_code_needs_evidence() {
    let world = World::new();
    world.configure("[policy]\nexempt = [\"alice\"]\nunenrolled = \"skip\"");
    let exempt = |attempt| with(attempt, "exempt=success");
    assert_eq!(world.log_in(&exempt(world.ssh()), []).verdict, Verdict::Success);
    assert_eq!(world.log_in(&exempt(without_evidence(world.ssh())), []).verdict, Verdict::Ignore);
    assert_eq!(world.logged("skipped user=alice"), 2);
    let bob = Attempt { user: b"bob".to_vec(), ..exempt(world.ssh()) };
    assert_eq!(world.log_in(&bob, []).verdict, Verdict::Success);
    let bob = Attempt { user: b"bob".to_vec(), ..exempt(world.local("su")) };
    assert_eq!(world.log_in(&bob, []).verdict, Verdict::Ignore);
}

#[test]
fn rule_4_an_undelivered_code_is_never_a_success() {
    let world = World::new();
    world.configure("[policy]\nundelivered = \"skip\"");
    world.behaves("bot", End::Unreachable);
    assert_eq!(world.log_in(&with(world.ssh(), "exempt=success"), []).verdict, Verdict::Ignore);
}

#[test]
fn rule_6_a_network_is_exempt_only_for_remote_services_and_literal_peers() {
    let world = World::new();
    world.configure("[policy]\nexempt_networks = [\"203.0.113.0/24\"]");
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::Ignore);
    let named = Attempt { rhost: "203.0.113.7.example".into(), ..world.ssh() };
    assert_eq!(world.log_in(&named, [Step::TheCode]).verdict, Verdict::Success);
    let local = Attempt { rhost: "203.0.113.7".into(), ..world.local("sudo") };
    assert_eq!(world.log_in(&local, []).verdict, Verdict::ConversationError);
}

#[test]
fn rule_3_only_policy_lets_the_unenrolled_pass() {
    let bob = |world: &World| Attempt { user: b"bob".to_vec(), ..world.ssh() };
    let world = World::new();
    let story = world.log_in(&bob(&world), []);
    assert_eq!(story.verdict, Verdict::PermissionDenied);
    assert!(story.errors[0].contains("herald enroll telegram --user bob"), "{:?}", story.errors);
    assert_eq!(world.log_in(&with(bob(&world), "unenrolled=skip"), []).verdict, Verdict::Ignore);
    world.configure("[policy]\nunenrolled = \"skip\"");
    assert_eq!(world.log_in(&bob(&world), []).verdict, Verdict::Ignore);
    assert_eq!(world.log_in(&with(bob(&world), "unenrolled=refuse"), []).verdict, Verdict::PermissionDenied);
}

#[test]
fn rule_3_an_enrollment_that_cannot_be_read_is_not_an_absent_one() {
    for (error, verdict) in [
        (StoreError::State("the folder is missing".into()), Verdict::ServiceError),
        (StoreError::Failed("input/output error".into()), Verdict::SystemError),
        (StoreError::Busy { holder: Some(7) }, Verdict::SystemError),
    ] {
        let world = World::new();
        world.configure("[policy]\nunenrolled = \"skip\"");
        *world.broken_enrollments.borrow_mut() = Some(error);
        let story = world.log_in(&with(world.ssh(), "exempt=success"), []);
        assert_eq!((story.verdict, story.errors.len()), (verdict, 1));
    }
}

#[test]
fn a_factor_whose_channel_has_no_gateway_is_not_unenrolled() {
    let world = World::new();
    world.configure("[policy]\nunenrolled = \"skip\"\nundelivered = \"skip\"");
    world.enrollments.borrow_mut().clear();
    world.enroll("alice", "signal", "+81312345678");
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::AuthInfoUnavailable);
}

#[test]
fn rule_5_skip_holds_only_if_every_try_ended_unreachable() {
    for (bot, other, verdict) in [
        (End::Unreachable, End::Unreachable, Verdict::Ignore),
        (End::Unreachable, End::TryAgain { after: None }, Verdict::AuthInfoUnavailable),
        (End::Unclear, End::Unreachable, Verdict::AuthInfoUnavailable),
        (End::Permanent, End::Unreachable, Verdict::AuthInfoUnavailable),
        (End::Unreachable, End::Configuration, Verdict::AuthInfoUnavailable),
        (End::PassedOver, End::PassedOver, Verdict::AuthInfoUnavailable),
        (End::Unreachable, End::PassedOver, Verdict::Ignore),
    ] {
        let world = World::new();
        world.configure("[policy]\nundelivered = \"skip\"");
        world.add_gateway("second", "telegram");
        world.behaves("bot", bot);
        world.behaves("second", other);
        assert_eq!(world.log_in(&world.ssh(), []).verdict, verdict, "{bot:?} {other:?}");
    }
}

#[test]
fn rule_5_a_broken_helper_never_skips() {
    for error in [CourierError::NotStarted("missing".into()), CourierError::Failed("killed".into())] {
        let world = World::new();
        world.configure("[policy]\nundelivered = \"skip\"");
        *world.courier_error.borrow_mut() = Some(error);
        assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::SystemError);
    }
}

#[test]
fn rule_5_a_broken_helper_leaves_the_prompt_for_a_code_that_waits() {
    let world = World::new();
    let story = world.log_in(
        &world.ssh(),
        [
            meanwhile(
                |world| {
                    world.wait(MINUTE);
                    *world.courier_error.borrow_mut() = Some(CourierError::Failed("killed".into()));
                },
                types("r"),
            ),
            Step::TheCode,
        ],
    );
    assert_eq!(story.prompts[1], "Telegram failed. Code sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn rule_5_after_r_or_a_switch_nothing_is_skipped() {
    for pick in ["r", "signal"] {
        let world = World::new();
        world.configure("[policy]\nundelivered = \"skip\"");
        world.add_gateway("fon", "signal");
        world.enroll("alice", "signal", "+81312345678");
        let down = |world: &World| {
            world.wait(MINUTE);
            world.behaves("bot", End::Unreachable);
            world.behaves("fon", End::Unreachable);
        };
        let story = world.log_in(&world.ssh(), [meanwhile(down, types(pick)), Step::TheCode]);
        assert_eq!(story.verdict, Verdict::Success, "{pick}");
        assert!(story.prompts[1].contains("failed. "), "{:?}", story.prompts);
    }
}

#[test]
fn rule_5_a_gateway_passed_over_for_its_retry_time_or_a_bad_field_forbids_the_skip() {
    let world = World::new();
    world.configure("[policy]\nundelivered = \"skip\"");
    world.add_gateway("second", "telegram");
    world.behaves("bot", End::TryAgain { after: Some(MINUTE) });
    world.behaves("second", End::Unreachable);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::AuthInfoUnavailable);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::AuthInfoUnavailable);
    world.wait(MINUTE);
    world.behaves("bot", End::Unreachable);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::Ignore);

    let world = World::new();
    world.configure("[policy]\nundelivered = \"skip\"");
    world
        .config
        .borrow_mut()
        .push_str("[[gateway]]\nname = \"b\"\ndriver = \"telegram-bot\"\ntoken_file = \"/none\"\n");
    world.behaves("bot", End::Unreachable);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::AuthInfoUnavailable);
    assert_eq!(world.logged("error gateway=b"), 1);
}

#[test]
fn a_bad_gateway_does_not_keep_a_good_one_from_delivering() {
    let world = World::new();
    let good = world.config.borrow().clone();
    *world.config.borrow_mut() = format!("[[gateway]]\nname = \"bad\"\ndriver = \"telegram-bot\"\ntoken = [1]\n{good}");
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(world.logged("error gateway=bad"), 1);
}

#[test]
fn a_token_file_is_read_less_its_newline() {
    let world = World::new();
    *world.config.borrow_mut() = "[[gateway]]\ndriver = \"telegram-bot\"\ntoken_file = \"/t\"\n".into();
    world.files.borrow_mut().insert("/t".into(), "fake\n".into());
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
}
