//! What the process gives up before it reads its first byte (rule 23).
//!
//! Everything here happens while there is one thread only: ids, groups, capabilities and no-new-privileges belong
//! to threads, and those that start later inherit them.

use rustix::io::Errno;
use rustix::net::{AddressFamily, sockopt};
use rustix::process::{
    DumpableBehavior, Gid, Resource, Rlimit, Uid, getegid, geteuid, getgid, getgroups, getrlimit, getuid,
    set_dumpable_behavior, setrlimit, umask,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};
use std::fmt;
use std::path::Path;

/// Who the process becomes when it was started as root; the first that exists.
const UNPRIVILEGED: [&str; 2] = ["_herald", "nobody"];
/// Where neither has an account (minimal containers): what Linux calls the overflow id, which owns nothing.
const OVERFLOW_ID: u32 = 65534;
/// Fewer open files than this make every connection fail, which must not look like a network that is down (rule 5).
const FEWEST_FILES: u64 = 64;

/// Why the process does not start working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CageError {
    /// Not started the way the module and `herald` do it.
    ByHand,
    /// A limit is so low that failures would be its fault and not the network's.
    Starved,
    /// The step that failed, and why.
    Failed(&'static str, Errno),
    /// After all steps something was left that should be gone.
    Leaky(&'static str),
}

impl fmt::Display for CageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => formatter.write_str(
                "this program is started by pam_herald and by herald, never by hand\ntry: herald gateway status",
            ),
            Self::Starved => formatter.write_str("too few open files are allowed to work with\ntry: ulimit -n 1024"),
            Self::Failed(step, error) => write!(formatter, "{step} failed: {error}"),
            Self::Leaky(what) => write!(formatter, "{what} could not be given up"),
        }
    }
}

/// Gives up everything that sending a message does not need.
///
/// # Errors
/// Anything that could not be given up, or a start by hand: the caller ends at once.
pub(crate) fn enter() -> Result<(), CageError> {
    started_by_herald()?;
    not_dumpable()?;
    let privileged = getuid().is_root() || geteuid().is_root();
    reset_limits(privileged)?;
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    rustix::process::chdir("/").map_err(|error| CageError::Failed("leaving the working directory", error))?;
    if privileged {
        become_user(account(&std::fs::read(Path::new("/etc/passwd")).unwrap_or_default()))?;
    } else {
        set_ids(geteuid(), getegid())?;
    }
    drop_capabilities()?;
    set_no_new_privs(true).map_err(|error| CageError::Failed("no new privileges", error))?;
    // A change of ids makes the kernel decide anew who may dump us.
    not_dumpable()
}

/// An environment steers resolvers and certificate stores (rule 21), so there must be none.
fn started_by_herald() -> Result<(), CageError> {
    let socket = sockopt::socket_domain(rustix::stdio::stdin()) == Ok(AddressFamily::UNIX);
    if socket && std::env::vars_os().next().is_none() { Ok(()) } else { Err(CageError::ByHand) }
}

fn not_dumpable() -> Result<(), CageError> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| CageError::Failed("hiding the memory", error))
}

/// The host's limits may have been set by the very person who logs in (a caller of `su`): a limit must neither
/// decide whether a message goes out nor make us dump core.
fn reset_limits(privileged: bool) -> Result<(), CageError> {
    set_limit(Resource::Core, Some(0), Some(0))?;
    let unlimited = [Resource::As, Resource::Cpu, Resource::Data, Resource::Fsize, Resource::Nproc, Resource::Stack];
    for resource in unlimited {
        let hard = getrlimit(resource).maximum;
        let raised = privileged && set_limit(resource, None, None).is_ok();
        if !raised {
            set_limit(resource, hard, hard)?;
        }
    }
    let files = getrlimit(Resource::Nofile);
    let wanted = 1024;
    if !(privileged && set_limit(Resource::Nofile, Some(wanted), Some(wanted)).is_ok()) {
        let allowed = files.maximum.map_or(wanted, |hard| hard.min(wanted));
        set_limit(Resource::Nofile, Some(allowed), files.maximum)?;
        if allowed < FEWEST_FILES {
            return Err(CageError::Starved);
        }
    }
    Ok(())
}

/// `None` is no limit.
fn set_limit(resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<(), CageError> {
    setrlimit(resource, Rlimit { current: soft, maximum: hard })
        .map_err(|error| CageError::Failed("setting a resource limit", error))
}

/// The ids of the account to become, out of `/etc/passwd` (passwd(5)). Read as a file and not through NSS, which may
/// ask a network while we are still root; accounts of services are local.
fn account(passwd: &[u8]) -> (Uid, Gid) {
    let text = String::from_utf8_lossy(passwd);
    let ids = |wanted: &str| {
        text.lines().find_map(|line| {
            let mut columns = line.split(':');
            let name = columns.next()?;
            let uid: u32 = columns.nth(1)?.parse().ok()?;
            let gid: u32 = columns.next()?.parse().ok()?;
            (name == wanted && uid != 0 && gid != 0).then_some((uid, gid))
        })
    };
    let (uid, gid) = UNPRIVILEGED.into_iter().find_map(ids).unwrap_or((OVERFLOW_ID, OVERFLOW_ID));
    (Uid::from_raw(uid), Gid::from_raw(gid))
}

fn become_user((uid, gid): (Uid, Gid)) -> Result<(), CageError> {
    set_thread_groups(&[]).map_err(|error| CageError::Failed("leaving all groups", error))?;
    set_ids(uid, gid)?;
    let groups = getgroups().map_err(|error| CageError::Failed("reading the groups", error))?;
    if !groups.is_empty() {
        return Err(CageError::Leaky("a group"));
    }
    // The saved id shows only in this: with it the way back would be open.
    let root = (Uid::ROOT, Gid::ROOT);
    if set_thread_res_uid(root.0, root.0, root.0).is_ok() || set_thread_res_gid(root.1, root.1, root.1).is_ok() {
        return Err(CageError::Leaky("root"));
    }
    Ok(())
}

/// Real, effective and saved ids become one: group first, while that is still allowed.
fn set_ids(uid: Uid, gid: Gid) -> Result<(), CageError> {
    set_thread_res_gid(gid, gid, gid).map_err(|error| CageError::Failed("changing the group", error))?;
    set_thread_res_uid(uid, uid, uid).map_err(|error| CageError::Failed("changing the user", error))?;
    let now = (getuid(), geteuid(), getgid(), getegid());
    if now == (uid, uid, gid, gid) { Ok(()) } else { Err(CageError::Leaky("the user or group")) }
}

/// Changing ids drops them too, unless securebits say otherwise; somebody who is not root may have been given some.
fn drop_capabilities() -> Result<(), CageError> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).map_err(|error| CageError::Failed("dropping capabilities", error))?;
    let left = capabilities(None).map_err(|error| CageError::Failed("reading capabilities", error))?;
    if left.effective.is_empty() && left.permitted.is_empty() { Ok(()) } else { Err(CageError::Leaky("a capability")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(passwd: &str) -> (u32, u32) {
        let (uid, gid) = account(passwd.as_bytes());
        (uid.as_raw(), gid.as_raw())
    }

    #[test]
    fn rule_23_root_becomes_herald_else_nobody_else_the_overflow_id() {
        let nobody = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/nonexistent:/bin/false\n";
        assert_eq!(ids(&format!("{nobody}_herald:x:117:121::/nonexistent:/bin/false\n")), (117, 121));
        assert_eq!(ids(nobody), (65534, 65533));
        assert_eq!(ids(""), (65534, 65534));
        assert_eq!(ids("nobody\n_herald:x\n::::\nnobody:x:words:1:\n"), (65534, 65534));
    }

    #[test]
    fn rule_23_an_account_with_roots_ids_is_no_cage() {
        assert_eq!(ids("_herald:x:0:0::/:/bin/sh\nnobody:x:1000:0::/:/bin/sh\n"), (65534, 65534));
    }

    #[test]
    fn a_start_by_hand_is_refused_with_the_way_that_works() {
        assert_eq!(started_by_herald(), Err(CageError::ByHand));
        assert!(CageError::ByHand.to_string().contains("try: herald gateway status"));
    }
}
