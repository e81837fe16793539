//! The scratch machine itself: real programs run on it, and nothing of it shows outside.

use herald_tests::world::{ALICE, HOST_NAME, ROOT, World};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn real_programs_take_the_passwords_of_the_machines_own_accounts() {
    let world = World::new();
    world.machine.write("/etc/pam.d/su", 0o644, "@include common-auth\n@include common-account\n");
    let mut su = world.machine.terminal("alice", &["su", "root", "-c", "id -un; tty; hostname"]);
    su.expect("Password: ");
    su.send_line(ROOT.password);
    let shown = su.succeeds();
    assert!(shown.contains("root\n/dev/pts/") && shown.contains(HOST_NAME), "{shown}");

    world.machine.write("/etc/pam.d/sudo", 0o644, "@include common-auth\n@include common-account\n");
    let ended = world.machine.run("alice", &["sudo", "-S", "id", "-un"], &format!("{}\n", ALICE.password));
    assert_eq!(ended.output, "root\n", "{ended:?}");
    world.machine.journal().wait_for(&["COMMAND=/usr/bin/id -un"]);
    assert_eq!(world.log(), Vec::<String>::new());
}

#[test]
fn whatever_is_written_on_it_this_machine_stays_as_it_was() {
    let before = contents();
    let world = World::new();
    for file in ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers", "/etc/pam.d/sshd", "/etc/pam.d/other"] {
        world.machine.write(file, 0o600, "overwritten\n");
    }
    world.machine.write("/etc/pam.d/new", 0o644, "new\n");
    world.machine.folder("/etc/ssh/sshd_config.d", 0o755);
    world.machine.write("/etc/ssh/sshd_config.d/new.conf", 0o644, "new\n");
    world.machine.write("/root/new", 0o600, "new\n");
    assert!(!std::path::Path::new("/root/new").exists());
    let ended =
        world.machine.run("root", &["sh", "-c", "rm -r /etc/pam.d /etc/ssh /var/log /run/home; > /dev/log"], "");
    assert!(!ended.errors.contains("cannot remove"), "{ended:?}");
    assert_eq!(contents(), before);
    drop(world);
    assert_eq!(contents(), before);
}

#[test]
fn its_processes_end_with_it() {
    let world = World::new();
    let mut terminal = world.machine.terminal("alice", &["sh", "-c", "trap '' HUP TERM; sleep 1000 & echo up; wait"]);
    terminal.expect("up\n");
    let inside = world.machine.path("/proc/1/mounts");
    assert!(inside.exists());
    drop(terminal);
    assert!(!world.machine.processes().is_empty(), "who ignores the hang-up stays");
    drop(world);
    assert!(!inside.exists(), "its first process, and with that all of them");
}

/// Every file that a login reads or writes here, with what is in it.
fn contents() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let roots =
        ["passwd", "shadow", "group", "gshadow", "sudoers", "sudoers.d", "pam.d", "ssh", "security", "nsswitch.conf"];
    for root in roots {
        collect(&Path::new("/etc").join(root), &mut found);
    }
    for root in ["/etc/herald", "/var/lib/herald", "/run/herald", "/dev/log"] {
        found.insert(root.into(), format!("{}", Path::new(root).exists()).into());
    }
    found
}

fn collect(path: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    match fs::read_dir(path) {
        Ok(entries) => {
            found.insert(path.to_owned(), Vec::new());
            entries.flatten().for_each(|entry| collect(&entry.path(), found));
        }
        Err(_) => {
            found.insert(path.to_owned(), fs::read(path).unwrap_or_default());
        }
    }
}
