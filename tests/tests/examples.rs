//! The shipped stacks with the real modules: real passwords, the built module, the phone; also with our line where it
//! does not belong.

use herald_tests::pam::{Answer, Code, Host, Message, Outcome};
use herald_tests::world::{ALICE, World, another, example};

/// Debian's common-auth is this machine's own.
const DEBIAN: [&str; 4] = ["sshd", "sudo", "su", "login"];
const FEDORA: [&str; 4] = ["fedora/sshd", "fedora/sudo", "fedora/su", "fedora/login"];
const PLACES: [&str; 4] = ["as shipped", "first", "last", "twice"];

/// Fedora's system-auth and password-auth as `authselect select local` writes them, as far as Debian has the modules.
const SYSTEM_AUTH: &str = "auth required pam_env.so\n\
    auth required pam_faildelay.so delay=2000000\n\
    auth sufficient pam_unix.so nullok\n\
    auth required pam_deny.so\n\
    account required pam_unix.so\n";

fn world() -> World {
    let world = World::new();
    world.configure("limits.failures = 100\nlimits.sends = 1000");
    for name in ["system-auth", "password-auth"] {
        world.machine.write(&format!("/etc/pam.d/{name}"), 0o644, SYSTEM_AUTH);
    }
    world.machine.write("/etc/pam.d/postlogin", 0o644, "auth optional pam_permit.so\n");
    world
}

/// An example with our line moved.
fn placed(name: &str, place: &str) -> String {
    let text = example(name);
    let (ours, mut rest): (Vec<&str>, Vec<&str>) =
        text.lines().filter(|line| !line.starts_with('#')).partition(|line| line.contains("pam_herald.so"));
    assert_eq!(ours.len(), 1, "{name}");
    match place {
        "first" => rest.insert(0, ours[0]),
        "last" => rest.push(ours[0]),
        "twice" => return text.replace(ours[0], &format!("{0}\n{0}", ours[0])),
        _ => return text,
    }
    rest.join("\n") + "\n"
}

/// A host as su and sudo are: somebody else's program with root's rights.
fn host(world: &World, name: &str, place: &str) -> Host {
    let service = name.rsplit('/').next().expect("a name");
    let by = ["setpriv", "--ruid=bob", "--"];
    world.host_by(&by, service, &placed(name, place)).user("alice").rhost("203.0.113.7").tty("pts/99")
}

/// A login by somebody who types this password, and this wherever a code is asked for.
fn log_in(world: &World, name: &str, place: &str, password: &str, mut code: impl FnMut(&str) -> String) -> Outcome {
    let mut session = host(world, name, place).start();
    session.authenticate(|message: &Message| match message.text.as_str() {
        _ if !message.style.is_prompt() => Answer::Null,
        "Password: " => Answer::text(password),
        prompt => Answer::text(code(prompt)),
    })
}

/// The newest code on the phone.
fn right_code(world: &World) -> String {
    world.phone.messages().into_iter().filter_map(|message| message.code).next_back().expect("a code")
}

#[test]
fn rule_7_with_a_wrong_password_nobody_gets_in_and_nothing_is_sent() {
    let world = world();
    for name in DEBIAN.into_iter().chain(FEDORA) {
        for place in PLACES {
            for password in ["not the password", ""] {
                let outcome = log_in(&world, name, place, password, |_| "123456".to_owned());
                assert_ne!(outcome.code, Code::SUCCESS, "{name}, {place}: {outcome:?}");
                assert_eq!(world.phone.requests(), 0, "{name}, {place}");
                let asked = outcome.log.iter().any(|line| line.prefix.starts_with("pam_herald("));
                assert_eq!(asked, place == "first", "{name}, {place}: {outcome:?}");
            }
        }
    }
}

#[test]
fn rule_7_without_a_right_code_nobody_gets_in() {
    let world = world();
    for name in DEBIAN.into_iter().chain(FEDORA) {
        for place in PLACES {
            let outcome = log_in(&world, name, place, ALICE.password, |prompt| match prompt {
                "Enter sends a code by Telegram: " => String::new(),
                "Code: " => "123456".to_owned(),
                _ => another(&right_code(&world)),
            });
            assert_ne!(outcome.code, Code::SUCCESS, "{name}, {place}: {outcome:?}");
            let end = outcome.log_lines().last().copied().unwrap_or_default().to_owned();
            assert!(end.starts_with("refused user=alice "), "{name}, {place}: {outcome:?}");
        }
    }
}

#[test]
fn with_both_everybody_gets_in_but_where_sshd_has_no_password_to_show_yet() {
    let world = world();
    for name in DEBIAN.into_iter().chain(FEDORA) {
        for place in PLACES {
            let before = world.phone.messages().len();
            let outcome = log_in(&world, name, place, ALICE.password, |prompt| match prompt {
                "Enter sends a code by Telegram: " => String::new(),
                "Code: " => "123456".to_owned(),
                _ => right_code(&world),
            });
            let sent = world.phone.messages().len() - before;
            let expected = match place {
                "first" if name.ends_with("sshd") => (false, 0),
                "twice" => (true, 2),
                _ => (true, 1),
            };
            assert_eq!((outcome.code == Code::SUCCESS, sent), expected, "{name}, {place}: {outcome:?}");
        }
    }
}

#[test]
fn who_is_exempt_gets_in_with_the_password_alone_and_not_without() {
    let world = world();
    world.configure("policy.exempt = [\"alice\"]");
    for name in DEBIAN.into_iter().chain(FEDORA) {
        for place in PLACES {
            let outcome = log_in(&world, name, place, ALICE.password, |prompt| panic!("{name}, {place}: {prompt}"));
            assert_eq!(outcome.code, Code::SUCCESS, "{name}, {place}: {outcome:?}");
            let outcome = log_in(&world, name, place, "not the password", |prompt| panic!("{name}, {place}: {prompt}"));
            assert_ne!(outcome.code, Code::SUCCESS, "{name}, {place}: {outcome:?}");
        }
    }
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn where_a_key_is_the_first_factor_no_password_is_asked_for_and_no_key_is_no_login() {
    let world = world();
    for name in ["sshd-key-only", "fedora/sshd-key-only"] {
        let text = example(name);
        let host = world.host("sshd", &text).user("alice").rhost("203.0.113.7").tty("ssh");
        let with_key = host.clone().variable("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAA");
        let answer = |message: &Message| match message.text.as_str() {
            _ if !message.style.is_prompt() => Answer::Null,
            "Code: " => Answer::text("123456"),
            _ => Answer::text(right_code(&world)),
        };
        let outcome = with_key.start().authenticate(answer);
        assert_eq!((outcome.code, outcome.prompts().len()), (Code::SUCCESS, 1), "{name}: {outcome:?}");
        let outcome = host.start().authenticate(answer);
        assert_eq!((outcome.code, outcome.prompts()), (Code::AUTH_ERR, vec!["Code: "]), "{name}: {outcome:?}");

        world.configure("policy.exempt = [\"alice\"]");
        assert_eq!(with_key.start().authenticate(answer).code, Code::SUCCESS, "{name}");
        assert_ne!(host.start().authenticate(answer).code, Code::SUCCESS, "{name}: not even the exempt");
        world.configure("limits.sends = 1000");
    }
    assert_eq!(world.phone.messages().len(), 2);
}
