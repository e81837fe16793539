//! `input=append` through real libpam: one field, two lines of ours, the password module between them.

use herald_tests::pam::{Answer, Call, Code, Message, Outcome, Session};
use herald_tests::world::{ALICE, World, another, example};

/// One field, filled in once: every prompt gets the same, as such hosts do.
fn fills_in(session: &mut Session, typed: &str) -> Outcome {
    session.authenticate(|message: &Message| if message.style.is_prompt() { Answer::text(typed) } else { Answer::Null })
}

fn host(world: &World) -> Session {
    host_with(world, &example("one-field"))
}

fn host_with(world: &World, stack: &str) -> Session {
    world.host("dovecot", stack).user("alice").tty(":0").start()
}

#[test]
fn the_password_sends_a_code_and_password_and_code_open_the_door() {
    opens_the_door(&example("one-field"));
    opens_the_door(&example("sddm"));
    opens_the_door(&example("kde"));
}

fn opens_the_door(stack: &str) {
    let world = World::new();
    let host = |world: &World| host_with(world, stack);
    let first = fills_in(&mut host(&world), ALICE.password);
    assert_eq!((first.code, first.prompts()), (Code::AUTH_ERR, vec!["Password: "]), "{first:?}");
    assert_eq!(first.errors(), ["Code sent by Telegram to ...977. Log in again with the code at the very end."]);
    let code = world.phone.code();
    let mut session = host(&world);
    let second = fills_in(&mut session, &format!("{}{code}", ALICE.password));
    assert_eq!((second.code, second.prompts()), (Code::SUCCESS, vec!["Password: "]), "{second:?}");
    let set = session.call(Call::SetCredentials, 0, |_: &Message| Answer::Null);
    assert_eq!(set.code, Code::SUCCESS);
    assert_eq!(world.phone.messages().len(), 1);
    let used = fills_in(&mut host(&world), &format!("{}{code}", ALICE.password));
    assert_ne!(used.code, Code::SUCCESS, "good once: {used:?}");
}

#[test]
fn a_wrong_password_or_a_wrong_code_is_refused_and_only_the_latter_counts() {
    let world = World::new();
    fills_in(&mut host(&world), ALICE.password);
    let code = world.phone.code();
    let wrong_password = fills_in(&mut host(&world), &format!("wrong{code}"));
    assert_eq!((wrong_password.code, wrong_password.errors().len()), (Code::AUTH_ERR, 0), "{wrong_password:?}");
    assert!(wrong_password.log_lines().iter().all(|line| !line.starts_with("wrong ")), "{wrong_password:?}");
    let wrong_code = fills_in(&mut host(&world), &format!("{}{}", ALICE.password, another(&code)));
    assert_eq!(wrong_code.code, Code::AUTH_ERR, "{wrong_code:?}");
    assert!(wrong_code.log_lines().iter().any(|line| line.starts_with("wrong user=alice ")), "{wrong_code:?}");
    let right = fills_in(&mut host(&world), &format!("{}{code}", ALICE.password));
    assert_eq!(right.code, Code::SUCCESS, "{right:?}");
}

/// Lockers, and sudo, call pam_authenticate again and again on one handle.
#[test]
fn rule_9_each_try_on_one_handle_begins_anew_and_no_end_outlives_a_refused_password() {
    let world = World::new();
    let mut session = host(&world);
    assert_eq!(fills_in(&mut session, ALICE.password).code, Code::AUTH_ERR);
    let code = world.phone.code();
    let before = world.ledger(ALICE);
    // pam_unix itself says PAM_MAXTRIES at the third.
    for _ in 0..2 {
        let refused = fills_in(&mut session, &format!("wrong{}", another(&code)));
        assert_eq!((refused.code, refused.prompts()), (Code::AUTH_ERR, vec!["Password: "]), "{refused:?}");
        let ours = refused.log.iter().filter(|line| line.prefix.starts_with("pam_herald")).count();
        assert_eq!(ours, 0, "nothing is sent, judged or counted: {refused:?}");
    }
    assert_eq!(world.ledger(ALICE), before);
    let right = fills_in(&mut session, &format!("{}{code}", ALICE.password));
    assert_eq!(right.code, Code::SUCCESS, "{right:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn what_was_typed_is_gone_from_the_hosts_memory() {
    let world = World::new();
    fills_in(&mut host(&world), ALICE.password);
    let code = world.phone.code();
    let mut session = host(&world);
    let outcome = fills_in(&mut session, &format!("{}{code}", ALICE.password));
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    // libpam wipes PAM_AUTHTOK itself when the call ends.
    assert_eq!(session.copies_in_memory(&code), 0);
}

/// Only one of the two lines: nobody gets past it.
#[test]
fn rule_7_one_of_the_two_lines_alone_is_refused_or_found() {
    let world = World::new();
    let line = "auth requisite pam_herald.so input=append";
    let behind_only = format!("auth requisite pam_unix.so\n{line}\nauth required pam_permit.so");
    let outcome = fills_in(&mut host_with(&world, &behind_only), ALICE.password);
    assert_eq!(outcome.code, Code::AUTH_ERR, "{outcome:?}");
    let code = world.phone.code();
    let outcome = fills_in(&mut host_with(&world, &behind_only), &format!("{}{code}", ALICE.password));
    assert_eq!(outcome.code, Code::AUTH_ERR, "{outcome:?}");

    // Before the password module only, nothing can be refused any more when that is clear: herald doctor finds such a
    // stack, and each login that it lets through is an error in the log.
    let before_only = format!("{line}\nauth requisite pam_unix.so");
    let mut session = host_with(&world, &before_only);
    fills_in(&mut session, ALICE.password);
    let set = session.call(Call::SetCredentials, 0, |_: &Message| Answer::Null);
    assert!(set.log_lines()[0].starts_with("error reason=input%3Dappend_stands_once"), "{set:?}");
    let doctor = world.machine.run("root", &["herald", "doctor"], "");
    assert!(
        doctor.output.contains("it takes one such line before the password module and one behind it"),
        "{doctor:?}"
    );
}
