//! Many people at once, behind a slow gateway that fails for some of them: nobody gets another verdict than their
//! answers are worth, no code is lost, and nothing is left behind. `HERALD_LOAD=full`, which `make reliability` sets,
//! is the size of a company; an ordinary run takes a few seconds. Figures go where `HERALD_FIGURES` says.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Code, Host, Message, Outcome, Session};
use herald_tests::phone::{Fault, Phones};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, Sshd, Typed, World, another, example};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How much.
struct Load {
    people: usize,
    in_flight: usize,
    over_ssh: usize,
    length: Duration,
    /// How long people look at their phones.
    thinking: Duration,
    enrolled: usize,
}

impl Load {
    fn wanted() -> Self {
        let seconds = Duration::from_secs;
        match std::env::var("HERALD_LOAD").as_deref() {
            Ok("full") => Self {
                people: 2000,
                in_flight: 200,
                over_ssh: 30,
                length: seconds(120),
                thinking: seconds(2),
                enrolled: 1_000_000,
            },
            _ => Self {
                people: 60,
                in_flight: 8,
                over_ssh: 2,
                length: seconds(3),
                thinking: Duration::ZERO,
                enrolled: 10_000,
            },
        }
    }
}

const FIRST_CHAT: i64 = 600_000_000;
const LATENCY: Duration = Duration::from_millis(200);
/// One of twenty.
const FAULTS: [Fault; 4] = [Fault::Broken, Fault::Garbage, Fault::CloseAfterRequest, Fault::Oversized];

fn name(number: usize) -> String {
    format!("person{number:04}")
}

fn chat(number: usize) -> i64 {
    FIRST_CHAT + i64::try_from(number).expect("small")
}

/// What goes wrong for this person, if anything.
fn fault(number: usize) -> Option<Fault> {
    (number % 20 == 7).then(|| FAULTS[number / 20 % FAULTS.len()])
}

/// What one worker saw.
#[derive(Default)]
struct Seen {
    right: usize,
    wrong: usize,
    refused: usize,
    sent: usize,
    /// From the password to the prompt for the code.
    waits: Vec<Duration>,
    /// By how many bytes its host grew.
    grown: u64,
}

impl Seen {
    fn add(mut self, other: Self) -> Self {
        self.right += other.right;
        self.wrong += other.wrong;
        self.refused += other.refused;
        self.sent += other.sent;
        self.waits.extend(other.waits);
        self.grown = self.grown.max(other.grown);
        self
    }

    /// One login whose person does what is this one's turn: right, right, wrong and then right, wrong and away.
    fn note(&mut self, number: usize, turn: usize, outcome: &Outcome) {
        self.sent += outcome.log_lines().iter().filter(|line| line.starts_with("sent ")).count();
        let expected = match (fault(number), turn % 4) {
            (Some(_), _) => &[Code::AUTHINFO_UNAVAIL, Code::MAXTRIES][..],
            (None, 3) => &[Code::CONV_ERR],
            (None, _) => &[Code::SUCCESS],
        };
        assert!(expected.contains(&outcome.code), "{}: {:?}: {outcome:?}", name(number), fault(number));
        match outcome.code {
            Code::SUCCESS => self.right += 1,
            Code::CONV_ERR => self.wrong += 1,
            _ => self.refused += 1,
        }
    }
}

struct Crowd<'a> {
    load: Load,
    host: Host,
    phones: Phones<'a>,
    /// How many logins began, through libpam and through sshd.
    through_libpam: AtomicUsize,
    through_sshd: AtomicUsize,
    began: Instant,
}

impl Crowd<'_> {
    fn goes_on(&self) -> bool {
        self.began.elapsed() < self.load.length
    }

    /// Who is next, and what they do this time. One in ten comes through sshd, always the same: a code belongs to a
    /// service.
    fn next(&self) -> (usize, usize) {
        let (count, people) = (self.through_libpam.fetch_add(1, Ordering::Relaxed), self.load.people * 9 / 10);
        (count % people, count % people + count / people)
    }

    fn next_over_ssh(&self) -> usize {
        let (count, first) = (self.through_sshd.fetch_add(1, Ordering::Relaxed), self.load.people * 9 / 10);
        first + count % (self.load.people - first)
    }

    /// Logins through libpam, one after the other in one host, as a worker of a server would.
    fn log_in_through_libpam(&self) -> Seen {
        let mut seen = Seen::default();
        let mut session: Option<Session> = None;
        let (mut logins, mut memory) = (0, 0);
        while self.goes_on() {
            let (number, turn) = self.next();
            let host = self.host.clone().user(name(number));
            let session = match &mut session {
                Some(session) => {
                    session.start_again(&host);
                    session
                }
                None => session.insert(host.start()),
            };
            let outcome = self.log_in(session, number, turn, &mut seen.waits);
            seen.note(number, turn, &outcome);
            if outcome.code == Code::SUCCESS {
                self.phones.forget(chat(number));
            }
            logins += 1;
            if logins == 10 {
                memory = session.resident();
            }
        }
        if let Some(mut session) = session.filter(|_| logins > 10) {
            seen.grown = session.resident().saturating_sub(memory);
            session.end();
        }
        seen
    }

    fn log_in(&self, session: &mut Session, number: usize, turn: usize, waits: &mut Vec<Duration>) -> Outcome {
        let (mut asked, mut began) = (0, Instant::now());
        session.authenticate(|message: &Message| {
            if !message.style.is_prompt() {
                return Answer::Null;
            }
            if message.text == "Password: " {
                began = Instant::now();
                return Answer::text(ALICE.password);
            }
            asked += 1;
            if asked == 1 {
                waits.push(began.elapsed());
                thread::sleep(self.load.thinking);
            }
            let code = self.phones.newest(chat(number));
            match (turn % 4, asked) {
                (0 | 1, 1) | (2, 2) => Answer::text(code),
                (2 | 3, 1) => Answer::text(another(&code)),
                _ => Answer::Code(Code::CONV_ERR),
            }
        })
    }

    /// Logins through the real sshd by those for whom everything works.
    fn log_in_through_sshd(&self, sshd: &Sshd<'_>) -> Seen {
        let mut seen = Seen::default();
        while self.goes_on() {
            let number = self.next_over_ssh();
            if fault(number).is_some() {
                continue;
            }
            let mut terminal = sshd.log_in(&name(number));
            terminal.answer("Password: ", ALICE.password);
            terminal.expect("Code sent by Telegram to ");
            thread::sleep(self.load.thinking);
            terminal.send_line(&self.phones.newest(chat(number)));
            terminal.expect(&format!("in as {}", name(number)));
            terminal.succeeds();
            self.phones.forget(chat(number));
            seen.right += 1;
        }
        seen
    }
}

#[test]
fn many_people_at_once_get_what_their_answers_are_worth_and_nothing_is_left() {
    let load = Load::wanted();
    let world = World::new();
    // The machine is as busy as it can be: what takes longer is not what is shown here.
    world.configure("delivery.deadline = \"60s\"");
    let names: Vec<String> = (0..load.people).map(name).collect();
    world.machine.add_users(&names, 10_000, ALICE);
    for (number, name) in names.iter().enumerate() {
        world.enroll_at(name, chat(number));
        if let Some(fault) = fault(number) {
            world.phone.set_fault_for(chat(number), fault);
        }
    }
    world.phone.set_latency(LATENCY);
    let host = world.host("cockpit", BEHIND_PASSWORD).rhost("203.0.113.7").tty("web");
    let many = "MaxStartups 1000\nLoginGraceTime 0\n";
    let sshd = Sshd::start(&world.machine, &[many, &example("sshd_config.d/herald.conf")]);

    let phones = Phones::new(&world.phone);
    let crowd = Crowd {
        load,
        host,
        phones,
        through_libpam: AtomicUsize::new(0),
        through_sshd: AtomicUsize::new(0),
        began: Instant::now(),
    };
    let (seen, over_ssh) = thread::scope(|scope| {
        let _end = crowd.phones.until_dropped();
        scope.spawn(|| crowd.phones.receive());
        let workers: Vec<_> =
            (0..crowd.load.in_flight).map(|_| scope.spawn(|| crowd.log_in_through_libpam())).collect();
        let clients: Vec<_> =
            (0..crowd.load.over_ssh).map(|_| scope.spawn(|| crowd.log_in_through_sshd(&sshd))).collect();
        let all = |threads: Vec<thread::ScopedJoinHandle<'_, Seen>>| {
            let seen = threads.into_iter().map(|thread| thread.join().expect("a verdict was wrong"));
            seen.fold(Seen::default(), Seen::add)
        };
        (all(workers), all(clients))
    });
    let length = crowd.began.elapsed();

    let sent = seen.sent + world.logged("sent");
    assert_eq!(crowd.phones.arrived(), sent, "every code that was sent arrived, and no other");
    assert!(seen.right > 0 && seen.wrong > 0 && seen.refused > 0 && over_ssh.right > 0, "there were some of each");
    assert!(seen.grown <= 512 * 1024, "a host grew by {} bytes", seen.grown);
    // Locks and helpers: looked at when the world ends.

    let mut waits = seen.waits;
    waits.sort();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100].as_millis();
    figure("people enrolled", crowd.load.people);
    figure(
        "logins in flight, through libpam and through sshd",
        format!("{} and {}", crowd.load.in_flight, crowd.load.over_ssh),
    );
    figure("seconds", length.as_secs());
    figure("logins let in, through libpam and through sshd", format!("{} and {}", seen.right, over_ssh.right));
    figure("logins with a wrong code, none let in", seen.wrong);
    figure("logins whose gateway failed, none let in", seen.refused);
    figure("codes sent, and codes on phones", format!("{sent} and {}", crowd.phones.arrived()));
    world.machine.wait_until_gone("herald-deliver");
    let helpers = world.machine.processes().iter().filter(|process| process.starts_with("herald-deliver(")).count();
    let locks = world.machine.held_locks("/run/herald/ledger").len();
    let lost = sent.abs_diff(crowd.phones.arrived());
    figure("lost codes, helpers left and locks left", format!("{lost}, {helpers} and {locks}"));
    figure("most that a host grew after its tenth login, in KiB", seen.grown / 1024);
    figure(
        "from password to prompt with a gateway of 200 ms, median and 95 of 100, in ms",
        format!("{} and {}", at(50), at(95)),
    );
}

/// The calls of a login that name a file or list a folder, by host and helper.
fn file_calls(world: &World) -> Vec<String> {
    let by = ["strace", "-f", "-qq", "-o", "/tmp/calls", "-e", "trace=%file,getdents64"];
    let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let outcome = world.log_in_at(&host, &[Typed::Right]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    world.machine.wait_until_gone("herald-deliver");
    let trace = world.machine.read("/tmp/calls");
    let name = |line: &str| {
        let call = line.split_whitespace().nth(1)?;
        // strace writes `???(` where a process was gone before it could be asked which call it was in.
        call.split_once('(').map(|(name, _)| name.to_owned()).filter(|name| !name.starts_with('?'))
    };
    let mut calls: Vec<String> = trace.lines().filter_map(name).collect();
    calls.sort();
    calls
}

#[test]
fn a_login_costs_the_same_however_many_others_are_enrolled() {
    let load = Load::wanted();
    let world = World::new();
    let log_in = || assert_eq!(world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]).code, Code::SUCCESS);
    let median = || {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let began = Instant::now();
                log_in();
                began.elapsed()
            })
            .collect();
        times.sort();
        times[4].as_millis()
    };
    let enroll = |count: usize| {
        let script = format!(
            "cd /var/lib/herald/users && seq -f 'other%07.0f.toml' {count} | xargs -n 5000 touch && ls -f | wc -l"
        );
        let ended = world.machine.run("root", &["sh", "-c", &script], "");
        let there: usize = ended.output.trim().parse().unwrap_or_else(|_| panic!("{ended:?}"));
        assert!(there > count, "{ended:?}");
    };
    log_in();
    enroll(10);
    let (few, time_of_few) = (file_calls(&world), median());
    enroll(load.enrolled);
    let (many, time_of_many) = (file_calls(&world), median());
    assert_eq!(few, many);
    figure("enrollment files", load.enrolled);
    figure(
        "system calls of a login that name files, with 10 of them and with all",
        format!("{} and {}", few.len(), many.len()),
    );
    figure("a login, with 10 of them and with all, median in ms", format!("{time_of_few} and {time_of_many}"));
}
