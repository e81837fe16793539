//! The inside of `herald-broker`: one conversation in, one verdict out, gone. Or one command that somebody runs for
//! themselves.
//!
//! systemd (`Accept=yes`) or an inetd takes the connections to `/run/herald-broker.sock` and starts this program for each,
//! with the connection as its standard input. The kernel says who is at the other end; `herald_core::broker` says what
//! of the rest is believed, and `herald_core::login` decides, as in the module.
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

mod caller;
mod journal;
mod service;

use caller::{Caller, Wanted};
use herald_core::account::{Account, Users};
use herald_core::audit::{Audit, Line, Severity};
use herald_core::broker::{FromBroker, serve};
use herald_core::login::Verdict;
use herald_sys::seats::{self, Seat};
use herald_sys::{OsUsers, System, broker, process, watchdog};
use journal::Journal;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::time::Duration;

/// How long the first frame may take: both ends are on this machine, and it is written at once.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long a conversation may take. A locker shows its prompt for as long as nobody is there; then the next try starts
/// anew, and finds the code that waits.
const CONVERSATION: Duration = Duration::from_secs(600);
/// What the end of a conversation may take beyond that: a code and a notice with the longest deadline, and some locks.
const GRACE: Duration = Duration::from_secs(150);

/// What ends an errand whatever it is at; its own time is over before.
const LONGEST_ERRAND: Duration = Duration::from_secs(25 * 60);

/// The whole program. Its arguments are those of the module's line, and stand before each caller's: `config=PATH`.
///
/// Its exit status says only whether it was started as it must be: what a caller does is no failure of the service.
pub fn main() -> ExitCode {
    // What a panic has to say may hold an answer: the end of the line is all that a caller needs.
    std::panic::set_hook(Box::new(|_| std::process::exit(70)));
    let line = std::io::stdin();
    let started = broker::peer(line.as_fd()).map_err(|_| {
        "there is nobody on the standard input. It is started for each connection: systemctl enable --now \
         herald-broker.socket"
            .to_owned()
    });
    let started = started.and_then(|uid| {
        process::forbid_dumps().map_err(|error| error.to_string())?;
        let line = line.as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
        Ok((uid, Caller::new(line)))
    });
    match started {
        Ok((uid, caller)) => {
            watchdog::end_after(CONVERSATION + GRACE);
            converse(uid, caller);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("herald-broker: {problem}");
            ExitCode::from(2)
        }
    }
}

/// One conversation. Whoever says nothing, or what is no frame, hears nothing.
fn converse(uid: u32, mut caller: Caller) {
    let _seat = match seat_of(uid) {
        Ok(Some(seat)) => seat,
        // Not a word to the log either: who asks so often would fill it.
        Ok(None) => return,
        Err(problem) => {
            let line = Line::new("error").because(problem).with("via", "broker");
            Journal::new("?").record(Severity::Error, line.as_str());
            return caller.say(&FromBroker::Verdict(Verdict::SystemError));
        }
    };
    let hello = match caller.hear(ARRIVAL) {
        Some(Wanted::Login(hello)) => hello,
        Some(Wanted::Errand(errand, terminal)) => {
            // Whoever has no account has nothing to look after; root does it by itself.
            let named =
                |account: &Account| OsUsers.find(account.name.as_str()).ok().flatten().as_ref() == Some(account);
            let account = OsUsers.of_id(uid).ok().flatten().filter(|account| uid != 0 && named(account));
            if let (Some(account), Some(line)) = (account, caller.into_line()) {
                watchdog::end_after(LONGEST_ERRAND);
                service::run(&account, &errand, terminal, line);
            }
            return;
        }
        None => return,
    };
    let own: Vec<_> = std::env::args_os().skip(1).map(OsStringExt::into_vec).collect();
    caller.allow(CONVERSATION);
    let end = serve(&System, uid, &own, &hello, &mut caller, &Journal::new(&hello.attempt.service));
    caller.say(&end);
}

/// Root's hosts have as many conversations as there are people who use them.
fn seat_of(uid: u32) -> Result<Option<Option<Seat>>, String> {
    match uid {
        0 => Ok(Some(None)),
        uid => seats::take(uid).map(|seat| seat.map(Some)).map_err(|error| error.to_string()),
    }
}
