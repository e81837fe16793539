//! Rules 1 and 2, and what goes wrong before anybody is asked.

use crate::world::*;
use herald_core::login::{Attempt, Verdict};

#[test]
fn rule_1_every_spelling_of_a_name_is_one_account() {
    let world = World::new();
    let spelled = |name: &str| Attempt { user: name.as_bytes().to_vec(), ..world.ssh() };
    world.log_in(&spelled("ALICE"), [Step::AWrongCode, Step::BreaksOff]);
    world.log_in(&spelled("alice@corp"), [Step::AWrongCode, Step::BreaksOff]);
    assert_eq!((world.ledger("alice").failures, world.codes().len()), (2, 1));
    assert_eq!(world.log_in(&spelled("Alice"), [Step::TheCode]).verdict, Verdict::Success);
}

#[test]
fn rule_1_an_unknown_user_is_asked_and_refused_and_never_named() {
    let world = World::new();
    world.configure("[policy]\nunenrolled = \"skip\"\nexempt = [\"hunter2\"]");
    for name in [&b"hunter2"[..], &b"\xff\xfe"[..]] {
        let story = world.log_in(&Attempt { user: name.to_vec(), ..world.ssh() }, [types("123456")]);
        assert_eq!((story.verdict, story.prompts), (Verdict::UserUnknown, vec!["Code: ".to_owned()]));
    }
    assert_eq!(world.logged("refused user=? "), 2);
    assert!(world.log.borrow().iter().all(|line| !line.contains("hunter2")));
    assert_eq!(world.requests.get(), 0);
}

#[test]
fn rule_1_a_name_service_that_fails_is_a_failure_and_not_an_unknown_user() {
    let world = World::new();
    world.configure("[policy]\nexempt = [\"alice\"]");
    world.name_service_down.set(true);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::SystemError);
}

#[test]
fn rule_2_the_factor_is_that_of_the_target_and_the_caller_only_stands_in_the_message() {
    let world = World::new();
    world.enroll("root", "telegram", "100200300");
    let su = Attempt { user: b"root".to_vec(), ruser: "alice".into(), ..world.local("su") };
    let story = world.log_in(&su, [Step::Enter, Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success);
    let message = world.phone.borrow()[0].clone();
    assert_eq!(message.address, "100200300");
    assert!(message.text.contains("User: root (asked for by alice)"), "{}", message.text);
}

#[test]
fn arguments_and_configuration_that_are_not_understood_refuse_everybody() {
    let world = World::new();
    let nullok = Attempt { arguments: vec![b"nullok".to_vec()], ..world.ssh() };
    assert_eq!(world.log_in(&nullok, []).verdict, Verdict::ServiceError);
    assert!(world.log.borrow()[0].contains("nullok"));
    let missing = Attempt { arguments: vec![b"config=/none".to_vec()], ..world.ssh() };
    assert_eq!(world.log_in(&missing, []).verdict, Verdict::ServiceError);
    world.configure("[policy]\nexempt = [\"alice\"]\nunenroled = \"skip\"");
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::ServiceError);
    assert!(world.log.borrow().iter().any(|line| line.contains("policy.unenroled")));
}

#[test]
fn the_argument_debug_adds_lines_and_no_secret() {
    let world = World::new();
    world.log_in(&world.ssh(), [Step::TheCode]);
    assert_eq!(world.logged("debug"), 0);
    world.log_in(&Attempt { arguments: vec![b"debug".to_vec()], ..world.ssh() }, [Step::TheCode]);
    assert_eq!(world.logged("debug user=alice rhost=203.0.113.7 tty=ssh service=sshd remote=true evidence=given"), 1);
    assert_eq!(world.logged("debug user=alice tries=1"), 1);
}

#[test]
fn one_service_may_be_stricter_or_laxer_than_the_rest() {
    let world = World::new();
    world.configure("[service.sudo]\npolicy.exempt = [\"alice\"]");
    assert_eq!(world.log_in(&world.local("sudo"), []).verdict, Verdict::Ignore);
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
}
