//! What a module does to its host by the way: nothing, also after a thousand logins, and also in odd hosts.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Answers, Call, Code, Host, Message, Outcome, Session};
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

/// A thousand logins, every other with a wrong answer and no other; the module is loaded and unloaded for each. The host
/// has its own name in the log, and a child of its own whose end it has not asked for yet.
#[test]
fn rule_22_after_a_thousand_logins_the_host_is_as_it_was() {
    const LOGINS: usize = 1000;
    let world = World::new();
    world.configure("limits.sends = 1000");
    let host = host(&world);
    let mut session = host.start();
    session.open_log("watchman");
    session.log("before");
    session.bear(7);
    // What libpam and libc keep from their first calls, and the allocator's growth, are no news.
    for round in 0..50 {
        log_in(&world, &mut session, round % 2 == 0);
        session.start_again(&host);
    }
    let (before, memory) = (session.surroundings(), session.resident());
    for what in ["children: ", "signals: 1:"] {
        assert!(before.lines().any(|line| line.len() > what.len() && line.starts_with(what)), "{what}: {before}");
    }
    let (mut right, mut wrong) = (0, 0);
    let mut half = memory;
    for round in 0..LOGINS {
        let is_wrong = round % 2 == 0;
        log_in(&world, &mut session, is_wrong);
        *if is_wrong { &mut wrong } else { &mut right } += 1;
        session.start_again(&host);
        if round + 1 == LOGINS / 2 {
            half = session.resident();
        }
    }
    assert_eq!(session.surroundings(), before);
    let [grown, later] = [memory, half].map(|then| session.resident().saturating_sub(then));
    assert!(grown <= 128 * 1024 && later <= 16 * 1024, "the host grew by {grown} bytes, {later} of them later");
    assert!(!session.stays_loaded("pam_herald.so", &host), "it cannot be unloaded");
    session.log("after");
    assert_eq!(session.bury(), "7", "the end of its own child is there to be asked for");
    let records = world.machine.journal().records();
    let said = |line: &str| records.iter().find(|record| record.text == line).expect("a line of the host's");
    let (first, last) = (said("before"), said("after"));
    assert!(first.from.starts_with("watchman["), "{first:?}");
    assert_eq!((&last.from, last.priority), (&first.from, first.priority), "its name, number and facility");
    session.end();
    figure("logins of one host, right and wrong, after which it was as before", format!("{right} and {wrong}"));
    figure("times that the module was loaded and unloaded meanwhile", right + wrong);
    figure(
        "what the host grew by in all of them and in the second half, in KiB",
        format!("{} and {}", grown / 1024, later / 1024),
    );
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

/// What somebody sees of it who knows the password and types a wrong code.
fn guess(session: &mut Session) -> Option<Outcome> {
    session.attempt(Call::Authenticate, 0, |message: &Message| match message.text.as_str() {
        "Password: " => Answer::text(ALICE.password),
        _ if message.style.is_prompt() => Answer::text("000000x"),
        _ => Answer::Null,
    })
}

/// From too little to load a program to more than enough, also where a gateway that is down would be skipped.
#[test]
fn hosts_short_of_address_space_die_refuse_or_work_and_let_nobody_in_otherwise() {
    const FEWEST: usize = 1 << 20;
    const MOST: usize = 32 << 20;
    const STEP: usize = 128 << 10;
    let world = World::new();
    world.configure("limits.sends = 1000\nlimits.failures = 100\npolicy.undelivered = \"skip\"");
    let (mut died, mut refused, mut asked) = (0, 0, 0);
    for step in (FEWEST..=MOST).step_by(STEP) {
        let limit = format!("--as={step}");
        let host = world.host_by(&["prlimit", &limit], "sshd", BEHIND_PASSWORD);
        let host = host.user("alice").rhost("203.0.113.7").tty("ssh");
        let outcome = host.try_start().and_then(|mut session| guess(&mut session));
        match &outcome {
            None => died += 1,
            Some(outcome) => {
                let open = [Code::SUCCESS, Code::IGNORE, Code::MAXTRIES].contains(&outcome.code);
                assert!(!open, "{limit}: {outcome:?}");
                assert!(!outcome.log_lines().iter().any(|line| line.starts_with("skipped")), "{limit}: {outcome:?}");
                *if outcome.prompts().len() > 1 { &mut asked } else { &mut refused } += 1;
            }
        }
    }
    assert!(died > 0 && asked > 0, "{died} died, {refused} refused, {asked} asked");
    assert_eq!(world.logged("skipped"), 0);
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    figure(
        "hosts with 1 to 40 MiB to live in: died, refused, asked; none let in",
        format!("{died}, {refused}, {asked}"),
    );
}

/// A daemon whose loop waits for whatever child there is, and so for our helper, and one that wants to hear of none.
#[test]
fn rule_23_hosts_that_reap_or_ignore_every_child_let_in_by_the_right_code_only() {
    const HELPER: &str = "/usr/libexec/herald/herald-deliver";
    const REAL: &str = "/usr/libexec/herald/real";
    let world = World::new();
    world.configure(
        "limits.sends = 1000\nlimits.failures = 100\npolicy.undelivered = \"skip\"\ndelivery.deadline = \"2s\"",
    );
    world.machine.run("root", &["cp", HELPER, REAL], "");
    for by in [&[][..], &["env", "--ignore-signal=CHLD"]] {
        let host = world.host_by(by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
        let mut session = host.start();
        if by.is_empty() {
            session.reap_every_child();
        }
        log_in(&world, &mut session, false);
        session.start_again(&host);
        let (before, reaped) = (session.surroundings(), session.reaped());
        for round in 0..20 {
            log_in(&world, &mut session, round % 2 == 0);
            session.start_again(&host);
        }
        assert_eq!(session.reaped() > reaped, by.is_empty(), "it takes helpers away from us");
        for script in ["exit 0", "kill -KILL $$", "exec cat >/dev/null", "exec sleep 100", "echo unreachable"] {
            world.machine.install_script(HELPER, 0o755, script);
            world.machine.run("root", &["rm", "-f", "/run/herald/ledger/alice"], "");
            let outcome = guess(&mut session).expect("it lives on");
            assert_eq!((outcome.code, outcome.prompts().len()), (Code::SYSTEM_ERR, 1), "{script}: {outcome:?}");
            assert!(!outcome.log_lines().iter().any(|line| line.starts_with("skipped")), "{script}: {outcome:?}");
            session.start_again(&host);
        }
        world.machine.run("root", &["cp", REAL, HELPER], "");
        log_in(&world, &mut session, false);
        session.start_again(&host);
        for left in ["herald-deliver", "cat", "sleep"] {
            world.machine.wait_until_gone(left);
        }
        assert_eq!(session.surroundings(), before, "its children, too");
        session.end();
    }
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
