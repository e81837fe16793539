//! The edge between libpam and the login: what goes in, what comes out, and that nothing else does. The decisions
//! are made up (`src/pam/examples/rehearsal.rs`); libpam, the handle and the conversation are real.

use herald_tests::pam::{Answer, Call, Code, Exchange, Host, Outcome, Session, Stack, Style, flag};

/// One pam_authenticate against the rehearsed module, with these steps as its arguments.
fn rehearse(steps: &str, answers: impl herald_tests::pam::Answers) -> Outcome {
    host(steps).1.authenticate(answers)
}

fn host(steps: &str) -> (Stack, Session) {
    let stack = stack(steps);
    let session = Host::new(&stack, "sshd").user("alice").start();
    (stack, session)
}

fn stack(steps: &str) -> Stack {
    Stack::new().service("sshd", &format!("auth requisite pam_set_items.so\nauth requisite pam_rehearsal.so {steps}\n"))
}

fn no_answers(_: &herald_tests::pam::Message) -> Answer {
    Answer::Null
}

#[test]
fn every_verdict_has_its_pam_code_and_only_refusals_are_slow() {
    for (verdict, code) in [
        ("Success", Code::SUCCESS),
        ("AuthError", Code::AUTH_ERR),
        ("MaxTries", Code::MAXTRIES),
        ("PermissionDenied", Code::PERM_DENIED),
        ("AuthInfoUnavailable", Code::AUTHINFO_UNAVAIL),
        ("UserUnknown", Code::USER_UNKNOWN),
        ("ConversationError", Code::CONV_ERR),
        ("ServiceError", Code::SERVICE_ERR),
        ("SystemError", Code::SYSTEM_ERR),
    ] {
        let outcome = rehearse(&format!("verdict={verdict}"), no_answers);
        assert_eq!(outcome.code, code, "{verdict}");
        match outcome.delay {
            None => assert_eq!(code, Code::SUCCESS),
            // libpam varies the 2 s of rule 22 by half.
            Some(microseconds) => assert!((1_000_000..=3_000_000).contains(&microseconds), "{microseconds}"),
        }
        assert_eq!(outcome.delay.is_none(), code == Code::SUCCESS, "rule 22: {verdict}");
    }
}

#[test]
fn ignore_is_ignored_and_alone_in_a_stack_lets_nobody_in() {
    let alone = Stack::new().service("sshd", "auth requisite pam_rehearsal.so verdict=Ignore");
    let outcome = Host::new(&alone, "sshd").user("alice").start().authenticate(no_answers);
    assert_eq!((outcome.code, outcome.delay), (Code::PERM_DENIED, None));
    let above_permit = alone.service(
        "sshd",
        "auth requisite pam_rehearsal.so verdict=Ignore\n\
         auth required pam_permit.so",
    );
    let outcome = Host::new(&above_permit, "sshd").user("alice").start().authenticate(no_answers);
    assert_eq!(outcome.code, Code::SUCCESS);
}

#[test]
fn everything_the_host_says_reaches_the_login() {
    let stack = stack("tell");
    let mut session = Host::new(&stack, "sshd")
        .user("alice")
        .rhost("203.0.113.7")
        .tty("ssh")
        .ruser("bob")
        .authtok("first factor")
        .variable("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAA")
        .start();
    assert_eq!(
        session.authenticate(no_answers).errors(),
        ["service=sshd user=\"alice\" rhost=203.0.113.7 tty=ssh ruser=bob authtok=Some(\"first factor\") key=true \
          vouched=false"]
    );
}

#[test]
fn what_the_host_leaves_out_is_empty_and_an_empty_ssh_auth_info_is_no_key() {
    let stack = stack("tell");
    let mut session = Host::new(&stack, "sshd").user("alice").variable("SSH_AUTH_INFO_0", "").start();
    assert_eq!(
        session.authenticate(no_answers).errors(),
        ["service=sshd user=\"alice\" rhost= tty= ruser= authtok=None key=false vouched=false"]
    );
}

#[test]
fn odd_bytes_from_the_host_are_neither_lost_nor_confused() {
    let stack = stack("tell");
    let mut session = Host::new(&stack, "sshd").user(b"al\xffice").rhost(b"pc\xff").tty("pc%FF").ruser("日").start();
    assert_eq!(
        session.authenticate(no_answers).errors(),
        ["service=sshd user=\"al\u{fffd}ice\" rhost=pc%FF tty=pc%25FF ruser=日 authtok=None key=false vouched=false"]
    );
    assert_eq!(session.user(), Some(b"al\xffice".to_vec()), "rule 22: PAM_USER is left alone");
}

#[test]
fn a_missing_user_name_is_asked_for_by_libpam_before_anything_else() {
    let stack = stack("tell ask=Code:_");
    let outcome = Host::new(&stack, "sshd").start().authenticate(["alice", "123456"]);
    assert_eq!(outcome.prompts(), ["login:", "Code: "]);
    assert!(outcome.errors()[0].contains("user=\"alice\""), "{outcome:?}");
    for answer in [Answer::Code(Code::CONV_ERR), Answer::Code(Code::CONV_AGAIN), Answer::Null] {
        let outcome = Host::new(&stack, "sshd").start().authenticate(|_: &_| answer.clone());
        assert_eq!((outcome.code, outcome.transcript.len()), (Code::CONV_ERR, 1), "{answer:?}");
    }
}

#[test]
fn the_items_stay_as_they_were_when_the_host_replaces_them_during_a_prompt() {
    let stack = stack("ask=first tell ask=second tell");
    let mut session = Host::new(&stack, "sshd").user("alice").rhost("203.0.113.7").start();
    session.begin(Call::Authenticate, 0);
    let mut told = Vec::new();
    while let Some(message) = session.next_message() {
        if message.style == Style::Error && message.text.starts_with("service") {
            told.push(message.text);
        }
        session.set_item(2, "mallory");
        session.set_item(4, "x".repeat(300));
        session.answer(&Answer::text("1"));
    }
    let [first, second] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(first, second);
    assert!(first.contains("user=\"alice\" rhost=203.0.113.7 "), "{first}");
}

#[test]
fn rule_29_prompts_are_hidden_unless_asked_for_otherwise_and_come_one_by_one() {
    let outcome = rehearse("ask=Code:_ ask-echoed=Code:_", ["1", "2"]);
    let said: Vec<_> = outcome.transcript.iter().filter(|Exchange { message, .. }| message.style.is_prompt()).collect();
    assert_eq!(said.iter().map(|exchange| exchange.message.style).collect::<Vec<_>>(), [Style::Hidden, Style::Echoed]);
    assert!(outcome.transcript.iter().all(|exchange| exchange.message.count == 1));
}

#[test]
fn replies_arrive_byte_for_byte_whatever_they_are() {
    for reply in [&b"123456"[..], b" 12 34 ", b"\xff\xfe\x08", "\u{ff11}".as_bytes(), &[b'7'; 512], &[b'7'; 70_000]] {
        let outcome = rehearse("ask=Code:_", |message: &_| answer_prompt(message, &Answer::text(reply)));
        let expected = format!("{reply:?}");
        let shown = outcome.errors()[0];
        assert!(!shown.is_empty() && expected.starts_with(shown), "{shown}");
        assert_eq!((outcome.code, shown.len()), (Code::SUCCESS, expected.len().min(511)));
    }
}

#[test]
fn an_empty_reply_is_told_from_none_at_all() {
    let outcome = rehearse("ask=Code:_", |message: &_| answer_prompt(message, &Answer::empty()));
    assert_eq!((outcome.code, outcome.errors()), (Code::SUCCESS, vec!["empty"]));
    for answer in [
        Answer::Null,
        Answer::Nothing,
        Answer::Code(Code::CONV_ERR),
        Answer::Code(Code::CONV_AGAIN),
        Answer::Code(Code::ABORT),
        Answer::Code(Code(4711)),
        Answer::Rubbish(Code::CONV_ERR),
        Answer::Rubbish(Code::CONV_AGAIN),
    ] {
        let outcome = rehearse("ask=Code:_", |message: &_| answer_prompt(message, &answer));
        assert_eq!(outcome.code, Code::CONV_ERR, "rule 28: {answer:?}");
        assert_eq!(outcome.transcript.len(), 1, "{answer:?}: nothing is said after the conversation failed");
    }
}

fn answer_prompt(message: &herald_tests::pam::Message, answer: &Answer) -> Answer {
    if message.style.is_prompt() { answer.clone() } else { Answer::Null }
}

#[test]
fn a_host_without_a_conversation_is_a_conversation_error() {
    let stack = stack("error=hello ask=Code:_");
    let outcome = Host::new(&stack, "sshd").user("alice").mute().start().authenticate(no_answers);
    assert_eq!((outcome.code, outcome.transcript), (Code::CONV_ERR, Vec::new()));
}

#[test]
fn messages_need_no_response_and_survive_every_one() {
    for answer in [Answer::Null, Answer::Nothing, Answer::text("who asked?"), Answer::Rubbish(Code::CONV_ERR)] {
        let outcome = rehearse("info=one error=two", |_: &_| answer.clone());
        assert_eq!((outcome.infos(), outcome.errors()), (vec!["one"], vec!["two"]), "{answer:?}");
        assert_eq!(outcome.code, Code::SUCCESS, "{answer:?}");
    }
}

#[test]
fn rule_30_silence_mutes_information_but_neither_refusals_nor_prompts() {
    let (_stack, mut session) = host("info=one error=two ask=Code:_");
    let outcome = session.call(Call::Authenticate, flag::SILENT, ["1"]);
    assert_eq!(outcome.infos(), [""; 0]);
    assert_eq!(outcome.errors()[0], "two");
    assert_eq!(outcome.prompts(), ["Code: "]);
}

#[test]
fn messages_are_cut_under_512_bytes_between_two_characters() {
    let outcome = rehearse("long", ["1"]);
    let prompt = outcome.prompts()[0];
    assert_eq!((prompt.len(), prompt.chars().all(|character| character == '日')), (510, true));
}

#[test]
fn rule_33_a_reply_is_gone_from_the_hosts_memory_after_the_call() {
    let secret = "an answer that is long enough not to be there by chance";
    let (_stack, mut session) = host("ask-quietly=Code:_");
    session.begin(Call::Authenticate, 0);
    assert!(session.next_message().is_some());
    session.answer(&Answer::text(secret));
    assert_eq!(session.next_message(), None);
    // malloc writes its own words over the first 16 bytes of what was freed: the rest tells.
    assert_eq!(session.copies_in_memory(&secret[16..]), 0);

    // The same search does find a copy where there is one: the message, which nobody wipes.
    let (_stack, mut session) = host("ask-quietly=Code:_");
    session.set_item(4, secret);
    assert_ne!(session.copies_in_memory(&secret[16..]), 0);
}

#[test]
fn rule_27_panics_are_system_errors_and_the_host_lives_on() {
    for step in ["panic", "bomb"] {
        let stack = stack(step);
        let mut session = Host::new(&stack, "sshd").user("alice").process_environment("RUST_BACKTRACE", "full").start();
        for _ in 0..3 {
            let outcome = session.authenticate(no_answers);
            assert_eq!(outcome.code, Code::SYSTEM_ERR, "{step}");
            assert!(outcome.delay.is_some(), "{step}");
            let lines = outcome.log_lines();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("error reason=a_fault_in_the_module at=rehearsal.rs:"), "{lines:?}");
        }
        assert_eq!(session.end(), "", "{step}: nothing on the host's stderr");
    }
}

#[test]
fn rule_27_the_other_hooks_catch_their_panics_too() {
    let stack = Stack::new().service(
        "sshd",
        "auth requisite pam_rehearsal.so verdict=Success-then-bomb\n\
         account requisite pam_rehearsal.so",
    );
    let mut session = Host::new(&stack, "sshd").user("alice").start();
    assert_eq!(session.authenticate(no_answers).code, Code::SUCCESS);
    assert_eq!(session.call(Call::SetCredentials, flag::ESTABLISH_CRED, no_answers).code, Code::SYSTEM_ERR);
    assert_eq!(session.call(Call::AccountManagement, 0, no_answers).code, Code::SYSTEM_ERR);
    assert_eq!(session.end(), "");
}

#[test]
fn log_lines_go_to_authpriv_under_the_modules_name() {
    let outcome = rehearse("log=verified_100%s", no_answers);
    let [line] = outcome.log.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(line.text, "verified 100%s", "the line is no format");
    assert!(line.prefix.ends_with("(sshd:auth):"), "{line:?}");
    assert_eq!(line.priority, libc::LOG_AUTHPRIV | libc::LOG_NOTICE);
}

#[test]
fn rule_22_nothing_of_the_host_is_changed() {
    let (_stack, mut session) = host("info=hello ask=Code:_ log=hello panic");
    // libpam opens its user database on the first call; the second shows what we do.
    session.authenticate(["1"]);
    let before = session.surroundings();
    session.authenticate(["1"]);
    assert_eq!(session.surroundings(), before);
}
