//! The people of a scratch machine, and the files that know them.

use super::machine::{HOST_NAME, Machine};
use std::fmt::Write as _;
use std::os::unix::fs::chown;

/// Somebody with an account.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The name.
    pub name: &'static str,
    /// The first factor: made up, and good nowhere else.
    pub password: &'static str,
    hash: &'static str,
    uid: u32,
    chat: i64,
}

impl Person {
    /// The user's number.
    pub fn uid(self) -> u32 {
        self.uid
    }

    /// Where Telegram reaches them: as made up as they are.
    pub fn chat(self) -> i64 {
        self.chat
    }
}

/// Who may do everything.
pub const ROOT: Person = Person {
    name: "root",
    password: "correct-horse-root",
    hash: "$6$rounds=1000$onlyfortests$r6o4cMHAJ/QivHtqs5FxdxBHDJwPTwFQVPd7HDq7kqMKkwcrcbihRXGHawiHfAlkWj.mnQ4YHfV9qn1QRQXCr1",
    uid: 0,
    chat: 475_721_101,
};
/// Somebody who is enrolled in most stories, and may use sudo.
pub const ALICE: Person = Person {
    name: "alice",
    password: "correct-horse-alice",
    hash: "$6$rounds=1000$onlyfortests$3OvRnGDaAb4YL5zfu/7LXsI40H4hArX43S74MsBc6ERzsr5SJ6i24rn0ahYtYN7gsERV4lV/w3UOt.yl0Qxmx0",
    uid: 2001,
    chat: 475_721_977,
};
/// Somebody else.
pub const BOB: Person = Person {
    name: "bob",
    password: "correct-horse-bob",
    hash: "$6$rounds=1000$onlyfortests$IQp/9JWP6QpBdnxTPGG2/rf2i55YYgACRvK.q7ZNu.ZKUamIkaQLPBXsmZmhVXYOSSOZFdDxNU0tJa9HfRU.V0",
    uid: 2002,
    chat: 475_721_888,
};

/// All of them.
pub(super) const ALL: [Person; 3] = [ROOT, ALICE, BOB];

/// Writes user database, names and sudo's rules.
pub(super) fn install(machine: &Machine) {
    machine.write(
        "/etc/nsswitch.conf",
        0o644,
        "passwd: files\ngroup: files\nshadow: files\ngshadow: files\nhosts: files\n",
    );
    machine.write("/etc/hosts", 0o644, format!("127.0.0.1 localhost {HOST_NAME}\n::1 localhost\n"));
    for (file, mode) in [("/etc/passwd", 0o644), ("/etc/group", 0o644), ("/etc/shadow", 0o600)] {
        machine.write(file, mode, "");
    }
    add(machine, ROOT);
    for (name, id) in [("sshd", 101), ("_herald", 102), ("nobody", 65534)] {
        machine.append("/etc/passwd", &format!("{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin"));
        machine.append("/etc/group", &format!("{name}:x:{id}:"));
        machine.append("/etc/shadow", &format!("{name}:*:20000:0:99999:7:::"));
    }
    for group in ["tty:x:5:", "mail:x:8:", "utmp:x:43:", "shadow:x:42:"] {
        machine.append("/etc/group", group);
    }
    add(machine, ALICE);
    add(machine, BOB);
    machine.folder("/etc/sudoers.d", 0o750);
    machine.write(
        "/etc/sudoers",
        0o440,
        "Defaults env_reset, use_pty\n\
         Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n\
         root ALL=(ALL:ALL) ALL\n\
         alice ALL=(ALL:ALL) ALL\n\
         @includedir /etc/sudoers.d\n",
    );
}

impl Machine {
    /// Adds a user of that name, id and first factor, with a home.
    pub fn add_user(&self, name: &str, uid: u32, like: Person) {
        let home = if uid == 0 { "/run/home/root".to_owned() } else { format!("/run/home/{uid}") };
        self.append("/etc/passwd", &format!("{name}:x:{uid}:{uid}::{home}:/bin/sh"));
        self.append("/etc/group", &format!("{name}:x:{uid}:"));
        self.append("/etc/shadow", &format!("{name}:{}:20000:0:99999:7:::", like.hash));
        self.folder(&home, 0o755);
        chown(self.path(&home), Some(uid), Some(uid)).expect("root");
    }

    /// Adds all these users at once, from this number on, with the first factor of somebody; without homes.
    pub fn add_users(&self, names: &[String], first: u32, like: Person) {
        let (mut passwd, mut group, mut shadow) = (String::new(), String::new(), String::new());
        for (name, uid) in names.iter().zip(first..) {
            let _ = writeln!(passwd, "{name}:x:{uid}:{uid}::/:/bin/sh");
            let _ = writeln!(group, "{name}:x:{uid}:");
            let _ = writeln!(shadow, "{name}:{}:20000:0:99999:7:::", like.hash);
        }
        for (file, lines) in [("/etc/passwd", passwd), ("/etc/group", group), ("/etc/shadow", shadow)] {
            self.append(file, lines.trim_end());
        }
    }

    /// Where somebody is at home.
    pub fn home(&self, person: Person) -> String {
        format!("/run/home/{}", person.uid)
    }
}

fn add(machine: &Machine, person: Person) {
    machine.add_user(person.name, person.uid, person);
}
