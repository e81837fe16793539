//! The `pam-auth-update` profile: Debian's own program puts `common-auth` together on a scratch machine, with other
//! profiles beside ours, and people log in through what came of it.

use herald_tests::pam::{Answer, Code, Message, Outcome};
use herald_tests::world::{ALICE, World, another};
use std::fs;
use std::path::Path;

const PROFILES: &str = "/usr/share/pam-configs";
/// Whoever has no password on this machine, as with Kerberos, SSSD or winbind, and what the directory takes from her.
const NORA: &str = "nora";
const NORAS_PASSWORD: &str = "correct-horse-directory";

/// Its name and its text.
type Profile = (String, String);

/// A profile of a directory that has the passwords of some people, as Debian's of krb5, sss and winbind are: it asks
/// where it stands first, and takes what was typed where it does not.
fn directory(name: &str, priority: u32) -> Profile {
    let line = "[success=end default=ignore] pam_exec.so expose_authtok quiet /usr/local/bin/directory";
    (name.to_owned(), profile(priority, "Primary", line))
}

/// A profile of a directory that cannot be reached.
fn unreachable_directory(name: &str, priority: u32) -> Profile {
    (name.to_owned(), profile(priority, "Primary", "[success=end default=ignore] pam_debug.so auth=authinfo_unavail"))
}

/// A profile that does something with a password that was taken.
fn further(name: &str, priority: u32, line: &str) -> Profile {
    (name.to_owned(), profile(priority, "Additional", line))
}

fn profile(priority: u32, kind: &str, line: &str) -> String {
    format!("Name: For a test\nDefault: no\nPriority: {priority}\nAuth-Type: {kind}\nAuth:\n\t{line}\n")
}

fn of_this_machine(name: &str) -> Profile {
    let path = Path::new(PROFILES).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (name.to_owned(), text)
}

fn ours() -> Profile {
    let text = include_str!("../../packaging/pam-configs/herald");
    assert!(text.contains("\nDefault: no\n"), "installing the package must change no login");
    ("herald".to_owned(), text.to_owned())
}

/// Debian's stacks with these profiles and none of ours in any file, and a machine on which `pam-auth-update` runs.
fn debian(profiles: &[Profile]) -> World {
    let world = World::new();
    let machine = &world.machine;
    machine.write("/etc/debconf.conf", 0o644, fs::read("/etc/debconf.conf").expect("debconf"));
    machine.folder("/var/cache/debconf", 0o755);
    machine.folder("/var/lib/dpkg/info", 0o755);
    machine.folder("/var/lib/pam", 0o755);
    let templates = "/var/lib/dpkg/info/libpam-runtime.templates";
    machine.write(templates, 0o644, fs::read(templates).expect("libpam-runtime"));
    succeeds(&world, &["mount", "-t", "tmpfs", "-o", "mode=755", "profiles", PROFILES]);
    for (name, text) in [profiles, &[ours()]].concat() {
        machine.write(&format!("{PROFILES}/{name}"), 0o644, text);
    }
    succeeds(
        &world,
        &["sh", "-c", "rm -r /etc/pam.d/*; cp /usr/share/pam/common-* /etc/pam.d/; rm /etc/pam.d/*md5sums"],
    );
    for service in ["login", "sudo", "su"] {
        let rootok = if service == "su" { "auth sufficient pam_rootok.so\n" } else { "" };
        machine.write(
            &format!("/etc/pam.d/{service}"),
            0o644,
            format!("{rootok}@include common-auth\n@include common-account\n@include common-session\n"),
        );
    }
    machine.append("/etc/passwd", &format!("{NORA}:x:2003:2003::/run/home/2003:/bin/sh"));
    machine.append("/etc/shadow", &format!("{NORA}:*:20000:0:99999:7:::"));
    world.enroll_at(NORA, ALICE.chat());
    let script =
        format!("tr '\\000' '\\n' | {{ read -r typed; [ \"$PAM_USER,$typed\" = '{NORA},{NORAS_PASSWORD}' ]; }}");
    machine.install_script("/usr/local/bin/directory", 0o755, &script);
    let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
    update(&world, &[&["--force", "--enable"], names.as_slice()].concat());
    world
}

fn succeeds(world: &World, words: &[&str]) {
    let ended = world.machine.run("root", words, "");
    assert!(ended.status.success(), "{words:?}: {ended:?}");
}

fn update(world: &World, words: &[&str]) {
    let all = [&["env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update"], words].concat();
    let ended = world.machine.run("root", &all, "");
    assert!(ended.status.success() && !ended.errors.contains("not updating"), "{words:?}: {ended:?}");
}

/// The lines of common-auth that count.
fn common_auth(world: &World) -> Vec<String> {
    let text = world.machine.read("/etc/pam.d/common-auth");
    let lines = text.lines().filter(|line| line.starts_with("auth"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A login through the service `probe`, which is common-auth alone. Without a code another one of its shape is typed.
fn log_in(world: &World, user: &str, password: &str, is_right: bool) -> Outcome {
    log_in_to(world, "@include common-auth\n", user, password, is_right)
}

fn log_in_to(world: &World, stack: &str, user: &str, password: &str, is_right: bool) -> Outcome {
    let mut session = world.host("probe", stack).user(user).start();
    let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
        _ if !message.style.is_prompt() => Answer::Null,
        text if text.starts_with("Password") => Answer::text(password),
        text if text.contains("Code sent") => {
            let code =
                world.phone.messages().into_iter().filter_map(|message| message.code).next_back().expect("a code");
            Answer::text(if is_right { code } else { another(&code) })
        }
        text => panic!("asks {text:?}"),
    });
    assert_eq!(session.end(), "", "rule 27: nothing on stderr");
    outcome
}

/// Who has a right password gets a code, and with the code alone of these two in.
fn asks_for_both(world: &World, user: &str, password: &str) {
    let stack = common_auth(world);
    for wrong in ["wrong-horse", ""] {
        let sent = world.phone.messages().len();
        let outcome = log_in(world, user, wrong, true);
        assert_ne!(outcome.code, Code::SUCCESS, "{wrong:?}: {stack:?}");
        assert!(!outcome.prompts().iter().any(|prompt| prompt.contains("Code")), "{wrong:?}: {outcome:?}");
        assert_eq!(world.phone.messages().len(), sent, "{wrong:?}: {stack:?}");
    }
    let outcome = log_in(world, user, password, false);
    assert_eq!(outcome.code, Code::AUTH_ERR, "{stack:?}: {outcome:?}");
    let outcome = log_in(world, user, password, true);
    assert_eq!(outcome.code, Code::SUCCESS, "{stack:?}: {outcome:?}");
    assert_eq!(outcome.prompts().len(), 2, "one password, one code: {outcome:?}");
    world.machine.run("root", &["herald", "unlock", user], "");
}

#[test]
fn rule_7_the_profile_holds_beside_every_other_profile() {
    let unix = || of_this_machine("unix");
    let local: (&str, &str) = (ALICE.name, ALICE.password);
    let directorys: (&str, &str) = (NORA, NORAS_PASSWORD);
    let sets = [
        (vec![unix()], vec![local]),
        (vec![unix(), directory("sss", 128)], vec![local, directorys]),
        (vec![directory("krb5", 704), unix()], vec![local, directorys]),
        (vec![directory("krb5", 704), unix(), unreachable_directory("winbind", 192)], vec![local, directorys]),
        (vec![unreachable_directory("krb5", 704), unix(), unreachable_directory("sss", 128)], vec![local]),
        (vec![directory("ldap", 128)], vec![directorys]),
        (
            // Those that come with Debian, one that ends the stack, and one that refuses.
            vec![
                unix(),
                of_this_machine("mkhomedir"),
                further("capability", 0, "optional pam_debug.so auth=success"),
                further("keyring", 0, "optional pam_debug.so auth=auth_err"),
                further("ccreds-save", 512, "[default=done] pam_debug.so auth=success"),
            ],
            vec![local],
        ),
    ];
    for (profiles, people) in sets {
        let world = debian(&profiles);
        update(&world, &["--enable", "herald"]);
        let lines = common_auth(&world);
        let place = lines.iter().position(|line| line == "auth requisite pam_herald.so");
        let place = place.unwrap_or_else(|| panic!("{lines:?}"));
        assert_eq!(lines[place - 1], "auth required pam_permit.so", "first behind the passwords: {lines:?}");
        for (user, password) in people {
            asks_for_both(&world, user, password);
        }
    }
}

#[test]
fn rule_7_without_any_profile_that_takes_a_password_the_code_alone_is_no_way_past_a_refusal() {
    let world = debian(&[further("capability", 0, "optional pam_debug.so auth=success")]);
    update(&world, &["--enable", "herald"]);
    let mut session = world.host("probe", "@include common-auth\n").user("alice").rhost("203.0.113.7").start();
    let outcome = session.authenticate(["123456"]);
    session.end();
    assert_ne!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert_eq!(world.phone.messages().len(), 0);
}

#[test]
fn whom_the_code_does_not_concern_gets_in_with_the_password_and_not_without() {
    let world = debian(&[of_this_machine("unix"), directory("sss", 128)]);
    update(&world, &["--enable", "herald"]);
    world.configure("policy.exempt = [\"alice\", \"nora\"]");
    for (user, password) in [(ALICE.name, ALICE.password), (NORA, NORAS_PASSWORD)] {
        assert_eq!(log_in(&world, user, password, true).code, Code::SUCCESS, "PAM_IGNORE: pam_permit.so said yes");
        assert_ne!(log_in(&world, user, "wrong-horse", true).code, Code::SUCCESS);
    }
    assert_eq!(world.phone.messages().len(), 0);
}

#[test]
fn it_is_off_until_it_is_enabled_and_leaves_nothing_when_it_is_disabled() {
    let world = debian(&[of_this_machine("unix"), of_this_machine("mkhomedir")]);
    let before = world.machine.read("/etc/pam.d/common-auth");
    // What other packages call when they come and go.
    update(&world, &["--package"]);
    assert_eq!(world.machine.read("/etc/pam.d/common-auth"), before);
    assert_eq!(log_in(&world, "alice", ALICE.password, true).prompts(), ["Password: "]);

    update(&world, &["--enable", "herald"]);
    asks_for_both(&world, "alice", ALICE.password);
    // An argument that an admin adds stays.
    let text = world.machine.read("/etc/pam.d/common-auth").replace("pam_herald.so", "pam_herald.so debug");
    world.machine.write("/etc/pam.d/common-auth", 0o644, text);
    update(&world, &["--package"]);
    assert!(
        common_auth(&world).contains(&"auth requisite pam_herald.so debug".to_owned()),
        "{:?}",
        common_auth(&world)
    );
    asks_for_both(&world, "alice", ALICE.password);

    update(&world, &["--disable", "herald"]);
    assert_eq!(world.machine.read("/etc/pam.d/common-auth"), before);
    assert_eq!(log_in(&world, "alice", ALICE.password, true).prompts(), ["Password: "]);
    update(&world, &["--enable", "herald"]);
    update(&world, &["--package", "--remove", "herald"]);
    assert_eq!(world.machine.read("/etc/pam.d/common-auth"), before);
}

#[test]
fn sudo_asks_through_it_and_doctor_says_whom_else_it_reaches() {
    let world = debian(&[of_this_machine("unix")]);
    update(&world, &["--enable", "herald"]);
    let mut sudo = world.machine.terminal("alice", &["sudo", "id", "-un"]);
    sudo.answer("password for alice: ", ALICE.password);
    sudo.answer("Code sent by Telegram to ...977: ", &world.phone.code());
    assert!(sudo.succeeds().contains("root"), "{}", sudo.transcript());

    let of_pam = || {
        let ended = world.machine.run("root", &["herald", "--json", "doctor"], "");
        let document: serde_json::Value = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"));
        let checks = document["checks"].as_array().expect("checks").clone();
        let checks =
            checks.into_iter().filter(|check| check["name"].as_str().is_some_and(|name| name.starts_with("pam")));
        checks
            .map(|check| (check["ok"] == true, check["detail"].as_str().expect("text").to_owned()))
            .collect::<Vec<_>>()
    };
    let number = 1 + world
        .machine
        .read("/etc/pam.d/common-auth")
        .lines()
        .position(|line| line.contains("pam_herald.so"))
        .expect("enabled");
    let place = format!("/etc/pam.d/common-auth:{number}");
    // What packages of this machine keep in /usr/lib/pam.d may be among them.
    let reaches = |check: &(bool, String)| {
        let names = check.1.strip_prefix(&format!("{place} asks for a code in ")).unwrap_or_default();
        let names: Vec<&str> = names.split(", ").collect();
        check.0 && ["login", "su", "sudo"].iter().all(|name| names.contains(name))
    };
    let found = of_pam();
    assert!(found.len() == 2 && found[0] == (true, place.clone()) && reaches(&found[1]), "{found:?}");

    // The example's line on top of it: two codes.
    world.machine.append("/etc/pam.d/sudo", "auth requisite pam_herald.so");
    let twice = (true, format!("{place} and /etc/pam.d/sudo:4 both ask for a code"));
    let found = of_pam();
    assert!(found.len() == 3 && found[..2] == [(true, place.clone()), twice] && reaches(&found[2]), "{found:?}");
}

/// What authselect makes of a template with these features: the operators that ours uses, as authselect-profiles(5)
/// describes them. `scripts/test-authselect.sh` has the real one make it.
fn rendered(template: &str, features: &[&str]) -> String {
    let mut text = String::new();
    for line in template.lines() {
        let mut line = line.to_owned();
        while let Some((before, rest)) = line.split_once('{') {
            let (operator, after) = rest.split_once('}').expect("an operator ends");
            let (words, choice) = operator.split_once(':').unwrap_or((operator, ""));
            let name = words.split('"').nth(1).expect("a feature");
            let holds = features.contains(&name) != words.contains(" not ");
            let (yes, no) = choice.split_once('|').unwrap_or((choice, ""));
            line = match words.split_once(' ') {
                Some(("if", _)) => format!("{before}{}{after}", if holds { yes } else { no }),
                Some((kind, _)) if holds == (kind == "include") => format!("{before}{after}"),
                _ => String::new(),
            };
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[test]
fn rule_7_the_feature_for_authselect_asks_where_it_is_selected() {
    let world = World::new();
    let machine = &world.machine;
    // The shape of a vendor's profile.
    let vendors = "auth required pam_env.so\nauth sufficient pam_unix.so {if not \"without-nullok\":nullok}\n\
                   auth required pam_deny.so\n\naccount required pam_unix.so\n";
    for name in ["system-auth", "password-auth"] {
        machine.folder("/etc/authselect/custom/herald", 0o755);
        machine.write(&format!("/etc/authselect/custom/herald/{name}"), 0o644, vendors);
    }
    machine.install_script("/usr/local/bin/add-feature", 0o755, include_str!("../../packaging/authselect/add-feature"));
    succeeds(&world, &["add-feature", "/etc/authselect/custom/herald"]);
    let template = machine.read("/etc/authselect/custom/herald/password-auth");
    let kept =
        |text: &str| text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(kept(&rendered(&template, &[])), kept(&rendered(vendors, &[])), "not selected: the vendor's own");
    assert!(!rendered(&template, &["with-herald"]).contains("sufficient"), "{template}");
    succeeds(&world, &["add-feature", "/etc/authselect/custom/herald"]);
    assert_eq!(machine.read("/etc/authselect/custom/herald/password-auth"), template, "once more");

    let log_in = |features: &[&str], password: &str, is_right: bool| {
        machine.write("/etc/pam.d/password-auth", 0o644, rendered(&template, features));
        log_in_to(&world, "auth substack password-auth\nauth optional pam_warn.so\n", "alice", password, is_right)
    };
    for features in [&["with-herald"][..], &["with-herald", "with-faillock"], &["with-herald", "without-nullok"]] {
        let outcome = log_in(features, "wrong-horse", true);
        assert_ne!(outcome.code, Code::SUCCESS, "{features:?}");
        assert_eq!((world.phone.messages().len(), outcome.prompts()), (0, vec!["Password: "]), "{features:?}");
    }
    for features in [&["with-herald"][..], &["with-herald", "with-faillock"]] {
        assert_ne!(log_in(features, ALICE.password, false).code, Code::SUCCESS, "{features:?}");
        assert_eq!(log_in(features, ALICE.password, true).code, Code::SUCCESS, "{features:?}");
    }
    let outcome = log_in(&[], ALICE.password, true);
    assert_eq!((outcome.code, outcome.prompts()), (Code::SUCCESS, vec!["Password: "]), "not selected: {outcome:?}");
    assert_ne!(log_in(&[], "wrong-horse", true).code, Code::SUCCESS, "not selected");
}
