//! Speed and size of logins, side by side in one run: `make bench`.
//!
//! Every login is a real one: libpam, the built module, herald-deliver, a TLS server on loopback. `scripts/bench.sh`
//! makes the folder, starts the server and ends it; here is who logs in, what is measured, and the table.
//!
//! A figure that misses its bar is printed as it is. The exit status tells only whether measuring itself went well.

mod contestant;
mod crowd;
mod footprint;
mod gateway;
mod pam;
mod person;
mod report;
mod rounds;
mod scratch;

use contestant::Contestant;
use scratch::Scratch;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, ExitCode, Stdio};

/// What went wrong with the measuring, in words.
type Failure = String;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["all", folder, runtime, url, rounds] => {
            let scratch = Scratch::new(folder, runtime, url);
            number(rounds).and_then(|rounds| all(&scratch, rounds))
        }
        // One login in a process of its own: the crowd, and the memory of a host.
        ["one", folder, runtime, url, contestant, rhost] => {
            Contestant::named(contestant).and_then(|one| crowd::member(&Scratch::new(folder, runtime, url), one, rhost))
        }
        // A few contestants only, again and again: for a profiler.
        ["again", folder, runtime, url, rounds, contestants @ ..] => {
            let scratch = Scratch::new(folder, runtime, url);
            let contestants = contestants.iter().map(|name| Contestant::named(name)).collect::<Result<Vec<_>, _>>();
            scratch.lay_out().and(contestants).and_then(|contestants| again(&scratch, &contestants, number(rounds)?))
        }
        // The crowds only.
        ["crowds", folder, runtime, url, rounds] => {
            let scratch = Scratch::new(folder, runtime, url);
            let crowds = scratch.lay_out().and(number(rounds)).and_then(|rounds| crowd::measure(&scratch, rounds));
            crowds.map(|crowds| println!("{}", report::of_crowds(&crowds)))
        }
        // The log daemon of the run.
        ["log", socket] => listen(socket),
        // What systemd does for herald-broker.socket, without the cage of its unit.
        ["broker", socket, program] => serve(socket, program),
        _ => Err("usage: herald-bench all FOLDER RUNTIME URL ROUNDS (scripts/bench.sh does)".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn all(scratch: &Scratch, rounds: usize) -> Result<(), Failure> {
    scratch.lay_out()?;
    let times = rounds::measure(scratch, &Contestant::ALL, rounds)?;
    let crowds = crowd::measure(scratch, rounds.div_ceil(10))?;
    let footprints = footprint::measure(scratch, rounds.div_ceil(4))?;
    print!("{}", report::tables(scratch, &times, &crowds, &footprints)?);
    Ok(())
}

/// Takes what is logged, so that logging costs what it costs on a machine with a log.
fn listen(socket: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{socket}: {error}");
    let log = UnixDatagram::bind(socket).map_err(failed)?;
    let mut line = [0; 4096];
    loop {
        log.recv(&mut line).map_err(failed)?;
    }
}

/// Starts the broker for each connection.
fn serve(socket: &str, program: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{socket}: {error}");
    let listener = UnixListener::bind(socket).map_err(failed)?;
    loop {
        let (connection, _) = listener.accept().map_err(failed)?;
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::from(OwnedFd::from(connection))).stdout(Stdio::null());
        let mut broker = command.spawn().map_err(|error| format!("{program}: {error}"))?;
        std::thread::spawn(move || broker.wait());
    }
}

fn again(scratch: &Scratch, contestants: &[Contestant], rounds: usize) -> Result<(), Failure> {
    for times in rounds::measure(scratch, contestants, rounds)? {
        println!("{}: {:?}, median of {}", times.contestant.service(), times.median(), times.count());
    }
    Ok(())
}

fn number(text: &str) -> Result<usize, Failure> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("{text} is not a number above 0"))
}
