//! `pam.d-example/` under real libpam: who gets in, and whether our line is reached, for every way in which the
//! password and the code can end. The decisions are made up; the stacks are the shipped ones.

use herald_tests::pam::{Answer, Call, Code, Host, Message, Outcome, Stack, flag};
use std::path::Path;
use std::process::Command;

/// Debian's common-auth as pam-auth-update writes it (Debian 12 and 13).
const COMMON_AUTH: &str = "auth [success=1 default=ignore] pam_unix.so nullok\n\
    auth requisite pam_deny.so\n\
    auth required pam_permit.so\n\
    auth optional pam_cap.so\n";

/// The same with SSSD's profile.
const COMMON_AUTH_SSSD: &str = "auth [success=2 default=ignore] pam_unix.so nullok\n\
    auth [success=1 default=ignore] pam_sss.so use_first_pass\n\
    auth requisite pam_deny.so\n\
    auth required pam_permit.so\n";

const ABOVE_A_PASSWORD: [&str; 13] = [
    "sshd",
    "sudo",
    "su",
    "login",
    "lightdm",
    "gdm-password",
    "greetd",
    "xscreensaver",
    "polkit-1",
    "fedora/sshd",
    "fedora/sudo",
    "fedora/su",
    "fedora/login",
];
const ABOVE_A_KEY: [&str; 2] = ["sshd-key-only", "fedora/sshd-key-only"];

/// Those that ask for the password alone, on behalf of self-service.
const PASSWORD_ALONE: [&str; 2] = ["herald", "fedora/herald"];

/// Fedora's password-auth as `authselect select sssd` writes it, but for how it tells local accounts from SSSD's.
const PASSWORD_AUTH: &str = "auth required pam_env.so\n\
    auth required pam_faildelay.so delay=2000000\n\
    auth sufficient pam_unix.so nullok\n\
    auth sufficient pam_sss.so forward_pass\n\
    auth required pam_deny.so\n";

/// Everything that a module can say but yes.
const REFUSALS: [&str; 8] = [
    "AuthError",
    "MaxTries",
    "PermissionDenied",
    "AuthInfoUnavailable",
    "UserUnknown",
    "ConversationError",
    "ServiceError",
    "SystemError",
];

fn example(name: &str) -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../pam.d-example")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each module becomes one that says it was reached and ends as it is told; all others are ignored.
fn play(text: &str, password: &str, code: &str) -> String {
    let mut played = String::new();
    for line in text.lines() {
        let line = match line.split_whitespace().find(|word| word.ends_with(".so")) {
            _ if line.starts_with('#') => continue,
            None | Some("pam_deny.so" | "pam_permit.so") => line.to_owned(),
            Some(module) => {
                let head = &line[..line.find(module).expect("found above")];
                match module {
                    "pam_unix.so" | "pam_sss.so" => {
                        format!("{head} pam_rehearsal.so error=password verdict={password}")
                    }
                    "pam_herald.so" => format!("{head} pam_rehearsal.so error=code verdict={code}"),
                    // Tests may run as root, whom this one lets through.
                    "pam_rootok.so" => format!("{head} pam_rehearsal.so verdict=PermissionDenied"),
                    _ => format!("{head} pam_rehearsal.so verdict=Ignore"),
                }
            }
        };
        played.push_str(&line);
        played.push('\n');
    }
    played
}

/// A whole login through `text`: pam_authenticate, and pam_setcred if that let the user in.
fn log_in(text: &str, common_auth: &str, password: &str, code: &str) -> Outcome {
    let mut stack = Stack::new().service("service", &play(text, password, code));
    stack = stack.service("common-auth", &play(common_auth, password, code));
    let empty = ["common-account", "common-session", "common-session-noninteractive", "common-password"];
    for name in empty.into_iter().chain(["system-auth", "postlogin"]) {
        stack = stack.service(name, "");
    }
    stack = stack.service("password-auth", &play(PASSWORD_AUTH, password, code));
    let mut session = Host::new(&stack, "service").user("alice").start();
    let no_answers = |_: &Message| Answer::Null;
    let outcome = session.authenticate(no_answers);
    if outcome.code == Code::SUCCESS {
        assert_eq!(session.call(Call::SetCredentials, flag::ESTABLISH_CRED, no_answers).code, Code::SUCCESS);
    }
    outcome
}

fn reached_us(outcome: &Outcome) -> bool {
    outcome.errors().contains(&"code")
}

#[test]
fn rule_7_a_refused_password_ends_the_login_before_our_line() {
    for name in ABOVE_A_PASSWORD {
        for common_auth in [COMMON_AUTH, COMMON_AUTH_SSSD] {
            for password in REFUSALS.into_iter().chain(["Ignore"]) {
                let outcome = log_in(&example(name), common_auth, password, "Success");
                assert_ne!(outcome.code, Code::SUCCESS, "{name}: {password}");
                assert!(outcome.errors().contains(&"password"), "{name}: {outcome:?}");
                assert!(!reached_us(&outcome), "{name}: a code would be sent after {password}");
            }
        }
    }
}

#[test]
fn after_a_right_password_only_a_right_code_or_an_exemption_lets_anybody_in() {
    for name in ABOVE_A_PASSWORD {
        for common_auth in [COMMON_AUTH, COMMON_AUTH_SSSD] {
            for code in REFUSALS {
                let outcome = log_in(&example(name), common_auth, "Success", code);
                assert_ne!(outcome.code, Code::SUCCESS, "{name}: {code}");
                assert!(reached_us(&outcome), "{name}");
            }
            for code in ["Success", "Ignore"] {
                let outcome = log_in(&example(name), common_auth, "Success", code);
                assert_eq!((outcome.code, reached_us(&outcome)), (Code::SUCCESS, true), "{name}: {code}");
            }
        }
    }
}

#[test]
fn above_a_key_only_a_yes_of_ours_lets_anybody_in() {
    for name in ABOVE_A_KEY {
        assert!(example(name).contains("pam_herald.so exempt=success"), "{name}: rule 4");
        for code in REFUSALS.into_iter().chain(["Ignore"]) {
            assert_ne!(log_in(&example(name), COMMON_AUTH, "Success", code).code, Code::SUCCESS, "{name}: {code}");
        }
        let outcome = log_in(&example(name), COMMON_AUTH, "AuthError", "Success");
        assert_eq!((outcome.code, outcome.errors()), (Code::SUCCESS, vec!["code"]), "{name}: no password is asked");
    }
}

#[test]
fn wherever_our_line_stands_it_takes_both_the_password_and_the_code() {
    for name in ABOVE_A_PASSWORD {
        let text = example(name);
        for (place, text) in [("first", moved_first(&text)), ("last", moved_last(&text)), ("twice", twice(&text))] {
            let count = if place == "twice" { 2 } else { 1 };
            let asked = |outcome: &Outcome| outcome.errors().iter().filter(|text| **text == "code").count();
            for password in REFUSALS.into_iter().chain(["Ignore"]) {
                let outcome = log_in(&text, COMMON_AUTH, password, "Success");
                assert_ne!(outcome.code, Code::SUCCESS, "{name}, {place}: {password}");
                assert_eq!(asked(&outcome), usize::from(place == "first"), "{name}, {place}: {password}");
            }
            for code in REFUSALS {
                let outcome = log_in(&text, COMMON_AUTH, "Success", code);
                assert_ne!(outcome.code, Code::SUCCESS, "{name}, {place}: {code}");
                assert_eq!(asked(&outcome), 1, "{name}, {place}: {code} ends it");
            }
            let outcome = log_in(&text, COMMON_AUTH, "Success", "Success");
            assert_eq!((outcome.code, asked(&outcome)), (Code::SUCCESS, count), "{name}, {place}");
        }
    }
}

#[test]
fn self_service_takes_the_password_and_nothing_of_ours() {
    for name in PASSWORD_ALONE {
        let text = example(name);
        assert_eq!(text.lines().find(|line| !line.starts_with('#') && line.contains("pam_herald.so")), None, "{name}");
        for password in REFUSALS.into_iter().chain(["Ignore"]) {
            let outcome = log_in(&text, COMMON_AUTH, password, "Success");
            assert_ne!(outcome.code, Code::SUCCESS, "{name}: {password}");
            assert!(outcome.errors().contains(&"password"), "{name}: {outcome:?}");
        }
        let outcome = log_in(&text, COMMON_AUTH, "Success", "AuthError");
        assert_eq!((outcome.code, outcome.errors()), (Code::SUCCESS, vec!["password"]), "{name}");
    }
}

fn without_us(text: &str) -> (Vec<&str>, &str) {
    let (ours, rest): (Vec<&str>, Vec<&str>) =
        text.lines().filter(|line| !line.starts_with('#')).partition(|line| line.contains("pam_herald.so"));
    (rest, ours[0])
}

fn moved_first(text: &str) -> String {
    let (mut lines, ours) = without_us(text);
    lines.insert(0, ours);
    lines.join("\n")
}

fn moved_last(text: &str) -> String {
    let (mut lines, ours) = without_us(text);
    lines.push(ours);
    lines.join("\n")
}

fn twice(text: &str) -> String {
    text.lines()
        .flat_map(|line| std::iter::repeat_n(line, if line.contains("pam_herald.so") { 2 } else { 1 }))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn our_line_is_requisite_everywhere_and_every_line_is_explained() {
    for name in ABOVE_A_PASSWORD.into_iter().chain(ABOVE_A_KEY) {
        let text = example(name);
        let ours: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#') && line.contains("pam_herald.so")).collect();
        assert_eq!(ours.len(), 1, "{name}");
        assert!(ours[0].starts_with("auth       requisite  pam_herald.so"), "{name}: {ours:?}");
    }
    for name in ABOVE_A_PASSWORD.into_iter().chain(ABOVE_A_KEY).chain(PASSWORD_ALONE) {
        let text = example(name);
        let mut explained = false;
        for line in text.lines() {
            // A line may share the comment of the one right above it.
            explained = line.starts_with('#') || (explained && !line.is_empty());
            assert!(explained || line.is_empty(), "{name}: {line}");
        }
    }
}

#[test]
fn sshd_takes_the_settings_and_they_lead_through_pam() {
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("herald-conf-host-key");
    let settings = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../pam.d-example/sshd_config.d/herald.conf"));
    // sshd wants a key and its folder below /run, and gets them where nobody else sees them.
    let script = "set -e; rm -f \"$1\"; ssh-keygen -q -t ed25519 -N '' -f \"$1\"\n\
        mount -t tmpfs none /run; mkdir /run/sshd; /usr/sbin/sshd -T -h \"$1\" -f \"$2\"";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([key.as_path(), settings])
        .output()
        .expect("unshare");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8_lossy(&output.stdout);
    for line in [
        "usepam yes",
        "kbdinteractiveauthentication yes",
        "passwordauthentication no",
        "authenticationmethods publickey,keyboard-interactive keyboard-interactive",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
}
