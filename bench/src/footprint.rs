//! The memory and the threads of a host that did nothing but one login, and the sizes of the files.

use crate::Failure;
use crate::contestant::Contestant;
use crate::crowd::Member;
use crate::pam;
use crate::scratch::Scratch;
use std::fs;

/// What one login needed, memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// The most memory that the host ever had (VmHWM, proc(5)).
    pub(crate) host: u64,
    /// The most that a process had which the host started and waited for; 0 if there was none.
    pub(crate) child: u64,
    /// How many threads the host has after the login.
    pub(crate) threads: u64,
}

impl Footprint {
    /// Of the process that asks.
    pub(crate) fn of_this_process() -> Result<Self, Failure> {
        let status = fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc: {error}"))?;
        let number = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            let number = value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
            number.ok_or_else(|| format!("/proc/self/status does not say {key}"))
        };
        let host = number("VmHWM")? * 1024;
        // A child counts with what it shared with us before it was another program; one that stayed below is not seen.
        let child = Some(pam::peak_of_children()).filter(|peak| *peak > host).unwrap_or(0);
        Ok(Self { host, child, threads: number("Threads")? })
    }

    /// As a line of output.
    pub(crate) fn line(self) -> String {
        format!("{} {} {}", self.host, self.child, self.threads)
    }

    /// From such a line.
    pub(crate) fn parse(line: &str) -> Result<Self, Failure> {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers.as_slice() {
            [host, child, threads] => Ok(Self { host: *host, child: *child, threads: *threads }),
            _ => Err(format!("a login of its own said {line:?}")),
        }
    }
}

/// Everybody's footprint: of each figure the median of `rounds` hosts, of the threads the most.
pub(crate) fn measure(scratch: &Scratch, rounds: usize) -> Result<Vec<(Contestant, Footprint)>, Failure> {
    let mut all: Vec<(Contestant, Vec<Footprint>)> =
        Contestant::ALL.into_iter().filter(|one| one.is_login()).map(|one| (one, Vec::new())).collect();
    for _ in 0..rounds {
        scratch.forget_logins()?;
        for (contestant, footprints) in &mut all {
            let before = scratch.gateway.end()?;
            let mut member = Member::start(scratch, *contestant, "198.51.100.7")?;
            member.is_ready()?;
            member.go();
            footprints.push(member.finish()?);
            scratch.gateway.expect(before, contestant.messages())?;
        }
    }
    Ok(all.into_iter().map(|(contestant, footprints)| (contestant, middle(&footprints))).collect())
}

fn middle(footprints: &[Footprint]) -> Footprint {
    let median = |figure: fn(&Footprint) -> u64| {
        let mut figures: Vec<u64> = footprints.iter().map(figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or(0)
    };
    Footprint {
        host: median(|one| one.host),
        child: median(|one| one.child),
        threads: footprints.iter().map(|one| one.threads).max().unwrap_or(0),
    }
}

/// The size of a built file.
pub(crate) fn size(scratch: &Scratch, name: &str) -> Result<u64, Failure> {
    let path = scratch.file(name);
    path.metadata().map(|file| file.len()).map_err(|error| format!("{}: {error}", path.display()))
}
