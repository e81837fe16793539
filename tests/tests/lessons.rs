//! What went wrong in other modules (docs/threat-model.md), tried here.

use herald_tests::pam::{Answer, Code, Host, Message};
use herald_tests::phone::BotApi;
use herald_tests::world::{ALICE, BEHIND_PASSWORD, BOB, Typed, World};

/// Our line alone: nothing but our own calls from the configuration to the end.
const ALONE: &str = "auth required pam_herald.so";
const TRACE: &str = "/tmp/trace";

fn alice(host: Host) -> Host {
    host.user("alice").rhost("203.0.113.7").tty("ssh")
}

/// The calls of the host that open something, from the configuration on, with the paths of descriptors.
fn opened(world: &World, arguments: &str) -> Vec<String> {
    let by = ["strace", "-f", "-y", "-qq", "-o", TRACE, "-e", "trace=open,openat,openat2,creat,mknod,mknodat"];
    let host = alice(world.host_by(&by, "sshd", &format!("{ALONE} {arguments}")));
    let code = world.log_in_at(&host, &[Typed::Right]).code;
    assert_eq!(code, Code::SUCCESS);
    let trace = world.machine.read(TRACE);
    let first = trace.lines().find(|line| line.contains("\"herald.toml\"")).expect("it is read");
    let host = first.split(' ').next().expect("a number");
    let ours = trace.lines().skip_while(|line| *line != first).filter(|line| line.split(' ').next() == Some(host));
    ours.filter(|line| line.contains(" open") && !line.contains(" resumed>")).map(str::to_owned).collect()
}

#[test]
fn also_with_debug_nothing_is_written_but_in_heralds_own_folders_and_nothing_is_inherited() {
    let world = World::new();
    world.configure("policy.code_alone = true");
    for arguments in ["", "debug"] {
        let opened = opened(&world, arguments);
        let written: Vec<&String> = opened
            .iter()
            .filter(|line| ["O_CREAT", "O_WRONLY", "O_RDWR"].iter().any(|flag| line.contains(flag)))
            .collect();
        assert!(!written.is_empty(), "{opened:#?}");
        for line in written {
            assert!(line.contains("</run/herald"), "{arguments}: {line}");
        }
        for line in &opened {
            // The helper's stderr is opened by the child itself, before it becomes the helper.
            assert!(line.contains("O_CLOEXEC"), "{arguments}: {line}");
        }
    }
}

#[test]
fn rule_25_nobody_but_root_lists_reads_changes_or_removes_what_decides() {
    let world = World::new();
    world.configure("limits.failures = 100");
    let made = world.machine.run("root", &["herald", "backup-codes", "--user", "alice", "--force"], "");
    assert!(made.status.success(), "{made:?}");
    assert_eq!(world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Wrong, Typed::Right]).code, Code::SUCCESS);
    let script = "find /var/lib/herald /run/herald /etc/herald -type f ! -name '*.pem'";
    let files = world.machine.run("root", &["sh", "-c", script], "").output;
    for kind in
        ["/etc/herald/herald.toml", "/etc/herald/telegram.token", "users/alice.toml", "ledger/alice\n", "/key\n"]
    {
        assert!(files.contains(kind), "{kind}: {files}");
    }
    let before = world.machine.run("root", &["sh", "-c", &format!("{script} -exec sha256sum {{}} +")], "").output;
    for file in files.lines() {
        for attempt in ["cat", "head -c 1", "truncate -s 0", "rm -f", "touch", "chmod 666", "mv -t /tmp", "ln -t /tmp"]
        {
            let ended = world.machine.run("alice", &["sh", "-c", &format!("{attempt} {file}")], "");
            assert!(!ended.status.success(), "{attempt} {file}: {ended:?}");
        }
    }
    for folder in ["/var/lib/herald", "/var/lib/herald/users", "/run/herald", "/run/herald/ledger", "/etc/herald"] {
        for attempt in ["touch {}/new", "mv {} /tmp/away", "ln -s /tmp {}/new"] {
            let ended = world.machine.run("alice", &["sh", "-c", &attempt.replace("{}", folder)], "");
            assert!(!ended.status.success(), "{attempt} {folder}: {ended:?}");
        }
        if folder != "/etc/herald" {
            assert!(!world.machine.run("alice", &["ls", folder], "").status.success(), "{folder}");
        }
    }
    let after = world.machine.run("root", &["sh", "-c", &format!("{script} -exec sha256sum {{}} +")], "").output;
    assert_eq!(after, before);
}

#[test]
fn what_people_write_into_their_own_account_or_home_is_no_address() {
    let world = World::new();
    // As chfn(1) and an editor would: a number that is somebody else's phone.
    let theirs = format!("{},,+81312345678,{}", BOB.chat(), BOB.chat());
    for name in ["alice", "bob"] {
        let gecos = format!("s/^({name}:[^:]*:[^:]*:[^:]*:)[^:]*/\\1{theirs}/");
        assert!(world.machine.run("root", &["sed", "-E", "-i", &gecos, "/etc/passwd"], "").status.success());
        let home = world.machine.run("root", &["sh", "-c", &format!("echo ~{name}")], "").output.trim().to_owned();
        let enrollment = format!(
            "version = 1\n[[factor]]\nid = 1\nchannel = \"telegram\"\naddress = \"{}\"\nstate = \"active\"\n",
            BOB.chat()
        );
        for file in [".herald.toml", ".config/herald/herald.toml", ".pam_herald", ".herald/users.toml"] {
            let path = format!("{home}/{file}");
            let folder = path.rsplit_once('/').expect("a folder").0;
            world.machine.folder(folder, 0o755);
            world.machine.write(&path, 0o600, &enrollment);
        }
    }
    assert!(world.machine.read("/etc/passwd").contains(&theirs));
    assert_eq!(world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]).code, Code::SUCCESS);
    let messages = world.phone.messages();
    assert!(messages.len() == 1 && messages[0].chat == ALICE.chat(), "{messages:?}");
    // And bob, who is not enrolled, is not enrolled by it.
    let host = world.host("sshd", BEHIND_PASSWORD).user("bob").rhost("203.0.113.7").tty("ssh");
    let outcome = host.start().authenticate([BOB.password]);
    assert_eq!((outcome.code, world.phone.messages().len()), (Code::PERM_DENIED, 1), "{outcome:?}");
}

/// A keyring or an encrypted home opens with the password, not with a code.
#[test]
fn rule_22_the_modules_that_follow_get_the_password_and_the_environment_as_it_was() {
    let world = World::new();
    world.machine.install_script("/usr/local/bin/keep", 0o755, "cat >/tmp/token\nexec env >/tmp/environment");
    let keep = "auth optional pam_exec.so expose_authtok quiet /usr/local/bin/keep\n";
    let seen = || {
        let environment = world.machine.read("/tmp/environment");
        let mut variables: Vec<&str> = environment.lines().filter(|line| !line.starts_with("PAM_TYPE=")).collect();
        variables.sort_unstable();
        (world.machine.read("/tmp/token"), variables.join("\n"))
    };
    let host = |stack: &str| alice(world.host("sshd", stack)).variable("SSH_CONNECTION", "203.0.113.7 1 192.0.2.1 22");
    let mut session = host(&format!("auth required pam_unix.so\n{keep}")).start();
    assert_eq!(session.authenticate([ALICE.password]).code, Code::SUCCESS);
    let without = seen();
    assert_eq!(without.0.trim_end_matches('\0'), ALICE.password);

    let mut session = host(&format!("{BEHIND_PASSWORD}\n{keep}")).start();
    let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
        "Password: " => Answer::text(ALICE.password),
        _ if message.style.is_prompt() => Answer::text(world.phone.code()),
        _ => Answer::Null,
    });
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert_eq!(seen(), without);
}

/// A file that is made elsewhere and moved in keeps the label of elsewhere, and the next login may not read it. Here it is
/// made where it belongs, and the whole folder has one label.
#[test]
fn rule_26_a_file_is_replaced_from_within_its_own_folder_whose_label_is_one_for_all() {
    let world = World::new();
    let labels = include_str!("../../packaging/selinux/herald.fc");
    let replaced: [(&[&str], &str, &str); 3] = [
        (&["herald", "language", "ja", "--user", "alice"], "/var/lib/herald/users", "alice.toml"),
        (&["herald", "unlock", "alice"], "/run/herald/ledger", "alice"),
        (&["herald", "gateway", "set", "telegram-bot", "token=-", "--no-check"], "/etc/herald", "herald.toml"),
    ];
    let login = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Wrong]);
    assert_eq!(login.code, Code::CONV_ERR);
    for (words, folder, file) in replaced {
        let path = format!("{folder}/{file}");
        let stat = || world.machine.run("root", &["stat", "-c", "%u %g %a", &path], "").output;
        let before = stat();
        let traced = ["strace", "-f", "-y", "-qq", "-o", TRACE, "-e", "trace=rename,renameat,renameat2"];
        let ended = world.machine.run("root", &[&traced[..], words].concat(), &format!("{}\n", BotApi::TOKEN));
        let trace = world.machine.read(TRACE);
        let renamed: Vec<&str> = trace.lines().filter(|line| line.contains(&format!("{file}\")"))).collect();
        assert!(!renamed.is_empty(), "{words:?}: {ended:?} {trace}");
        let own = [format!("<{folder}>, \""), format!("\"{folder}/")];
        let within = |line: &&str| own.iter().any(|own| line.matches(own).count() == 2);
        assert!(renamed.iter().all(within), "{words:?}: {trace}");
        assert_eq!(stat(), before, "{words:?}");
    }
    for folder in ["/etc/herald", "/var/lib/herald", "/run/herald"] {
        let whole = format!("{folder}(/.*)?\t");
        let inside = format!("{folder}/");
        assert!(!labels.lines().any(|line| line.starts_with(&inside)), "{folder}: one label for all");
        assert!(labels.contains(&whole), "{folder}");
    }
}
