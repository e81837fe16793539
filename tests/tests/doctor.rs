//! `herald doctor` on a machine that was set up as the README says: real libpam files, real sshd, real gateway.

use herald_tests::world::{ALICE, BOB, ROOT, World, example};

const HOST_KEY: &str = "HostKey /etc/ssh/key";

/// What is not well.
fn findings(world: &World) -> Vec<String> {
    let ended = world.machine.run("root", &["herald", "--json", "doctor"], "");
    let document: serde_json::Value = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"));
    let failed = |check: &&serde_json::Value| check["ok"] == false;
    let text = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().expect("checks");
    for check in checks.iter().filter(failed) {
        assert_ne!(text(check, "mend"), "", "{check}");
    }
    let failed: Vec<String> = checks
        .iter()
        .filter(failed)
        .map(|check| format!("{}: {}", text(check, "name"), text(check, "detail")))
        .collect();
    assert_eq!((document["ok"] == true, ended.status.code()), (failed.is_empty(), Some(i32::from(!failed.is_empty()))));
    failed
}

fn set_up_sshd(world: &World, drop_in: &str, rest: &str) {
    world.machine.folder("/etc/ssh", 0o755);
    world.machine.write("/etc/ssh/sshd_config", 0o644, format!("{drop_in}\n{rest}\n"));
    if !world.machine.path("/etc/ssh/key").exists() {
        let words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/key"];
        assert!(world.machine.run("root", &words, "").status.success());
    }
}

#[test]
fn doctor_finds_what_would_go_wrong_and_nothing_once_it_is_mended() {
    let world = World::new();
    // Lockers of this machine whose stacks include login's would be found as well.
    for locker in ["i3lock", "swaylock", "xscreensaver", "kde", "polkit-1"] {
        let _ = std::fs::remove_file(world.machine.path(&format!("/etc/pam.d/{locker}")));
    }
    set_up_sshd(&world, "UsePAM yes\nKbdInteractiveAuthentication no\nPasswordAuthentication yes\n", HOST_KEY);
    let sshd = [
        "sshd: KbdInteractiveAuthentication is off: sshd cannot ask a second question",
        "sshd: PasswordAuthentication is on: sshd answers the question for the code with the password, and is refused",
        "sshd: AuthenticationMethods is any: a key alone opens the door, and PAM is never asked",
    ];
    let found = findings(&world);
    assert_eq!(found.get(..3), Some(&sshd.map(str::to_owned)[..]), "{found:?}");
    assert!(found.get(3).is_some_and(|root| root.starts_with("root: nobody becomes root by login, su")), "{found:?}");

    set_up_sshd(&world, &example("sshd_config.d/herald.conf"), HOST_KEY);
    for person in [ROOT, ALICE, BOB] {
        let words = ["herald", "backup-codes", "--user", person.name, "--force"];
        assert!(world.machine.run("root", &words, "").status.success());
    }
    assert_eq!(findings(&world), Vec::<String>::new());

    // A locker that runs as its user needs somebody to ask.
    world.machine.write("/etc/pam.d/kde", 0o644, example("kde"));
    let off = "broker: /run/herald-broker.sock: nobody listens; not running as root, kde lets nobody in";
    assert_eq!(findings(&world), [off]);
    let broker = world.broker();
    assert_eq!(findings(&world), Vec::<String>::new());
    drop(broker);
    std::fs::remove_file(world.machine.path("/etc/pam.d/kde")).expect("a file");

    // A Match block lets one of them in without a code: perhaps that is meant.
    let drop_in = example("sshd_config.d/herald.conf");
    let with_match = format!("{HOST_KEY}\nMatch User bob\nAuthenticationMethods publickey");
    set_up_sshd(&world, &drop_in, &with_match);
    let report = world.machine.run("root", &["herald", "doctor"], "").output;
    assert!(report.contains("for bob: AuthenticationMethods is publickey: a key alone opens the door"), "{report}");
    assert_eq!(findings(&world), Vec::<String>::new());

    // One line too many, and everybody walks past.
    let sudo = world.machine.read("/etc/pam.d/sudo");
    world.machine.write("/etc/pam.d/sudo", 0o644, format!("auth sufficient pam_succeed_if.so uid > 0\n{sudo}"));
    let passes = "pam sudo: /etc/pam.d/sudo:1 \"auth sufficient pam_succeed_if.so uid > 0\" can let somebody in past \
                  pam_herald.so";
    assert_eq!(findings(&world), [passes]);
}
