//! Rules 11 and 16: what guessing and sending cost.

use crate::offline::{SECRET, factor};
use crate::world::*;
use herald_core::account::UserName;
use herald_core::courier::End;
use herald_core::enrollment::Factor;
use herald_core::login::{Attempt, Verdict};
use std::time::Duration;

fn three_wrong() -> [Step; 3] {
    [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode]
}

#[test]
fn rule_16_five_wrong_answers_in_a_row_lock_the_user_everywhere() {
    let world = World::new();
    assert_eq!(world.log_in(&world.ssh(), three_wrong()).verdict, Verdict::AuthError);
    let story = world.log_in(&world.ssh(), three_wrong());
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::MaxTries, 2));
    assert_eq!(
        story.errors,
        ["Too many wrong codes: locked for 10 min. On pi.example, root can run: herald unlock alice"]
    );
    for attempt in [world.ssh(), world.local("sudo"), Attempt { rhost: "198.51.100.1".into(), ..world.ssh() }] {
        let story = world.log_in(&attempt, [Step::TheCode]);
        assert_eq!((story.verdict, story.prompts.len()), (Verdict::MaxTries, 0));
    }
    assert_eq!(world.logged("locked user=alice"), 4);
}

/// Wherever else somebody may come from, and whatever else the name may be written like.
fn elsewhere(world: &World) -> Vec<Attempt> {
    let at = World::ssh;
    vec![
        Attempt { service: "sudo".into(), ..at(world) },
        Attempt { service: "sshd-alice".into(), ..at(world) },
        Attempt { tty: "pts/9".into(), ..at(world) },
        Attempt { tty: String::new(), ..at(world) },
        Attempt { rhost: "198.51.100.1".into(), ..at(world) },
        Attempt { rhost: "::ffff:203.0.113.7".into(), ..at(world) },
        Attempt { user: b"ALICE".to_vec(), ..at(world) },
        Attempt { user: b"alice@corp".to_vec(), tty: "pts/8".into(), ..at(world) },
    ]
}

#[test]
fn rule_16_no_other_service_terminal_peer_or_spelling_gets_around_the_lock() {
    let world = World::new();
    world.configure("[limits]\nsends = 100");
    let all = elsewhere(&world);
    let wrong = |world: &World| world.ledger("alice").failures;
    for (count, attempt) in all.iter().take(4).enumerate() {
        world.log_in(attempt, [Step::AWrongCode]);
        assert_eq!(wrong(&world), u32::try_from(count).expect("small") + 1, "{attempt:?}");
    }
    assert_eq!(world.log_in(&all[7], [Step::AWrongCode]).verdict, Verdict::MaxTries, "the fifth locks");
    for attempt in &all {
        let story = world.log_in(attempt, [Step::TheCode]);
        assert_eq!((story.verdict, story.prompts.len()), (Verdict::MaxTries, 0), "{attempt:?}");
    }
}

#[test]
fn rule_11_no_other_service_terminal_peer_or_spelling_gets_around_the_budget() {
    let world = World::new();
    let all = elsewhere(&world);
    let sent = all.iter().filter(|attempt| world.log_in(attempt, [Step::BreaksOff]).verdict != Verdict::MaxTries);
    assert_eq!(sent.count(), 5);
    assert_eq!(world.codes().len(), 5);
}

/// Alice with Telegram, Signal and an app.
fn with_three_ways() -> World {
    let world = World::new();
    world.add_gateway("fon", "signal");
    let id = world.enroll("alice", "signal", "+81312345678") + 1;
    let app = Factor { secret: Some(SECRET.into()), ..factor(id, "totp") };
    let alice = UserName::new("alice");
    world.enrollments.borrow_mut().get_mut(&alice).expect("enrolled").factors.push(app);
    world
}

#[test]
fn switching_the_channel_at_the_prompt_gets_around_neither_the_lock_nor_the_budget() {
    let world = with_three_ways();
    let in_turn = || ["telegram", "signal", "totp"].into_iter().flat_map(|channel| [types(channel), Step::AWrongCode]);
    let story = world.log_in(&world.ssh(), in_turn());
    assert_eq!((story.verdict, world.ledger("alice").failures), (Verdict::AuthError, 3), "{story:?}");
    let story = world.log_in(&world.ssh(), in_turn());
    assert_eq!((story.verdict, world.ledger("alice").failures), (Verdict::MaxTries, 5), "{story:?}");
    for channel in ["telegram", "signal", "totp"] {
        let story = world.log_in(&world.ssh(), [types(channel), Step::TheCode]);
        assert_eq!((story.verdict, story.prompts.len()), (Verdict::MaxTries, 0), "{channel}");
    }
    assert!(world.codes().len() <= 5, "{:?}", world.codes());

    let world = with_three_ways();
    world.configure("[limits]\nsends = 3");
    for _ in 0..3 {
        let switches = ["signal", "telegram", "signal", "telegram", "signal"].map(types);
        world.log_in(&world.ssh(), switches.into_iter().chain([Step::BreaksOff]));
    }
    assert_eq!(world.codes().len(), 3);
}

#[test]
fn rule_16_the_person_is_told_on_the_phone_once_per_lock() {
    let world = World::new();
    world.log_in(&world.ssh(), three_wrong());
    world.log_in(&world.ssh(), three_wrong());
    world.log_in(&world.ssh(), three_wrong());
    let notices = world.notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].starts_with("alice at pi.example is locked for 10 min"), "{notices:?}");
}

#[test]
fn rule_16_a_lock_ends_and_the_next_is_twice_as_long_until_a_right_answer() {
    let world = World::new();
    world.configure("[limits]\nsends = 100");
    let lock = |world: &World| {
        world.log_in(&world.ssh(), three_wrong());
        world.log_in(&world.ssh(), three_wrong()).errors
    };
    assert_eq!(
        lock(&world),
        ["Too many wrong codes: locked for 10 min. On pi.example, root can run: herald unlock alice"]
    );
    world.wait(10 * MINUTE);
    assert_eq!(
        lock(&world),
        ["Too many wrong codes: locked for 20 min. On pi.example, root can run: herald unlock alice"]
    );
    world.wait(20 * MINUTE);
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(
        lock(&world),
        ["Too many wrong codes: locked for 10 min. On pi.example, root can run: herald unlock alice"]
    );
}

#[test]
fn rule_16_the_right_code_after_the_lock_is_refused_unseen() {
    let world = World::new();
    let lock = |world: &World| {
        let elsewhere = |tty: &str| Attempt { tty: tty.into(), ..world.ssh() };
        world.log_in(&elsewhere("pts/7"), three_wrong());
        world.log_in(&elsewhere("pts/8"), three_wrong());
    };
    let world2 = world.clone();
    world.log_in(&world.ssh(), [Step::BreaksOff]);
    let code = world.newest_code();
    let story = world2.log_in(&world.ssh(), [meanwhile(lock, types(&code))]);
    assert_eq!(story.verdict, Verdict::MaxTries);
}

#[test]
fn rule_15_an_answer_without_a_waiting_code_counts_if_it_has_the_shape() {
    let world = World::new();
    let story = world.log_in(&world.local("su"), [Step::AWrongCode, types("hello"), Step::AWrongCode]);
    assert_eq!(story.verdict, Verdict::AuthError);
    assert_eq!(story.prompts[1], "Wrong. Enter sends a code by Telegram: ");
    assert_eq!((world.ledger("alice").failures, world.requests.get()), (2, 0));
}

#[test]
fn rule_11_five_codes_in_vain_are_the_most_in_a_quarter_of_an_hour() {
    let world = World::new();
    for tty in 0..5 {
        world.log_in(&Attempt { tty: format!("pts/{tty}"), ..world.ssh() }, [Step::BreaksOff]);
    }
    let story = world.log_in(&Attempt { tty: "pts/9".into(), ..world.ssh() }, []);
    assert_eq!(story.verdict, Verdict::MaxTries);
    assert_eq!(story.errors, ["Too many codes were sent: try again in 15 min."]);
    assert_eq!(world.codes().len(), 5);
    let code = world.codes()[0].clone();
    let live = Attempt { tty: "pts/0".into(), ..world.ssh() };
    assert_eq!(world.log_in(&live, [types(&code)]).verdict, Verdict::Success, "a live code is still asked for");
}

#[test]
fn rule_11_a_code_that_is_answered_right_costs_nothing() {
    let world = World::new();
    for _ in 0..30 {
        assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    }
    assert_eq!(world.ledger("alice").sends.len(), 0);
}

#[test]
fn rule_11_what_a_gateway_surely_refused_costs_nothing_and_what_may_have_gone_out_does() {
    for (end, charged) in [
        (End::Unreachable, 0),
        (End::TryAgain { after: None }, 0),
        (End::Permanent, 0),
        (End::Configuration, 0),
        (End::Unclear, 1),
    ] {
        let world = World::new();
        world.behaves("bot", end);
        world.log_in(&world.ssh(), []);
        let ledger = world.ledger("alice");
        assert_eq!((ledger.sends.len(), ledger.challenge.len()), (charged, 0), "{end:?}");
    }
}

#[test]
fn rule_11_r_with_the_budget_used_up_says_so_and_keeps_asking() {
    let world = World::new();
    world.configure("[limits]\nsends = 1");
    let later = |world: &World| world.wait(MINUTE);
    let story = world.log_in(&world.ssh(), [meanwhile(later, types("r")), Step::TheCode]);
    assert_eq!(story.prompts[1], "No more codes for now. Code sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn a_gateway_that_asked_to_be_left_alone_is_left_alone_for_an_hour_at_most() {
    let world = World::new();
    world.behaves("bot", End::TryAgain { after: Some(Duration::from_secs(1 << 40)) });
    world.log_in(&world.ssh(), []);
    world.log_in(&world.ssh(), []);
    assert_eq!(world.requests.get(), 1);
    world.wait(60 * MINUTE);
    world.behaves("bot", End::Delivered);
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
}
