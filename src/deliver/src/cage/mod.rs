//! What the process gives up (rule 23): nearly everything before it reads its first byte, and then, when it knows what
//! it is to do, all that this one request does not need.
//!
//! Everything here happens while there is one thread only: capabilities, no-new-privileges and what the kernel filters
//! belong to threads, and those that start later inherit them.

mod calls;
mod files;
mod reach;

pub(crate) use reach::Reach;

use crate::http::BUNDLES;
use herald_sys::process::{ProcessError, close_from, drop_to, forbid_dumps, no_new_privileges};
use rustix::fs::Mode;
use rustix::net::{AddressFamily, sockopt};
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, getuid, setrlimit, umask};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::fmt;
use std::time::Duration;

/// Who the process becomes when it was started as root; the first that exists.
const UNPRIVILEGED: [&str; 2] = [OWN_USER, "nobody"];
/// The user that is ours alone, and may therefore be given groups.
const OWN_USER: &str = "_herald";
/// As many open files as every system allows.
const FILES: u64 = 1024;
/// More data than any answer, certificate store and thread together ever need.
const DATA: u64 = 256 * 1024 * 1024;
/// Fewer open files than this make every connection fail, which must not look like a network that is down (rule 5).
const FEWEST_FILES: u64 = 64;

/// Why the process does not start working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CageError {
    /// Not started the way the module and `herald` do it.
    ByHand,
    /// A limit is so low that failures would be its fault and not the network's.
    FewFiles,
    /// Something could not be given up, or is still there.
    Leaky(String),
}

impl fmt::Display for CageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => formatter.write_str(
                "this program is started by pam_herald and by herald, never by hand\ntry: herald gateway status",
            ),
            Self::FewFiles => formatter.write_str("too few open files are allowed to work with\ntry: ulimit -n 1024"),
            Self::Leaky(what) => formatter.write_str(what),
        }
    }
}

impl From<ProcessError> for CageError {
    fn from(error: ProcessError) -> Self {
        Self::Leaky(error.to_string())
    }
}

/// Gives up everything that sending a message does not need.
///
/// # Errors
/// Anything that could not be given up, or a start by hand: the caller ends at once.
pub(crate) fn enter() -> Result<(), CageError> {
    started_by_herald()?;
    // Whoever started us has closed them already, but where libc cannot (musl), only those that it saw.
    close_from(3);
    forbid_dumps()?;
    reset_limits(geteuid().is_root())?;
    umask(Mode::RWXG | Mode::RWXO);
    rustix::process::chdir("/").map_err(|error| leaky("the working directory could not be left", error))?;
    let known = |path| std::fs::read_to_string(path).unwrap_or_default();
    let names = unprivileged(&known("/etc/passwd"));
    let groups = if names == [OWN_USER] { groups_of(OWN_USER, &known("/etc/group")) } else { Vec::new() };
    drop_to(names, &groups)?;
    if getuid().is_root() || geteuid().is_root() {
        return Err(CageError::Leaky("this process is still root".to_owned()));
    }
    drop_capabilities()?;
    no_new_privileges()?;
    // A change of ids makes the kernel decide anew who may dump us.
    forbid_dumps()?;
    Ok(())
}

/// Closes everything but what `reach` names, for the calling thread and all that it starts from now on. Again and
/// narrower for a thread that needs less.
///
/// # Errors
/// The kernel knows how, and did not: the caller ends at once. A kernel that knows less closes less.
pub(crate) fn close(reach: &Reach) -> Result<(), CageError> {
    files::close(reach, &BUNDLES)?;
    // Last, because it refuses more and more of what the above is made of.
    calls::close(reach)
}

/// Bounds what this process can use up, now that whatever an admin's own program needs was started without bounds.
///
/// # Errors
/// A limit could not be set.
pub(crate) fn bound(processor: Duration) -> Result<(), CageError> {
    let seconds = processor.as_secs().saturating_add(1);
    for (resource, limit) in [(Resource::Cpu, seconds), (Resource::Data, DATA)] {
        let hard = getrlimit(resource).maximum.map_or(limit, |hard| hard.min(limit));
        set_limit(resource, Some(hard), Some(hard))?;
    }
    Ok(())
}

/// Whom to ask the system for: the first that has an account on this machine (passwd(5)). Asked for a name that is not
/// in that file, the system goes on to ask networks, and does so as root.
fn unprivileged(passwd: &str) -> &'static [&'static str] {
    let known = |name: &str| passwd.lines().any(|line| line.split(':').next() == Some(name));
    match UNPRIVILEGED.iter().position(|name| known(name)) {
        Some(first) => UNPRIVILEGED.get(first..=first).unwrap_or(&UNPRIVILEGED),
        None => &UNPRIVILEGED,
    }
}

/// The groups that an admin put the user into, so that it reaches a socket or a folder that belongs to one of them
/// (group(5)). From the file alone, for the same reason.
fn groups_of(user: &str, group: &str) -> Vec<u32> {
    let member = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let id = fields.next()?.parse().ok()?;
        fields.next()?.split(',').any(|name| name.trim() == user).then_some(id)
    };
    group.lines().filter_map(member).collect()
}

/// An environment steers resolvers and certificate stores (rule 21), so there must be none.
fn started_by_herald() -> Result<(), CageError> {
    let socket = sockopt::socket_domain(rustix::stdio::stdin()) == Ok(AddressFamily::UNIX);
    if socket && std::env::vars_os().next().is_none() { Ok(()) } else { Err(CageError::ByHand) }
}

/// The host's limits may have been set by the very person who logs in (a caller of `su`): none of them may decide
/// whether a message goes out.
fn reset_limits(privileged: bool) -> Result<(), CageError> {
    let unlimited = [Resource::As, Resource::Cpu, Resource::Data, Resource::Fsize, Resource::Nproc, Resource::Stack];
    for resource in unlimited {
        if !(privileged && set_limit(resource, None, None).is_ok()) {
            let hard = getrlimit(resource).maximum;
            set_limit(resource, hard, hard)?;
        }
    }
    if privileged && set_limit(Resource::Nofile, Some(FILES), Some(FILES)).is_ok() {
        return Ok(());
    }
    let hard = getrlimit(Resource::Nofile).maximum;
    let allowed = hard.map_or(FILES, |hard| hard.min(FILES));
    set_limit(Resource::Nofile, Some(allowed), hard)?;
    if allowed < FEWEST_FILES { Err(CageError::FewFiles) } else { Ok(()) }
}

/// `None` is no limit.
fn set_limit(resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<(), CageError> {
    setrlimit(resource, Rlimit { current: soft, maximum: hard })
        .map_err(|error| leaky("a resource limit could not be set", error))
}

/// Changing ids drops them too, unless securebits say otherwise; somebody who is not root may have been given some.
fn drop_capabilities() -> Result<(), CageError> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).map_err(|error| leaky("capabilities could not be dropped", error))?;
    let left = capabilities(None).map_err(|error| leaky("capabilities could not be read", error))?;
    if left.effective.is_empty() && left.permitted.is_empty() {
        Ok(())
    } else {
        Err(CageError::Leaky("a capability is left".to_owned()))
    }
}

fn leaky(what: &str, error: rustix::io::Errno) -> CageError {
    CageError::Leaky(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_23_root_becomes_herald_else_nobody() {
        let nobody = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
        assert_eq!(unprivileged(nobody), ["nobody"]);
        assert_eq!(unprivileged(&format!("{nobody}_herald:x:117:121::/nonexistent:/bin/false\n")), ["_herald"]);
        assert_eq!(unprivileged("_heralds:x:1:1:::\n"), ["_herald", "nobody"]);
    }

    #[test]
    fn the_groups_that_an_admin_gave_are_kept() {
        let group =
            "root:x:0:\nsignal-cli:x:996:_herald\n_herald:x:121:\nsms:x:997:gammu, _herald\nadm:x:4:_heralds\n+\n";
        assert_eq!(groups_of("_herald", group), [996, 997]);
    }

    #[test]
    fn a_start_by_hand_is_refused_with_the_way_that_works() {
        assert_eq!(started_by_herald(), Err(CageError::ByHand));
        assert!(CageError::ByHand.to_string().contains("try: herald gateway status"));
    }
}
