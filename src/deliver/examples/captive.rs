//! herald-deliver with something else to do than its job: what tests try from inside of its cage.
//!
//! `captive ATTEMPT OBJECT` tries the same outside of it, as the same user, to show that it would work there.
#![forbid(unsafe_code)]

use herald_core::courier::{Answer, End, Job, Request, Tried};
use herald_sys::process::drop_to;
use nix::sched::{CloneFlags, unshare};
use nix::sys::ptrace;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, getrlimit, kill_process, set_dumpable_behavior, setrlimit,
};
use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [attempt, object] = words.as_slice() else { return herald_deliver::captive(tried) };
    if let Err(error) = drop_to(&["_herald", "nobody"], &[]) {
        println!("{error}");
        return ExitCode::FAILURE;
    }
    match tries(attempt, object) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The language of the message is the attempt, the label of its button the object; the detail is the error's number.
fn tried(request: &Request) -> Answer {
    let Job::Send { message, .. } = &request.job else { return Answer::Tries(Vec::new()) };
    let (end, detail) = match tries(&message.language, &message.copy_label) {
        Ok(()) => (End::Delivered, String::new()),
        Err(error) => (End::Configuration, error.raw_os_error().unwrap_or_default().to_string()),
    };
    Answer::Tries(vec![Tried { gateway: message.language.clone(), end, detail, took: Duration::ZERO }])
}

fn tries(attempt: &str, object: &str) -> io::Result<()> {
    match attempt {
        "read" => File::open(object).map(drop),
        "list" => std::fs::read_dir(object).map(drop),
        "write" => OpenOptions::new().write(true).create(true).truncate(true).open(object).map(drop),
        "remove" => std::fs::remove_file(object),
        "make-folder" => std::fs::create_dir(object),
        // Where it works there is nobody left to say so.
        "execute" => Err(Command::new(object).exec()),
        "start" => Command::new(object).status().map(drop),
        "trace" => Ok(ptrace::traceme()?),
        "signal" => Ok(kill_process(pid(object)?, Signal::CONT)?),
        "new-namespace" => Ok(unshare(CloneFlags::CLONE_NEWUSER)?),
        "become-root" => Ok(nix::unistd::setuid(nix::unistd::Uid::from_raw(0))?),
        "join-roots-group" => Ok(nix::unistd::setgid(nix::unistd::Gid::from_raw(0))?),
        "raise-limits" => {
            let most = getrlimit(Resource::Nofile).maximum.unwrap_or(1 << 20) + 1;
            Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) })?)
        }
        "use-memory" => {
            let asked = Vec::<u8>::new().try_reserve_exact(number(object)?);
            asked.map_err(|_| rustix::io::Errno::NOMEM.into())
        }
        "be-dumpable" => Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?),
        "connect" => TcpStream::connect((Ipv4Addr::LOCALHOST, number(object)?)).map(drop),
        "connect-abstract" => UnixStream::connect_addr(&SocketAddr::from_abstract_name(object)?).map(drop),
        "connect-unix" => UnixStream::connect(object).map(drop),
        "listen" => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop),
        "udp" => UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop),
        "crypto-socket" => {
            // AF_ALG, which everybody may open.
            Ok(rustix::net::socket(AddressFamily::from_raw(38), SocketType::SEQPACKET, None).map(drop)?)
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn number<T: std::str::FromStr>(object: &str) -> io::Result<T> {
    object.parse().map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn pid(object: &str) -> io::Result<Pid> {
    Pid::from_raw(number(object)?).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
