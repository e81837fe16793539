//! What a login does when the network side, the ledger or the user database fails it: PAM_SYSTEM_ERR, and with an
//! `undelivered = "skip"` that must not be mistaken for a gateway that is down (rule 5).

use herald_tests::pam::{Code, Outcome};
use herald_tests::world::{BEHIND_PASSWORD, Typed, World};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::os::unix::fs::symlink;

const HELPER: &str = "/usr/libexec/herald/herald-deliver";
const LINE: &str = "The second factor could not be checked. Try again. On scratch, root can run: herald doctor";

fn skipping() -> World {
    let world = World::new();
    world.configure("policy.undelivered = \"skip\"\ndelivery.deadline = \"2s\"\nlimits.sends = 100");
    world
}

fn is_system_error(outcome: &Outcome, words: &[&str]) {
    assert_eq!((outcome.code, outcome.errors()), (Code::SYSTEM_ERR, vec![LINE]), "{outcome:?}");
    assert_eq!(outcome.prompts(), ["Password: "]);
    let log = outcome.log_lines().join("\n");
    assert!(log.starts_with("error user=alice ") && words.iter().all(|word| log.contains(word)), "{words:?}: {log}");
}

#[test]
fn rule_5_a_missing_or_untrusted_helper_never_skips() {
    let world = skipping();
    world.machine.install_script(HELPER, 0o777, "exit 0");
    is_system_error(&world.log_in("sshd", BEHIND_PASSWORD, &[]), &[HELPER]);
    world.machine.install_script(HELPER, 0o644, "exit 0");
    is_system_error(&world.log_in("sshd", BEHIND_PASSWORD, &[]), &[HELPER]);
    fs::remove_file(world.machine.path(HELPER)).expect("a file");
    is_system_error(&world.log_in("sshd", BEHIND_PASSWORD, &[]), &[HELPER, "Install_herald-deliver"]);
}

#[test]
fn rule_5_a_helper_that_ends_crashes_stops_or_talks_nonsense_never_skips() {
    let world = skipping();
    for (what, script) in [
        ("ends", "exit 0"),
        ("fails", "exit 1"),
        ("is killed", "kill -KILL $$"),
        ("dumps core", "kill -SEGV $$"),
        ("is stopped", "kill -STOP $$"),
        ("sleeps", "exec sleep 100"),
        ("says nothing and stays", "exec cat >/dev/null"),
        ("echoes", "exec cat"),
        ("talks nonsense", "echo unreachable unreachable unreachable"),
        ("talks without end", "exec cat /dev/zero"),
        ("breaks off", "printf '\\0\\0\\1'"),
        ("promises too much", "printf '\\377\\377\\377\\377'"),
        ("says a length and no more", "printf '\\0\\0\\0\\020'"),
    ] {
        world.machine.install_script(HELPER, 0o755, script);
        let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[]);
        assert!(!outcome.log_lines().iter().any(|line| line.starts_with("skipped")), "{what}");
        is_system_error(&outcome, &["herald-deliver"]);
    }
    for left in ["cat", "sleep", "herald-deliver", "sh"] {
        world.machine.wait_until_gone(left);
    }
}

#[test]
fn rule_5_with_a_live_challenge_a_broken_helper_leaves_the_prompt_for_that() {
    let world = skipping();
    assert_eq!(world.log_in("sshd", BEHIND_PASSWORD, &[]).code, Code::CONV_ERR);
    world.machine.install_script(HELPER, 0o755, "exit 1");
    // The code that waits is taken up without a word about the helper; sending another fails, and the prompt says so.
    world.configure("policy.undelivered = \"skip\"\nlimits.resend_after = \"0s\"");
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Text("r"), Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    let prompts = outcome.prompts();
    assert!(prompts[1].ends_with(" s ago: ") && prompts[2].starts_with("Telegram failed. Code sent "), "{prompts:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn rule_23_a_host_that_ignores_sigchld_gets_its_code_all_the_same() {
    let world = World::new();
    let by = ["env", "--ignore-signal=CHLD"];
    let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let outcome = world.log_in_at(&host, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    world.machine.wait_until_gone("herald-deliver");

    // And its missing exit status is no verdict.
    world.machine.install_script(HELPER, 0o755, "exit 0");
    is_system_error(&world.log_in_at(&host, &[]), &["herald-deliver"]);
}

#[test]
fn rule_17_a_lock_that_somebody_holds_is_waited_for_three_seconds_and_the_log_names_the_holder() {
    let world = World::new();
    assert_eq!(world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]).code, Code::SUCCESS);
    let path = world.machine.path("/run/herald/ledger/alice~lock");
    let held = File::open(&path).expect("a lock file");
    flock(&held, FlockOperation::LockExclusive).expect("nobody has it");
    fs::write(&path, format!("{:<10}\n", 4711)).expect("a file");
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[]);
    is_system_error(&outcome, &["4711"]);
    drop(held);
    assert_eq!(world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]).code, Code::SUCCESS);
}

#[test]
fn rule_1_a_user_database_that_fails_is_not_an_unknown_user() {
    let world = World::new();
    world.configure("policy.unenrolled = \"skip\"");
    let host = world.host("sshd", "auth required pam_herald.so").user("alice").rhost("203.0.113.7").tty("ssh");
    fs::remove_file(world.machine.path("/etc/passwd")).expect("a file");
    symlink("passwd", world.machine.path("/etc/passwd")).expect("a link to itself");
    let outcome = world.log_in_at(&host, &[Typed::Text("123456")]);
    assert_eq!((outcome.code, outcome.errors(), outcome.prompts().len()), (Code::SYSTEM_ERR, vec![LINE], 0));
    let line = outcome.log_lines().concat();
    assert!(line.starts_with("error user=? ") && line.contains("the_user_database_cannot_be_read"), "{line}");
}
