//! What a module does to its host by the way: nothing, also after a thousand logins, and also in odd hosts.

use herald_tests::pam::{Answer, Answers, Code, Host, Message, Session};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, Typed, World, another};

fn host(world: &World) -> Host {
    world.host("sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh")
}

/// Alice with her password, who then types the newest code, or another one and goes.
struct Person<'a> {
    world: &'a World,
    wrong: bool,
    answered: bool,
}

impl Answers for Person<'_> {
    fn answer(&mut self, message: &Message) -> Answer {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        if message.text == "Password: " {
            return Answer::text(ALICE.password);
        }
        if std::mem::replace(&mut self.answered, true) {
            return Answer::Code(Code::CONV_ERR);
        }
        let code = self.world.phone.messages().pop().and_then(|message| message.code).expect("a code");
        Answer::text(if self.wrong { another(&code) } else { code })
    }
}

fn log_in(world: &World, session: &mut Session, wrong: bool) {
    let outcome = session.authenticate(Person { world, wrong, answered: false });
    assert_eq!(outcome.code, if wrong { Code::CONV_ERR } else { Code::SUCCESS }, "{outcome:?}");
}

/// A thousand logins, every other with a wrong answer before; the module is loaded and unloaded for each.
#[test]
fn rule_22_after_a_thousand_logins_the_host_is_as_it_was() {
    const LOGINS: usize = 1000;
    let world = World::new();
    world.configure("limits.sends = 1000");
    let host = host(&world);
    let mut session = host.start();
    // What libpam and libc keep from their first calls, and the allocator's growth, are no news.
    for round in 0..50 {
        log_in(&world, &mut session, round % 2 == 0);
        session.start_again(&host);
    }
    let (before, memory) = (session.surroundings(), session.resident());
    for round in 0..LOGINS {
        log_in(&world, &mut session, round % 2 == 0);
        session.start_again(&host);
    }
    assert_eq!(session.surroundings(), before);
    let grown = session.resident().saturating_sub(memory);
    assert!(grown <= 128 * 1024, "the host grew by {grown} bytes in {LOGINS} logins");
    session.end();
}

#[test]
fn a_host_without_stdin_stdout_and_stderr_logs_in_and_nothing_else_takes_their_places() {
    let world = World::new();
    let mut session = host(&world).start();
    session.close_stdio();
    for _ in 0..2 {
        log_in(&world, &mut session, false);
    }
    let descriptors = session.surroundings();
    let descriptors = descriptors.lines().find(|line| line.starts_with("descriptors: ")).expect("a line");
    for taken in ["\"0\"=", "\"1\"=", "\"2\"="] {
        assert!(!descriptors.contains(taken), "{descriptors}");
    }
}

#[test]
fn a_host_with_a_thousand_open_files_logs_in_and_the_helper_inherits_none() {
    let world = World::new();
    let helper = "/usr/libexec/herald/herald-deliver";
    world.machine.run("root", &["mv", helper, &format!("{helper}.real")], "");
    let script = format!("ls /proc/$$/fd > /tmp/descriptors\nexec /usr/bin/env -i {helper}.real");
    world.machine.install_script(helper, 0o755, &script);
    let by = ["prlimit", "--nofile=4096"];
    let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut session = host.start();
    session.open_descriptors(1000);
    log_in(&world, &mut session, false);
    let inherited = world.machine.read("/tmp/descriptors");
    let inherited: Vec<&str> = inherited.lines().collect();
    // stdin, stdout, stderr; the shell's own script and its listing of this folder.
    assert!(inherited.len() <= 5, "{inherited:?}");
}

/// A host that limits itself may die or refuse. It lets nobody in with a wrong code, and nobody is locked by it.
#[test]
fn hosts_with_tiny_limits_refuse_or_work_and_let_nobody_in_otherwise() {
    let world = World::new();
    world.configure("limits.sends = 1000\ndelivery.deadline = \"2s\"\npolicy.undelivered = \"skip\"");
    let mut worked = 0;
    for limit in ["--nofile=12", "--nofile=16", "--nofile=24", "--nproc=1", "--stack=65536", "--memlock=0"] {
        let by = ["prlimit", limit];
        let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
        let outcome = host.start().authenticate(|message: &Message| match message.text.as_str() {
            "Password: " => Answer::text(ALICE.password),
            _ if message.style.is_prompt() => Answer::text("000000x"),
            _ => Answer::Null,
        });
        assert!(![Code::SUCCESS, Code::IGNORE, Code::MAXTRIES].contains(&outcome.code), "{limit}: {outcome:?}");
        assert!(!outcome.log_lines().iter().any(|line| line.starts_with("skipped")), "{limit}: {outcome:?}");
        worked += usize::from(outcome.prompts().len() > 1);
    }
    assert!(worked > 0, "at least one of them is enough to ask for a code");
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
}

#[test]
fn threads_of_one_host_that_log_in_at_once_share_one_code_and_one_of_them_uses_it() {
    let world = World::new();
    let host = host(&world);
    let mut session = host.start();
    log_in(&world, &mut session, true);
    let code = world.phone.messages().pop().and_then(|message| message.code).expect("a code");
    // libc's own signal comes with the first thread.
    session.authenticate_in_threads(&host, 1, "alice", &[]);
    let before = session.surroundings();
    let codes = session.authenticate_in_threads(&host, 8, "alice", &[ALICE.password, &code]);
    assert_eq!(codes.len(), 8);
    assert_eq!(codes.iter().filter(|code| **code == Code::SUCCESS).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [Code::SUCCESS, Code::CONV_ERR].contains(code)), "{codes:?}");
    assert_eq!(session.surroundings(), before);
    session.end();
}

/// Outside of the folder of its root a host finds neither configuration nor helper: that is a refusal.
#[test]
fn a_host_in_a_chroot_refuses() {
    let world = World::new();
    let root = "/tmp/chroot";
    world.machine.folder(root, 0o755);
    for mounted in ["/usr", "/proc", "/dev", "/run"] {
        world.machine.folder(&format!("{root}{mounted}"), 0o755);
        let bind = ["mount", "--rbind", mounted, &format!("{root}{mounted}")];
        assert!(world.machine.run("root", &bind, "").status.success());
    }
    world.machine.folder(&format!("{root}/etc"), 0o755);
    let script = format!(
        "cd {root} && for name in bin lib lib64 sbin; do [ ! -e /$name ] || ln -sfn usr/$name $name; done\n\
         cp -a /etc/passwd /etc/shadow /etc/group /etc/pam.d etc/"
    );
    let ended = world.machine.run("root", &["sh", "-c", &script], "");
    assert!(ended.status.success(), "{ended:?}");
    let by = ["/usr/sbin/chroot", root];
    let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    world.machine.run("root", &["cp", "/etc/pam.d/sshd", &format!("{root}/etc/pam.d/sshd")], "");
    world.machine.run("root", &["cp", "/usr/local/bin/pam-host", &format!("{root}/pam-host")], "");
    let outcome = world.log_in_at(&host, &[]);
    assert_eq!(outcome.code, Code::SERVICE_ERR, "{outcome:?}");
}
