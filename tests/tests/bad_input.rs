//! Files, names, answers and disks that are not as they should be: a clear word in the log, nothing lost, and nobody
//! let in.

use herald_core::account::UserName;
use herald_tests::pam::{Answer, Code, Message, Outcome};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, Typed, World};
use std::fs;
use std::os::unix::fs::symlink;

const SENT: &str = "Code sent by Telegram to ...977: ";
const CONFIG: &str = "/etc/herald/herald.toml";
const ENROLLMENT: &str = "/var/lib/herald/users/alice.toml";

/// Refused behind the password without another prompt, with a word to the person and these in the log.
fn is_refused(world: &World, code: Code, words: &[&str]) -> Outcome {
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[]);
    assert_eq!((outcome.code, outcome.prompts()), (code, vec!["Password: "]), "{words:?}: {outcome:?}");
    assert_eq!(outcome.errors().len(), 1, "{outcome:?}");
    let log = outcome.log_lines().join("\n");
    assert!(log.starts_with("error ") && words.iter().all(|word| log.contains(word)), "{words:?}: {log}");
    outcome
}

fn gets_in(world: &World) {
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
}

#[test]
fn a_configuration_that_is_wrong_is_named_with_line_and_key() {
    let world = World::new();
    // All of them would let somebody in, were they guessed at.
    let skip = "policy.unenrolled = \"skip\"\npolicy.undelivered = \"skip\"\npolicy.exempt = [\"alice\"]\n";
    for (text, words) in [
        ("policy.exempt = [\"alice\"\n".to_owned(), vec![":1:"]),
        (format!("{skip}[limits\n"), vec![":4:"]),
        (format!("{skip}policy.exempted = []\n"), vec![":4:", "policy.exempted"]),
        (format!("{skip}code.digits = 5\n"), vec![":4:", "code.digits", "6"]),
        (format!("{skip}code.digits = \"6\"\n"), vec![":4:", "code.digits"]),
        (format!("{skip}code.lifetime = \"5 minutes\"\n"), vec![":4:", "code.lifetime"]),
        (format!("{skip}\u{0}"), vec![":4:"]),
        ("x".repeat(5 << 20), vec![]),
    ] {
        world.machine.write(CONFIG, 0o600, &text);
        is_refused(&world, Code::SERVICE_ERR, &[&[CONFIG], &words[..]].concat());
    }
    world.machine.write(CONFIG, 0o600, b"language = \"\xff\"\n");
    is_refused(&world, Code::SERVICE_ERR, &[CONFIG]);
    assert_eq!(world.phone.requests(), 0);
    world.configure("");
    gets_in(&world);
}

#[test]
fn rule_25_a_configuration_that_others_could_have_written_is_not_read() {
    let world = World::new();
    let machine = &world.machine;
    world.configure("policy.exempt = [\"alice\"]");
    let text = machine.read(CONFIG);
    for mode in [0o602, 0o620, 0o604, 0o640] {
        machine.write(CONFIG, mode, &text);
        is_refused(&world, Code::SERVICE_ERR, &[CONFIG]);
    }
    machine.write(CONFIG, 0o600, &text);
    machine.folder("/etc/herald", 0o777);
    is_refused(&world, Code::SERVICE_ERR, &["/etc/herald"]);
    machine.folder("/etc/herald", 0o755);
    std::os::unix::fs::chown(machine.path(CONFIG), Some(ALICE.uid()), None).expect("root");
    is_refused(&world, Code::SERVICE_ERR, &[CONFIG]);
    fs::rename(machine.path(CONFIG), machine.path("/etc/herald/elsewhere")).expect("a file");
    std::os::unix::fs::chown(machine.path("/etc/herald/elsewhere"), Some(0), None).expect("root");
    symlink("elsewhere", machine.path(CONFIG)).expect("a link");
    is_refused(&world, Code::SERVICE_ERR, &[CONFIG]);
    fs::remove_file(machine.path(CONFIG)).expect("a link");
    let fifo = machine.run("root", &["mkfifo", "-m", "600", CONFIG], "");
    assert!(fifo.status.success(), "{fifo:?}");
    is_refused(&world, Code::SERVICE_ERR, &[CONFIG]);
}

#[test]
fn rule_3_an_enrollment_that_cannot_be_read_is_not_the_same_as_none() {
    let world = World::new();
    world.configure("policy.unenrolled = \"skip\"");
    let good = world.machine.read(ENROLLMENT);
    for (bad, word) in [
        (good[..good.len() / 2].to_owned(), "cannot_be_read"),
        (good.replace("version = 1", "version = 2"), "version_2"),
        (good.replace("version = 1\n", ""), "version"),
        (good.replace("channel", "chanel"), "channel"),
        (good.replace("active", "activ"), "active"),
        (format!("{good}{}", "#".repeat(64 << 10)), "longer_than"),
        ("\u{0}\u{0}\u{0}".to_owned(), "cannot_be_read"),
    ] {
        world.machine.write(ENROLLMENT, 0o600, &bad);
        is_refused(&world, Code::SERVICE_ERR, &["user=alice", ENROLLMENT, word]);
        assert_eq!(world.machine.read(ENROLLMENT), bad, "nothing is guessed or lost");
    }
    for mode in [0o622, 0o644] {
        world.machine.write(ENROLLMENT, mode, &good);
        is_refused(&world, Code::SERVICE_ERR, &[ENROLLMENT, "chmod_600"]);
    }
    fs::remove_file(world.machine.path(ENROLLMENT)).expect("a file");
    world.machine.folder(ENROLLMENT, 0o700);
    is_refused(&world, Code::SERVICE_ERR, &[ENROLLMENT, "is_a_folder"]);
    fs::remove_dir(world.machine.path(ENROLLMENT)).expect("a folder");
    symlink("/etc/herald/herald.toml", world.machine.path(ENROLLMENT)).expect("a link");
    is_refused(&world, Code::SERVICE_ERR, &[ENROLLMENT, "symbolic_link"]);
    assert_eq!(world.phone.requests(), 0);
}

#[test]
fn rule_1_odd_names_are_people_like_any_other_and_stay_in_their_folders() {
    let world = World::new();
    let long = "x".repeat(32);
    let longer = "y".repeat(200);
    let longest = "z".repeat(255);
    let names = [
        "alice@corp",
        "CORP\\alice",
        ".alice",
        "..",
        "../alice",
        "a/b",
        "a b",
        "a%b",
        "%2Ealice",
        "a~lock",
        "a=b\"c",
        "日本",
        "al\u{202e}ice",
        &long,
        &longer,
        &longest,
    ];
    for (position, name) in names.into_iter().enumerate() {
        world.machine.add_user(name, 3000 + u32::try_from(position).expect("few"), ALICE);
        let file = UserName::new(name).file_name();
        world.enroll_at(&file, ALICE.chat());
        let host = world.host("sshd", BEHIND_PASSWORD).user(name).rhost("203.0.113.7").tty("ssh");
        let outcome = world.log_in_at(&host, &[Typed::Right]);
        assert_eq!((outcome.code, outcome.prompts()), (Code::SUCCESS, vec!["Password: ", SENT]), "{name}: {outcome:?}");
        let log = outcome.log_lines();
        assert!(log.len() == 2 && log[1].starts_with("verified user="), "{log:?}");
        for line in log {
            assert!(line.split(' ').skip(1).all(|word| word.matches('=').count() == 1), "{name}: {line}");
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: {line}");
        }
        let text = world.phone.messages().pop().expect("a message").text;
        assert!(!text.contains('\u{202e}'), "rule 31: {text}");
        let mut left: Vec<String> = names_in(&world, "/run/herald/ledger");
        left.retain(|left| left.strip_suffix("~lock").unwrap_or(left) == file);
        assert_eq!(left.len(), 2, "{name}: ledger and lock, under the name of its file");
    }
    assert_eq!(world.phone.messages().len(), names.len());
    assert_eq!(names_in(&world, "/run/herald/ledger").len(), 2 * names.len());
    assert_eq!(names_in(&world, "/var/lib/herald"), ["totp", "users"]);
}

#[test]
fn rule_1_a_name_that_is_not_utf_8_is_unknown_also_where_it_has_an_account() {
    let world = World::new();
    world.configure("policy.unenrolled = \"skip\"");
    let mut passwd = fs::read(world.machine.path("/etc/passwd")).expect("a file");
    passwd.extend(b"al\xffce:x:3000:3000::/:/bin/sh\n");
    world.machine.write("/etc/passwd", 0o644, passwd);
    let host = world.host("sshd", "auth required pam_herald.so").user(b"al\xffce").rhost("203.0.113.7");
    let outcome = world.log_in_at(&host, &[Typed::Text("123456")]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::USER_UNKNOWN, vec!["Code: "]), "{outcome:?}");
}

fn names_in(world: &World, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(world.machine.path(folder)).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn answers_of_every_shape_are_wrong_and_no_more() {
    let world = World::new();
    world.configure("code.attempts = 10\nlimits.failures = 100");
    let odd: [fn() -> Answer; 7] = [
        || Answer::text([b'9'; 511]),
        || Answer::text([b'9'; 512]),
        || Answer::text([b'9'; 100_000]),
        || Answer::text(b"\xff\xfe\xfd"),
        || Answer::text("%s%n%s%n"),
        || Answer::text(" \u{202e}\u{0301}"),
        || Answer::text("\x1b[2J"),
    ];
    let mut types: Vec<Typed> = odd.map(Typed::Odd).to_vec();
    types.push(Typed::Right);
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &types);
    assert_eq!((outcome.code, outcome.prompts().len()), (Code::SUCCESS, 9), "{outcome:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

/// Lets a folder be on a small file system of its own, with what was in it.
fn on_its_own_disk(world: &World, folder: &str) {
    let script = format!(
        "rm -rf /tmp/kept && cp -a {folder} /tmp/kept && mount -t tmpfs -o size=256k,mode=700 scratch {folder} && \
         cp -a /tmp/kept/. {folder}"
    );
    let ended = world.machine.run("root", &["sh", "-c", &script], "");
    assert!(ended.status.success(), "{ended:?}");
}

fn fill(world: &World, folder: &str) {
    let script = format!("cat /dev/zero > {folder}/filler");
    let ended = world.machine.run("root", &["sh", "-c", &script], "");
    assert!(ended.errors.contains("No space left"), "{ended:?}");
}

#[test]
fn rule_19_delivered_codes_work_on_a_full_and_on_a_read_only_disk() {
    let world = World::new();
    on_its_own_disk(&world, "/var/lib/herald");
    fill(&world, "/var/lib/herald");
    gets_in(&world);
    let ended = world.machine.run("root", &["mount", "-o", "remount,ro", "/var/lib/herald"], "");
    assert!(ended.status.success(), "{ended:?}");
    gets_in(&world);
    assert_eq!(world.phone.messages().len(), 2);
}

#[test]
fn a_ledger_that_cannot_be_written_lets_nobody_in_and_sends_nothing() {
    let world = World::new();
    gets_in(&world);
    on_its_own_disk(&world, "/run/herald");
    fill(&world, "/run/herald");
    is_refused(&world, Code::SYSTEM_ERR, &["/run/herald/ledger", "No_space_left", "Free_some_space"]);
    assert_eq!(world.phone.messages().len(), 1);
    fs::remove_file(world.machine.path("/run/herald/filler")).expect("a file");
    gets_in(&world);
}

#[test]
fn rule_17_a_right_answer_that_cannot_be_written_is_no_yes_and_is_not_lost() {
    let world = World::new();
    gets_in(&world);
    on_its_own_disk(&world, "/run/herald");
    let host = world.host("sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let outcome = host.start().authenticate(|message: &Message| match message.text.as_str() {
        "Password: " => Answer::text(ALICE.password),
        text if text.starts_with("Code sent") => {
            fill(&world, "/run/herald");
            Answer::text(world.phone.code())
        }
        _ => Answer::Null,
    });
    assert_eq!(outcome.code, Code::SYSTEM_ERR, "{outcome:?}");
    fs::remove_file(world.machine.path("/run/herald/filler")).expect("a file");
    gets_in(&world);
    assert_eq!(world.phone.messages().len(), 2, "the same code");
}

/// Everything that a command would have replaced is as it was, and it says why; with room again it does its work.
#[test]
fn a_command_that_finds_no_room_changes_nothing_and_says_so() {
    let world = World::new();
    let folders = ["/var/lib/herald", "/etc/herald"];
    let state = || {
        let script = "cd / && find var/lib/herald etc/herald -type f ! -name filler -exec sha256sum {} + | sort -k 2";
        world.machine.run("root", &["sh", "-c", script], "").output
    };
    for folder in folders {
        on_its_own_disk(&world, folder);
        fill(&world, folder);
    }
    let before = state();
    let commands: [(&[&str], &str); 5] = [
        (&["disable", "telegram", "--user", "alice"], ""),
        (&["backup-codes", "--user", "alice", "--force"], ""),
        (&["language", "ja", "--user", "alice"], ""),
        (&["enroll", "telegram", "475721888", "--user", "bob", "--assume-verified"], ""),
        (
            &["gateway", "set", "telegram-bot", "token=-", "--no-check"],
            "110000000:FAKE-TOKEN-OF-ANOTHER-BOT-OF-THE-TESTS\n",
        ),
    ];
    let run = |words: &[&str], input: &str| world.machine.run("root", &[&["herald"], words].concat(), input);
    for (words, input) in commands {
        let ended = run(words, input);
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {ended:?}");
        assert!(ended.errors.contains("No space left"), "{words:?}: {ended:?}");
        assert_eq!(state(), before, "{words:?}");
    }
    gets_in(&world);
    for folder in folders {
        fs::remove_file(world.machine.path(&format!("{folder}/filler"))).expect("a file");
    }
    for (words, input) in commands {
        let ended = run(words, input);
        assert!(ended.status.success(), "{words:?}: {ended:?}");
        assert_ne!(state(), before, "{words:?}");
    }
}

/// SELinux forbids root, too.
#[test]
fn rule_3_an_enrollment_that_the_kernel_does_not_show_is_not_an_absent_one() {
    const TRACE: &str = "/tmp/trace";
    let world = World::new();
    world.configure("policy.unenrolled = \"skip\"");
    let log_in = |inject: &[&str]| {
        let by = [&["strace", "-f", "-qq", "-o", TRACE, "-e", "trace=openat"], inject].concat();
        let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
        world.log_in_at(&host, &[])
    };
    // From the second login on each is like the one before: the same code waits.
    (0..2).for_each(|_| drop(log_in(&[])));
    let trace = world.machine.read(TRACE);
    let host = trace.lines().find(|line| line.contains("\"herald.toml\"")).and_then(|line| line.split(' ').next());
    let host = host.expect("the host reads its configuration");
    let is_hosts = |line: &&str| line.starts_with(&format!("{host} ")) && line.contains(" openat(");
    let opened: Vec<&str> = trace.lines().filter(is_hosts).collect();
    let enrollment = opened.iter().position(|line| line.contains("\"alice.toml\"")).expect("it is read");
    let mut shown = 0;
    for (position, line) in opened.iter().enumerate().take(enrollment + 1) {
        if !["\"alice.toml\"", "\"users\"", "\"herald\"", "\"lib\""].iter().any(|name| line.contains(name)) {
            continue;
        }
        for error in ["EACCES", "EPERM", "EIO", "ESTALE"] {
            let inject = format!("inject=openat:error={error}:when={}", position + 1);
            let outcome = log_in(&["-e", &inject]);
            let refused = [Code::SYSTEM_ERR, Code::SERVICE_ERR].contains(&outcome.code);
            assert!(refused, "{inject}, {line}: {outcome:?}");
            assert!(!outcome.log_lines().iter().any(|line| line.starts_with("skipped")), "{inject}: {outcome:?}");
            shown += 1;
        }
    }
    assert!(shown >= 12, "{shown}: {opened:#?}");
}
