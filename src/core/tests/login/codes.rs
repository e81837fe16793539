//! Rules 12 to 18: how long a code is good, where, and how often.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::courier::{CourierError, End};
use herald_core::enrollment::State;
use herald_core::login::{Attempt, Verdict};
use std::time::Duration;

#[test]
fn rule_13_a_code_dies_of_its_third_wrong_answer() {
    let world = World::new();
    let story = world.log_in(&world.ssh(), [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode, Step::TheCode]);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::AuthError, 3));
    assert_eq!(world.ledger("alice").challenge.len(), 0);
    let code = world.newest_code();
    let story = world.log_in(&world.ssh(), [types(&code), Step::TheCode]);
    assert_eq!(story.prompts[1], "That code has expired. Code sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn rule_13_a_wrong_answer_of_another_shape_costs_a_try_but_no_failure() {
    let world = World::new();
    let story = world.log_in(&world.ssh(), [types("12345"), types("hello"), types("1234567")]);
    assert_eq!(story.verdict, Verdict::AuthError);
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn rule_13_a_code_is_good_once() {
    let world = World::new();
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    let used = world.newest_code();
    let story = world.log_in(&world.ssh(), [types(&used), types(&used), Step::TheCode]);
    assert_eq!(story.prompts[1], "That code was used. Code sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn rule_13_r_makes_a_new_code_and_the_earlier_stays_good() {
    let world = World::new();
    let story = world.log_in(
        &world.ssh(),
        [
            types("r"),
            meanwhile(|world| world.wait(MINUTE), types("r")),
            Step::AWrongCode,
            meanwhile(|_| {}, Step::TheCode),
        ],
    );
    assert_eq!(story.prompts[1], "A new code in 30 s. Code sent by Telegram to ...977: ");
    assert_eq!(story.prompts[2], "Code sent by Telegram to ...977: ");
    assert_eq!(story.prompts[3], "Wrong, 2 tries left. Code sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success);

    let world = World::new();
    let first = |world: &World| world.codes()[0].clone();
    world.log_in(&world.ssh(), [meanwhile(|world| world.wait(MINUTE), types("R")), Step::BreaksOff]);
    let codes = world.codes();
    assert_eq!((codes.len(), codes[0] == codes[1]), (2, false));
    assert_eq!(world.log_in(&world.ssh(), [types(&first(&world))]).verdict, Verdict::Success);
    assert_eq!(world.ledger("alice").challenge.len(), 0, "the first success kills every code of the origin");
}

#[test]
fn rule_13_each_code_has_its_own_lifetime() {
    let world = World::new();
    world.log_in(&world.ssh(), [meanwhile(|world| world.wait(4 * MINUTE), types("r")), Step::BreaksOff]);
    world.wait(2 * MINUTE);
    let codes = world.codes();
    let story = world.log_in(&world.ssh(), [types(&codes[0]), types(&codes[1])]);
    assert_eq!(story.prompts[1], "That code has expired. Telegram code to ...977 2 min ago: ");
    assert_eq!((story.verdict, world.codes().len()), (Verdict::Success, 2));
}

#[test]
fn rule_13_a_code_dies_with_its_factor() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    let disable = |world: &World| world.set_state("alice", 1, State::Disabled);
    let story = world.log_in(&world.ssh(), [meanwhile(disable, Step::TheCode), Step::TheCode]);
    assert_eq!(story.prompts[1], "That code has expired. Code sent by Signal to ...678: ");
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.phone.borrow().iter().filter(|message| message.gateway == "bot").count(), 1);
}

#[test]
fn rule_14_a_code_answers_only_where_it_was_asked_for() {
    let world = World::new();
    world.log_in(&world.ssh(), [Step::BreaksOff]);
    let first = world.newest_code();
    for elsewhere in [
        Attempt { rhost: "203.0.113.8".into(), ..world.ssh() },
        Attempt { tty: "pts/9".into(), ..world.ssh() },
        Attempt { service: "cockpit".into(), ..world.ssh() },
    ] {
        let story = world.log_in(&elsewhere, [types(&first)]);
        assert_ne!(story.verdict, Verdict::Success, "{elsewhere:?}");
    }
    assert_eq!(world.log_in(&world.ssh(), [types(&first)]).verdict, Verdict::Success);
}

#[test]
fn rule_14_one_more_live_code_than_may_be_is_a_used_up_budget() {
    let world = World::new();
    world.configure("[limits]\nsends = 2\nwindow = \"1m\"\n[code]\nlifetime = \"1h\"");
    for tty in ["pts/1", "pts/2"] {
        world.log_in(&Attempt { tty: tty.into(), ..world.ssh() }, [Step::BreaksOff]);
        world.wait(MINUTE);
    }
    let story = world.log_in(&Attempt { tty: "pts/3".into(), ..world.ssh() }, []);
    assert_eq!((story.verdict, world.codes().len()), (Verdict::MaxTries, 2));
}

#[test]
fn rule_15_a_code_that_ended_while_it_was_typed_is_not_counted_and_one_new_one_is_sent() {
    let world = World::new();
    let late = |world: &World| world.wait(6 * MINUTE);
    let story = world.log_in(&world.ssh(), [meanwhile(late, Step::TheCode), Step::TheCode]);
    assert_eq!(story.prompts[1], "That code has expired. Code sent by Telegram to ...977: ");
    assert_eq!((story.verdict, world.codes().len()), (Verdict::Success, 2));

    let world = World::new();
    let story = world.log_in(&world.ssh(), [meanwhile(late, Step::AWrongCode), meanwhile(late, Step::TheCode)]);
    assert_eq!((story.verdict, world.codes().len()), (Verdict::AuthError, 2));
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn rule_15_two_sessions_of_one_origin_share_a_code_and_only_one_gets_in_with_it() {
    let world = World::new();
    let other_session = |world: &World| {
        let story = world.log_in(&world.ssh(), [Step::TheCode]);
        assert_eq!(story.verdict, Verdict::Success);
    };
    let story = world.log_in(&world.ssh(), [meanwhile(other_session, Step::TheCode), Step::TheCode]);
    assert_eq!(story.prompts[1], "That code was used. Code sent by Telegram to ...977: ");
    assert_eq!((story.verdict, world.codes().len()), (Verdict::Success, 2));
}

#[test]
fn rule_15_logins_in_progress_and_their_successes_lock_nobody() {
    let world = World::new();
    world.configure("[limits]\nfailures = 3\nsends = 100");
    // Each begins while all before it stand at their prompts; then they end, every other by its own right code.
    fn in_progress(world: &World, left: u32) {
        let Some(left) = left.checked_sub(1) else { return };
        let end = move |world: &World| {
            let own = world.newest_code();
            in_progress(world, left);
            if left % 2 == 0 { types(&own) } else { Step::BreaksOff }
        };
        let attempt = Attempt { tty: format!("pts/{left}"), ..world.ssh() };
        let story = world.log_in(&attempt, [Step::Decided(Box::new(end))]);
        let expected = if left % 2 == 0 { Verdict::Success } else { Verdict::ConversationError };
        assert_eq!(story.verdict, expected, "{story:?}");
    }
    for round in 0..3 {
        in_progress(&world, 12);
        assert_eq!(world.ledger("alice").failures, 0, "{round}");
        assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success, "{round}");
    }
    assert_eq!((world.logged("wrong"), world.logged("locked")), (0, 0));
}

#[test]
fn rule_17_another_session_of_the_origin_treats_a_code_that_is_being_sent_as_live() {
    let world = World::new();
    *world.carrying.borrow_mut() = Some(Box::new(|world: &World| {
        let story = world.log_in(&world.ssh(), [Step::BreaksOff]);
        assert_eq!(story.prompts, ["Code sent by Telegram to ...977 1 s ago: "]);
    }));
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(world.codes().len(), 1);
}

#[test]
fn rule_17_a_sender_that_died_leaves_a_failed_code_whose_charge_is_kept() {
    let world = World::new();
    *world.carrying.borrow_mut() = Some(Box::new(|world: &World| {
        // What the ledger looks like to the next process if this one is killed now.
        world.wait(Duration::from_secs(12));
        assert_eq!(world.ledger("alice").challenge.len(), 0);
        assert_eq!(world.ledger("alice").sends.len(), 1);
    }));
    world.log_in(&world.ssh(), [Step::BreaksOff]);
}

#[test]
fn rule_17_the_guess_is_paid_for_before_it_is_compared() {
    let world = World::new();
    world.log_in(&world.ssh(), [Step::BreaksOff]);
    // The first write of the judgement succeeds, the second does not: as if the process were killed in between.
    world.writes_left.set(Some(1));
    let story = world.log_in(&world.ssh(), [Step::TheCode]);
    assert_eq!(story.verdict, Verdict::SystemError);
    assert_eq!((world.ledger("alice").failures, world.ledger("alice").challenge[0].attempts_left), (1, 2));
}

#[test]
fn rule_17_a_ledger_that_cannot_be_written_refuses_and_sends_nothing() {
    let world = World::new();
    world.writes_left.set(Some(0));
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::SystemError);
    assert_eq!(world.requests.get(), 0);
}

#[test]
fn a_ledger_that_cannot_be_understood_refuses() {
    let world = World::new();
    world.ledgers.borrow_mut().insert(UserName::new("alice"), "boot = \"this-boot\"\n".into());
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::ServiceError);
}

#[test]
fn rule_18_a_ledger_of_another_boot_is_forgotten() {
    let world = World::new();
    world.log_in(&world.ssh(), [Step::AWrongCode, Step::BreaksOff]);
    let text = world.ledgers.borrow()[&UserName::new("alice")].replace("this-boot", "another-boot");
    world.ledgers.borrow_mut().insert(UserName::new("alice"), text);
    assert_eq!(world.ledger("alice").failures, 0);
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).prompts, ["Code sent by Telegram to ...977: "]);
}

#[test]
fn the_helper_missing_costs_no_send_and_killed_costs_one() {
    for (error, charged) in
        [(CourierError::NotStarted("missing".into()), 0), (CourierError::Failed("killed".into()), 1)]
    {
        let world = World::new();
        *world.courier_error.borrow_mut() = Some(error);
        world.log_in(&world.ssh(), []);
        assert_eq!(world.ledger("alice").sends.len(), charged);
    }
}

#[test]
fn a_switch_is_a_new_code_without_the_wait_and_both_are_good() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    world.log_in(&world.ssh(), [types("signal"), Step::BreaksOff]);
    let codes = world.codes();
    assert_eq!((codes.len(), world.ledger("alice").challenge.len()), (2, 1));
    assert_eq!(world.log_in(&world.ssh(), [types(&codes[0])]).verdict, Verdict::Success);
}

#[test]
fn a_channel_that_is_down_says_so_and_the_prompt_before_stays() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    world.behaves("fon", End::Permanent);
    let story = world.log_in(&world.ssh(), [types("signal"), Step::TheCode]);
    assert_eq!(story.prompts[1], "Signal failed. Code sent by Telegram to ...977: ");
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn rule_24_the_helper_is_told_of_the_gateways_of_this_login_only() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.add_gateway("sms", "sms");
    world.enroll("alice", "sms", "+81312345678");
    world.log_in(&world.ssh(), [Step::TheCode]);
    assert_eq!(*world.named.borrow(), [["bot", "sms"]]);
}
