//! Every row of the table of return codes (interface, "The module"), through real libpam, the built module, the real
//! herald-deliver and the phone.

use herald_tests::pam::{Answer, Code, Message, Outcome};
use herald_tests::phone::Fault;
use herald_tests::world::{ALICE, BEHIND_PASSWORD, ROOT, Typed, World};
use std::fs;

/// Our line and nothing before it.
const FIRST: &str = "auth required pam_herald.so";
const SENT: &str = "Code sent by Telegram to ...977: ";

/// Alice logs in through sshd's service.
fn log_in(world: &World, stack: &str, types: &[Typed]) -> Outcome {
    world.log_in("sshd", stack, types)
}

/// The last line of the log of an outcome.
fn last(outcome: &Outcome) -> &str {
    outcome.log_lines().last().copied().unwrap_or_default()
}

/// Whether the module said PAM_IGNORE: alone it lets nobody in, and a line that permits is not kept from doing so.
fn is_ignored(world: &World, service: &str, stack: &str, types: &[Typed]) -> Outcome {
    let permitted = world.log_in(service, &format!("{stack}\nauth required pam_permit.so"), types);
    assert_eq!(permitted.code, Code::SUCCESS, "{permitted:?}");
    let alone = world.log_in(service, stack, types);
    assert_eq!((alone.code, alone.errors()), (Code::PERM_DENIED, vec![]), "{alone:?}");
    assert!(last(&alone).starts_with("skipped user=alice "), "{alone:?}");
    alone
}

#[test]
fn success_the_code_was_right() {
    let world = World::new();
    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert_eq!(outcome.prompts(), ["Password: ", SENT]);
    assert_eq!((outcome.errors().len(), outcome.infos().len()), (0, 0));
    assert_eq!(world.phone.messages().len(), 1);
    assert!(last(&outcome).starts_with("verified user=alice channel=telegram "), "{outcome:?}");
    assert_eq!(outcome.log[0].prefix, "pam_herald(sshd:auth):");
}

#[test]
fn ignore_for_the_exempt_by_name_group_and_network_without_a_prompt() {
    let world = World::new();
    for policy in ["exempt = [\"alice\"]", "exempt = [\"@alice\"]", "exempt_networks = [\"203.0.113.0/24\"]"] {
        world.configure(&format!("policy.{policy}"));
        let outcome = is_ignored(&world, "sshd", BEHIND_PASSWORD, &[]);
        assert_eq!(outcome.prompts(), ["Password: "], "{policy}");
    }
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn ignore_for_the_unenrolled_where_they_are_skipped() {
    let world = World::new();
    world.forget(ALICE);
    world.configure("policy.unenrolled = \"skip\"");
    assert_eq!(is_ignored(&world, "sshd", BEHIND_PASSWORD, &[]).prompts(), ["Password: "]);
    world.configure("");
    is_ignored(&world, "sshd", &format!("{BEHIND_PASSWORD} unenrolled=skip"), &[]);
    world.configure("[service.sudo]\npolicy.unenrolled = \"skip\"");
    is_ignored(&world, "sudo", BEHIND_PASSWORD, &[]);
    assert_eq!(log_in(&world, BEHIND_PASSWORD, &[]).code, Code::PERM_DENIED, "in sudo's service only");
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn rule_5_ignore_where_every_gateway_is_unreachable_and_that_is_skipped() {
    let world = World::new();
    world.configure("policy.undelivered = \"skip\"");
    world.phone.set_fault(Fault::Broken);
    let outcome = is_ignored(&world, "sshd", BEHIND_PASSWORD, &[]);
    assert_eq!(outcome.prompts(), ["Password: "]);
    assert!(last(&outcome).ends_with("reason=undelivered"), "{outcome:?}");
}

#[test]
fn rule_4_success_for_the_exempt_takes_evidence_of_a_first_factor() {
    let world = World::new();
    let succeed = |stack: &str| format!("{stack} exempt=success");
    world.configure("policy.exempt = [\"alice\"]");
    assert_eq!(log_in(&world, &succeed(BEHIND_PASSWORD), &[]).code, Code::SUCCESS);
    // Nobody showed a password: the same argument gives PAM_IGNORE, and says why.
    let outcome = is_ignored(&world, "sshd", &succeed(FIRST), &[]);
    assert!(last(&outcome).contains("needs_evidence_of_a_first_factor"), "{outcome:?}");
    // A key that sshd has accepted is evidence, the empty variable is not.
    for (value, code) in [("publickey ssh-ed25519 AAAA", Code::SUCCESS), ("", Code::PERM_DENIED)] {
        let host = world.host("sshd", &succeed(FIRST)).user("alice").rhost("203.0.113.7");
        let outcome = host.variable("SSH_AUTH_INFO_0", value).start().authenticate([]);
        assert_eq!(outcome.code, code, "{outcome:?}");
    }

    world.forget(ALICE);
    world.configure("policy.unenrolled = \"skip\"");
    assert_eq!(log_in(&world, &succeed(BEHIND_PASSWORD), &[]).code, Code::SUCCESS);

    // Undelivered is never a success.
    world.enroll(ALICE);
    world.configure("policy.undelivered = \"skip\"");
    world.phone.set_fault(Fault::Broken);
    is_ignored(&world, "sshd", &succeed(BEHIND_PASSWORD), &[]);
}

#[test]
fn auth_err_when_the_tries_are_used_up() {
    let world = World::new();
    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Wrong; 3]);
    assert_eq!((outcome.code, outcome.errors()), (Code::AUTH_ERR, vec!["Wrong code, no tries left."]));
    let wrong = |left| format!("Wrong, {left} left. {SENT}");
    assert_eq!(outcome.prompts(), ["Password: ", SENT, &wrong("2 tries"), &wrong("1 try")]);
    assert!(outcome.delay.is_some(), "rule 22");
    assert_eq!(world.phone.messages().len(), 1);
    assert!(last(&outcome).ends_with("reason=wrong-answers"), "{outcome:?}");
}

#[test]
fn rule_8_auth_err_for_junk_in_place_of_an_answer() {
    let world = World::new();
    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Text("\x08\n\r\x7fINC")]);
    assert_eq!((outcome.code, outcome.errors()), (Code::AUTH_ERR, vec!["Login refused."]));
    assert!(!outcome.log_lines().iter().any(|line| line.starts_with("wrong ")), "{outcome:?}");
}

#[test]
fn rule_10_auth_err_for_the_password_in_place_of_an_answer_and_after_ten_prompts() {
    let world = World::new();
    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Text(ALICE.password)]);
    assert_eq!((outcome.code, outcome.errors()), (Code::AUTH_ERR, vec!["Login refused."]));
    assert!(last(&outcome).contains("PasswordAuthentication_no"), "{outcome:?}");

    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Text("?"); 20]);
    assert_eq!((outcome.code, outcome.prompts().len()), (Code::AUTH_ERR, 11), "the password, and ten of ours");
    assert!(last(&outcome).ends_with("reason=too-many-prompts"), "{outcome:?}");
    assert_eq!(world.phone.messages().len(), 1, "the code of the first login lives");
}

#[test]
fn rule_9_auth_err_without_evidence_in_a_remote_service() {
    let world = World::new();
    let outcome = log_in(&world, FIRST, &[Typed::Text("123456")]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::AUTH_ERR, vec!["Code: "]));
    assert_eq!((outcome.errors(), world.phone.requests()), (vec!["Login refused."], 0));
    assert!(last(&outcome).ends_with("reason=no-evidence"), "{outcome:?}");
}

#[test]
fn rule_9_without_evidence_a_stranger_learns_nothing_about_anybody() {
    let world = World::new();
    world.configure("limits.failures = 3");
    world.enroll(ROOT);
    assert_eq!(log_in(&world, BEHIND_PASSWORD, &[Typed::Wrong; 3]).code, Code::MAXTRIES, "alice is locked");
    let before = world.phone.requests();
    let mut seen = Vec::new();
    for user in ["alice", "bob", "root", "no-such-user"] {
        let host = world.host("sshd", FIRST).user(user).rhost("203.0.113.7").tty("ssh");
        let outcome = world.log_in_at(&host, &[Typed::Text("123456")]);
        assert_ne!(outcome.code, Code::SUCCESS);
        seen.push((outcome.transcript, outcome.delay.is_some()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(world.phone.requests(), before);
}

#[test]
fn rule_9_where_the_code_alone_is_to_do_it_is_sent_without_a_password() {
    let world = World::new();
    world.configure("policy.code_alone = true");
    let outcome = log_in(&world, FIRST, &[Typed::Right]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::SUCCESS, vec![SENT]), "{outcome:?}");
}

#[test]
fn maxtries_for_the_locked_and_for_the_answer_that_locks() {
    let world = World::new();
    world.configure("limits.failures = 3\nlimits.lockout = \"20m\"");
    let line = "Too many wrong codes: locked for 20 min. On scratch, root can run: herald unlock alice";
    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Wrong; 3]);
    assert_eq!((outcome.code, outcome.errors()), (Code::MAXTRIES, vec![line]));
    assert_eq!(world.phone.messages().len(), 2, "the code, and word of the lock");
    for service in ["sshd", "sudo"] {
        let outcome = world.log_in(service, BEHIND_PASSWORD, &[Typed::Right]);
        assert_eq!((outcome.code, outcome.errors()), (Code::MAXTRIES, vec![line]), "everywhere: {service}");
        assert_eq!(outcome.prompts(), ["Password: "]);
        assert!(last(&outcome).starts_with("locked user=alice "), "{outcome:?}");
    }
    assert_eq!(world.phone.messages().len(), 2);
}

#[test]
fn maxtries_when_the_budget_is_used_up_and_nothing_waits() {
    let world = World::new();
    world.configure("limits.sends = 1\ncode.attempts = 1");
    assert_eq!(log_in(&world, BEHIND_PASSWORD, &[Typed::Wrong]).code, Code::AUTH_ERR);
    let outcome = log_in(&world, BEHIND_PASSWORD, &[]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::MAXTRIES, vec!["Password: "]));
    assert_eq!(outcome.errors(), ["Too many codes were sent: try again in 15 min."]);
    assert!(last(&outcome).ends_with("reason=budget-used-up"), "{outcome:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn perm_denied_for_the_unenrolled_with_the_way_to_enroll() {
    let world = World::new();
    world.forget(ALICE);
    let outcome = log_in(&world, BEHIND_PASSWORD, &[]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::PERM_DENIED, vec!["Password: "]));
    assert!(outcome.errors()[0].contains("herald enroll telegram --user alice"), "{outcome:?}");
    assert!(last(&outcome).starts_with("refused user=alice ") && last(&outcome).ends_with("reason=unenrolled"));
}

#[test]
fn authinfo_unavail_when_nothing_could_be_delivered_and_rule_35_auth_err_at_a_desktop() {
    let world = World::new();
    world.phone.set_fault(Fault::Broken);
    for (service, code) in [
        ("sshd", Code::AUTHINFO_UNAVAIL),
        ("sudo", Code::AUTHINFO_UNAVAIL),
        ("gdm-password", Code::AUTH_ERR),
        ("kde", Code::AUTH_ERR),
    ] {
        let outcome = world.log_in(service, BEHIND_PASSWORD, &[]);
        assert_eq!((outcome.code, outcome.prompts()), (code, vec!["Password: "]), "{service}");
        assert!(outcome.errors()[0].contains("No code could be delivered. Try again"), "{outcome:?}");
        assert!(last(&outcome).ends_with("reason=undelivered"), "{outcome:?}");
    }
    assert_eq!(world.phone.messages().len(), 0);
}

#[test]
fn user_unknown_after_a_prompt_like_any_other() {
    let world = World::new();
    world.configure("policy.unenrolled = \"skip\"");
    for name in ["no-such-user", "hunter2", "al\u{202e}ice", "../alice", ""] {
        let host = world.host("sshd", FIRST).user(name).rhost("203.0.113.7").tty("ssh");
        let outcome = host.start().authenticate(|message: &Message| match message.style.is_prompt() {
            true => Answer::text("123456"),
            false => Answer::Null,
        });
        assert_eq!((outcome.code, outcome.prompts()), (Code::USER_UNKNOWN, vec!["Code: "]), "{name}: {outcome:?}");
        let line = "refused user=? rhost=203.0.113.7 tty=ssh reason=unknown-user";
        assert_eq!(outcome.log_lines(), [line], "rule 31: people type their passwords there");
    }
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn conv_err_when_nobody_answers_and_the_challenge_stays_live() {
    let world = World::new();
    let silences: [fn() -> Answer; 5] = [
        || Answer::Null,
        || Answer::Nothing,
        Answer::empty,
        || Answer::Code(Code::CONV_ERR),
        || Answer::Code(Code::CONV_AGAIN),
    ];
    for silence in silences {
        let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Odd(silence)]);
        assert_eq!(outcome.code, Code::CONV_ERR, "{outcome:?}");
        assert!(last(&outcome).starts_with("refused user=alice "), "{outcome:?}");
    }
    let outcome = log_in(&world, BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn service_err_for_bad_arguments_configuration_owners_and_state() {
    let world = World::new();
    let machine = &world.machine;
    let is_refused = |outcome: Outcome, words: &[&str]| {
        assert_eq!(
            (outcome.code, outcome.prompts()),
            (Code::SERVICE_ERR, vec!["Password: "]),
            "{words:?}: {outcome:?}"
        );
        assert!(outcome.errors()[0].contains("not set up right"), "{outcome:?}");
        let log = outcome.log_lines().join("\n");
        assert!(words.iter().all(|word| log.contains(word)), "{words:?}: {log}");
        assert!(log.starts_with("error "), "{log}");
    };
    is_refused(log_in(&world, &format!("{BEHIND_PASSWORD} nullok"), &[]), &["nullok"]);
    is_refused(
        log_in(&world, &format!("{BEHIND_PASSWORD} config=/nonexistent/herald.toml"), &[]),
        &["/nonexistent", "no_such_file"],
    );
    world.configure("policy.unenroled = \"skip\"");
    is_refused(log_in(&world, BEHIND_PASSWORD, &[]), &["herald.toml", "unenroled"]);
    world.configure("policy.unenrolled = \"skip\"");
    machine.write("/etc/herald/herald.toml", 0o666, machine.read("/etc/herald/herald.toml"));
    is_refused(log_in(&world, BEHIND_PASSWORD, &[]), &["/etc/herald/herald.toml"]);
    world.configure("policy.unenrolled = \"skip\"\npolicy.undelivered = \"skip\"");
    machine.folder("/var/lib/herald/users", 0o777);
    is_refused(log_in(&world, BEHIND_PASSWORD, &[]), &["/var/lib/herald/users"]);
    fs::remove_dir_all(machine.path("/var/lib/herald/users")).expect("a folder");
    is_refused(log_in(&world, BEHIND_PASSWORD, &[]), &["/var/lib/herald/users"]);
    assert_eq!(world.phone.requests(), 0);
}
