//! The built module through real libpam, as far as no login is decided.

use herald_tests::pam::{Answer, Call, Code, Host, Message, Stack, flag};

fn no_answers(_: &Message) -> Answer {
    Answer::Null
}

/// The module in every phase, each above a line that succeeds: what it says about a phase shows in the result.
fn everywhere() -> Stack {
    Stack::new().service(
        "sshd",
        "auth required pam_herald.so config=/nonexistent/herald.toml\n\
         account required pam_herald.so\n\
         account required pam_permit.so\n\
         session required pam_herald.so\n\
         session required pam_permit.so\n\
         password required pam_herald.so\n\
         password required pam_permit.so\n",
    )
}

#[test]
fn rule_28_setcred_succeeds_without_a_login_a_prompt_or_a_line() {
    let stack = Stack::new().service("cron", "auth required pam_herald.so config=/nonexistent/herald.toml\n");
    let outcome = Host::new(&stack, "cron").user("alice").start().call(
        Call::SetCredentials,
        flag::ESTABLISH_CRED | flag::SILENT,
        no_answers,
    );
    assert_eq!((outcome.code, outcome.transcript.len(), outcome.log.len()), (Code::SUCCESS, 0, 0));
}

#[test]
fn rule_28_account_session_and_password_hooks_are_ignored() {
    let stack = everywhere();
    let mut session = Host::new(&stack, "sshd").user("alice").start();
    for call in [Call::AccountManagement, Call::OpenSession, Call::CloseSession, Call::ChangeToken] {
        let outcome = session.call(call, 0, no_answers);
        assert_eq!((outcome.code, outcome.transcript.len()), (Code::SUCCESS, 0), "{call:?}");
    }
    assert_eq!(session.end(), "");

    let alone = ["account", "session", "password"].map(|phase| format!("{phase} required pam_herald.so\n")).concat();
    let stack = Stack::new().service("sshd", &alone);
    let mut session = Host::new(&stack, "sshd").user("alice").start();
    for call in [Call::AccountManagement, Call::OpenSession, Call::ChangeToken] {
        assert_ne!(session.call(call, 0, no_answers).code, Code::SUCCESS, "{call:?}: ignored is not allowed");
    }
}

#[test]
fn without_a_configuration_nobody_gets_in_and_nothing_is_asked() {
    let stack = everywhere();
    let mut session = Host::new(&stack, "sshd").user("root").start();
    let outcome = session.authenticate(no_answers);
    assert_eq!(
        (outcome.code, outcome.transcript.iter().filter(|exchange| exchange.message.style.is_prompt()).count()),
        (Code::SERVICE_ERR, 0)
    );
    assert!(outcome.delay.is_some());
    assert_eq!(session.end(), "");
}
