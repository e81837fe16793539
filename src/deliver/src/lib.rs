//! The inside of `herald-deliver`: one request in, one answer out, gone.
//!
//! It is started by the PAM module and by `herald` with one end of a socket pair as its standard input and output.
//! Before it reads anything it builds its [`cage`]; what it then knows is one request (rule 24) and it answers
//! with one frame. Its exit status means nothing to anybody: the answer alone counts (rule 23).
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions
    )
)]

mod cage;
mod drivers;
mod frame;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod job;
mod layout;
mod pulse;
mod refusal;
mod segment;
mod services;

use cage::Reach;
use herald_core::courier::{Answer, Request};
use herald_sys::watchdog;
use pulse::Pulse;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long the whole request may take to arrive. Both ends are on this machine, and it is written at once.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The longest deadline that the configuration allows (interface §2).
const LONGEST: Duration = Duration::from_secs(60);
/// What is given on top of the deadline before the process ends itself (rule 23).
const GRACE: Duration = Duration::from_secs(1);

/// The whole program.
pub fn main() -> ExitCode {
    serve(job::run)
}

/// The whole program with something else to do than its job, for attempts from inside its cage.
#[doc(hidden)]
pub fn captive(work: impl FnOnce(&Request) -> Answer) -> ExitCode {
    serve(|request, _, _| work(request))
}

fn serve(work: impl FnOnce(&Request, Instant, &Pulse) -> Answer) -> ExitCode {
    // A panic of whatever thread must neither print (its text may hold a secret) nor leave a half-alive process: no
    // answer is the one thing that the other end never mistakes for one.
    std::panic::set_hook(Box::new(|_| std::process::exit(70)));
    if let Err(error) = cage::enter() {
        eprintln!("herald-deliver: {error}");
        return ExitCode::from(2);
    }
    let Ok(request) = frame::read_request(Instant::now() + ARRIVAL) else { return ExitCode::FAILURE };
    let end = Instant::now() + request.deadline.min(LONGEST);
    drivers::launcher::divide(&request, end + GRACE);
    let closed = cage::bound(LONGEST + GRACE).and_then(|()| cage::close(&Reach::of(&request)));
    if let Err(error) = closed {
        eprintln!("herald-deliver: {error}");
        return ExitCode::from(2);
    }
    let guarded = watchdog::die_with(rustix::stdio::stdin(), end + GRACE).and_then(|()| Pulse::start());
    let Ok(pulse) = guarded else { return ExitCode::FAILURE };
    let answer = work(&request, end, &pulse);
    match frame::write_answer(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
