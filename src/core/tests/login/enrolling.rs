//! `unenrolled = "enroll"`: from nothing to a proved factor inside one login.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::clock::Timestamp;
use herald_core::courier::ChatSearch;
use herald_core::enrollment::State;
use herald_core::login::{Attempt, Verdict};

/// Bob has no factor, and policy wants him to have one.
fn unenrolled() -> (World, Attempt) {
    let world = World::new();
    world.configure("[policy]\nunenrolled = \"enroll\"");
    let bob = Attempt { user: b"bob".to_vec(), ..world.ssh() };
    (world, bob)
}

fn found(world: &World) {
    *world.chat.borrow_mut() = ChatSearch::Found { address: "100200300".into(), name: "Bob".into() };
}

fn bobs_state(world: &World) -> Option<State> {
    let enrollments = world.enrollments.borrow();
    enrollments.get(&UserName::new("bob"))?.factors.first().map(|factor| factor.state)
}

#[test]
fn bob_opens_the_link_presses_start_types_the_code_and_is_in() {
    let (world, bob) = unenrolled();
    let story = world.log_in(&bob, [types("ok"), meanwhile(found, types("ok")), Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success, "{story:?}");
    assert!(story.prompts[0].starts_with("Open https://t.me/herald_bot?start="), "{:?}", story.prompts);
    assert!(story.prompts[1].starts_with("START was not seen yet. Open https://t.me/"), "{:?}", story.prompts);
    assert_eq!(story.prompts[2], "Code sent by Telegram to ...300: ");
    assert_eq!(bobs_state(&world), Some(State::Active));
    assert!(world.notices()[0].starts_with("bob at pi.example now gets login codes here."), "{:?}", world.notices());
    assert_eq!(world.logged("enrolled user=bob channel=telegram to=...300 by=bob"), 1);
    assert_eq!(world.log_in(&bob, [Step::TheCode]).prompts, ["Code sent by Telegram to ...300: "]);
}

#[test]
fn a_chat_id_may_be_typed_and_a_channel_is_picked_where_there_are_several() {
    let (world, bob) = unenrolled();
    world.add_gateway("fon", "signal");
    let steps = [types("x"), types("2"), types("0312345678"), types("+81 3 1234 5678"), Step::TheCode];
    let story = world.log_in(&bob, steps);
    assert_eq!(story.verdict, Verdict::Success, "{story:?}");
    assert_eq!(story.prompts[0], "Second factor (1 Telegram, 2 Signal): ");
    assert!(story.prompts[3].starts_with("That is no such address. Your address for Signal"), "{:?}", story.prompts);
    assert_eq!(world.phone.borrow()[0].address, "+81312345678");
    let (world, bob) = unenrolled();
    assert_eq!(world.log_in(&bob, [types("100200300"), Step::TheCode]).verdict, Verdict::Success);
}

#[test]
fn a_code_that_is_typed_before_it_was_sent_is_no_strangers_chat_id() {
    let (world, bob) = unenrolled();
    let story = world.log_in(&bob, [types("123456"), meanwhile(found, types("123 456")), Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success, "{story:?}");
    assert!(story.prompts[1].starts_with("START was not seen yet. Open https://t.me/"), "{:?}", story.prompts);
    assert_eq!(story.prompts[2], "Code sent by Telegram to ...300: ");
    assert_eq!(world.phone.borrow()[0].address, "100200300");
}

#[test]
fn broken_off_or_failed_the_pending_factor_is_dropped_and_the_counters_stay() {
    for last in [Step::BreaksOff, Step::Enter] {
        let (world, bob) = unenrolled();
        let story = world.log_in(&bob, [types("100200300"), Step::AWrongCode, last]);
        assert_eq!((story.verdict, bobs_state(&world)), (Verdict::ConversationError, None));
        assert_eq!((world.ledger("bob").failures, world.ledger("bob").sends.len()), (1, 1));
    }
    let (world, bob) = unenrolled();
    let wrong = |_| [types("100200300"), Step::AWrongCode, Step::AWrongCode, Step::AWrongCode];
    assert_eq!(world.log_in(&bob, wrong(1)).verdict, Verdict::AuthError);
    assert_eq!(world.log_in(&bob, wrong(2)).verdict, Verdict::MaxTries);
    assert_eq!(world.log_in(&bob, wrong(3)).verdict, Verdict::MaxTries);
    assert_eq!(bobs_state(&world), None);
}

#[test]
fn rule_10_ten_prompts_are_the_most_while_enrolling_too() {
    let (world, bob) = unenrolled();
    let story = world.log_in(&bob, (0..30).map(|_| types("ok")));
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::AuthError, 10));
}

#[test]
fn rule_10_a_host_that_answers_by_itself_enrolls_nobody() {
    for reply in ["correct horse", "\u{8}\n\r\u{7f}INCORRECT"] {
        let (world, bob) = unenrolled();
        let story = world.log_in(&bob, [types(reply)]);
        assert_eq!((story.verdict, story.prompts.len()), (Verdict::AuthError, 1));
        assert_eq!(world.codes().len(), 0);
    }
}

#[test]
fn without_a_first_factor_nobody_is_enrolled() {
    let (world, bob) = unenrolled();
    let local = Attempt { service: "su".into(), rhost: String::new(), authtok: None, ..bob };
    assert_eq!(world.log_in(&local, []).verdict, Verdict::PermissionDenied);
    assert_eq!(world.requests.get(), 0);
}

#[test]
fn until_the_day_people_are_let_in_with_a_notice_and_from_then_on_they_must() {
    let (world, bob) = unenrolled();
    let now = world.wall.get();
    let day = Timestamp::from_unix(now + 86_400).to_string();
    let day = day.split('T').next().expect("a day").to_owned();
    world.configure(&format!("[service.sshd]\npolicy.enroll_until = {day}"));
    let story = world.log_in(&bob, []);
    assert_eq!(story.verdict, Verdict::Ignore);
    assert_eq!(story.remarks, [format!("No second factor yet. From {day} on it is needed: herald enroll telegram")]);
    // A clock that stands before this Herald was built is wrong (rule 18): nobody is let in by it.
    world.wall.set(1_000);
    assert_eq!(world.log_in(&bob, []).verdict, Verdict::ConversationError);
    world.wall.set(now + 86_400);
    assert_eq!(world.log_in(&bob, []).verdict, Verdict::ConversationError);
}

#[test]
fn rule_32_a_console_is_enrolled_in_ascii_and_the_phone_is_written_to_in_the_users_language() {
    let (world, bob) = unenrolled();
    let config = format!("language = \"ja\"\n{}", world.config.borrow());
    *world.config.borrow_mut() = config;
    let console = Attempt { service: "login".into(), rhost: String::new(), tty: "tty1".into(), ..bob };
    let story = world.log_in(&console, [types("100200300"), Step::AWrongCode, Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success, "{story:?}");
    assert_eq!(story.prompts[2], "Wrong, 2 tries left. Code sent by Telegram to ...300: ");
    assert!(story.prompts.iter().all(|prompt| prompt.is_ascii()), "{:?}", story.prompts);
    assert!(world.phone.borrow()[0].text.contains("へのログイン"), "{:?}", world.phone.borrow()[0].text);
}

#[test]
fn rule_13_the_code_of_a_dropped_factor_proves_no_other() {
    let (world, bob) = unenrolled();
    world.log_in(&bob, [types("100200300"), Step::BreaksOff]);
    let first = world.codes()[0].clone();
    let story = world.log_in(&bob, [types("100200399"), types(&first), Step::BreaksOff]);
    assert_eq!(story.prompts[1], "Code sent by Telegram to ...399: ");
    assert_eq!(story.prompts[2], "Wrong, 2 tries left. Code sent by Telegram to ...399: ");
    assert_eq!((story.verdict, world.codes().len(), bobs_state(&world)), (Verdict::ConversationError, 2, None));
}
