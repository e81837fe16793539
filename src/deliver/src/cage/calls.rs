//! Which system calls can be made, by seccomp(2), where there is a filter for the architecture.
//!
//! A list of what is refused and not of what is allowed: which calls a resolver's modules, another version of the C
//! library or the next kernel need is nobody's to know, and a login must never fail of it. What is refused fails with
//! EPERM, as for any process without rights.

use super::CageError;
use super::reach::Reach;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn close(_: &Reach) -> Result<(), CageError> {
    Ok(())
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use filter::close;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod filter {
    use super::{CageError, Reach};
    use seccompiler::{
        BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule, apply_filter, sock_filter,
    };
    use std::collections::BTreeMap;

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Refused whatever their arguments are.
    const REFUSED: &[i64] = &[
        // Another program in our place.
        libc::SYS_execve,
        libc::SYS_execveat,
        // Other processes, their memory and their descriptors.
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_tkill,
        libc::SYS_kcmp,
        libc::SYS_migrate_pages,
        libc::SYS_move_pages,
        // Another view of the file system, and ways around paths.
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_mount_setattr,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_fanotify_init,
        libc::SYS_quotactl,
        libc::SYS_acct,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        // Large parts of the kernel that only attackers ask for here; io_uring(7) opens and connects past this filter.
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_personality,
        // The machine itself.
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_clock_adjtime,
        libc::SYS_adjtimex,
        libc::SYS_syslog,
        libc::SYS_vhangup,
        // Being connected to.
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
    ];
    #[cfg(target_arch = "x86_64")]
    const OF_ARCHITECTURE: &[i64] = &[
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_iopl,
        libc::SYS_ioperm,
        libc::SYS_modify_ldt,
        libc::SYS_kexec_file_load,
        libc::SYS_uselib,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const OF_ARCHITECTURE: &[i64] = &[];

    /// What a kernel or a container without filters says.
    const NO_FILTERS: [libc::c_int; 3] = [libc::EINVAL, libc::ENOSYS, libc::EPERM];
    /// clone3(2) has one number on every architecture.
    const CLONE3: u32 = 435;
    /// Threads are made with it, processes without (clone(2)).
    const CLONE_THREAD: u64 = 0x0001_0000;
    /// prctl(2)
    const PR_SET_DUMPABLE: u64 = 4;
    /// socket(2): families, and the protocols of IP.
    const UNIX: u64 = 1;
    const INET: u64 = 2;
    const INET6: u64 = 10;
    const NETLINK: u64 = 16;
    const TCP: u64 = 6;
    const UDP: u64 = 17;

    /// Refuses them to the calling thread and all that it starts from now on.
    ///
    /// # Errors
    /// The kernel has such filters, and does not take this one.
    pub(crate) fn close(reach: &Reach) -> Result<(), CageError> {
        let own = u64::from(std::process::id());
        let leaky =
            |error: &dyn std::fmt::Display| CageError::Leaky(format!("system calls could not be closed off: {error}"));
        let program = refused(reach, own).and_then(program).map_err(|error| leaky(&error))?;
        match apply_filter(&program) {
            // A kernel without filters, or a container that refuses them.
            Err(Error::Seccomp(error)) if error.raw_os_error().is_some_and(|error| NO_FILTERS.contains(&error)) => {
                Ok(())
            }
            applied => applied.map_err(|error| leaky(&error)),
        }
    }

    fn program(rules: Rules) -> Result<BpfProgram, BackendError> {
        let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
        Ok(by_number().into_iter().chain(BpfProgram::try_from(filter)?).collect())
    }

    /// What is decided by the number of the call alone, with another error or for a range, before the filter proper.
    fn by_number() -> Vec<sock_filter> {
        let load_number = sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 }; // BPF_LD | BPF_W | BPF_ABS
        let fail = |error: libc::c_int| {
            let k = libc::SECCOMP_RET_ERRNO | error.unsigned_abs();
            sock_filter { code: 0x06, jt: 0, jf: 0, k } // BPF_RET | BPF_K
        };
        // The same calls have second numbers on x86_64, with this bit set (the x32 ABI). Nothing here uses them.
        let is_x32 = sock_filter { code: 0x35, jt: 0, jf: 1, k: 0x4000_0000 }; // BPF_JMP | BPF_JGE | BPF_K
        // A filter cannot see into what clone3(2) is given. Told that there is none, the C library uses clone(2).
        let is_clone3 = sock_filter { code: 0x15, jt: 0, jf: 1, k: CLONE3 }; // BPF_JMP | BPF_JEQ | BPF_K
        let x32 = if cfg!(target_arch = "x86_64") { vec![is_x32, fail(libc::EPERM)] } else { Vec::new() };
        [vec![load_number], x32, vec![is_clone3, fail(libc::ENOSYS)]].concat()
    }

    fn refused(reach: &Reach, own: u64) -> Result<Rules, BackendError> {
        use SeccompCmpOp::{Eq, MaskedEq, Ne};
        let mut rules: Rules = REFUSED.iter().chain(OF_ARCHITECTURE).map(|call| (*call, Vec::new())).collect();
        // abort(3) and a watchdog end the process itself, or its group.
        rules.insert(libc::SYS_kill, vec![all([(0, Ne, own), (0, Ne, 0)])?]);
        rules.insert(libc::SYS_tgkill, vec![all([(0, Ne, own)])?]);
        rules.insert(libc::SYS_prlimit64, vec![all([(0, Ne, own), (0, Ne, 0)])?]);
        rules.insert(libc::SYS_prctl, vec![all([(0, Eq, PR_SET_DUMPABLE), (1, Ne, 0)])?]);
        rules.insert(libc::SYS_clone, vec![all([(0, MaskedEq(CLONE_THREAD), 0)])?]);
        rules.insert(libc::SYS_socket, sockets(reach)?);
        Ok(rules)
    }

    /// Which sockets are refused: all, if nothing is talked to; all but UNIX sockets, if only a daemon of this machine is.
    fn sockets(reach: &Reach) -> Result<Vec<SeccompRule>, BackendError> {
        use SeccompCmpOp::{Eq, Ne};
        if reach.ports.is_empty() {
            return if reach.sockets.is_empty() { Ok(Vec::new()) } else { Ok(vec![all([(0, Ne, UNIX)])?]) };
        }
        let strange = |family| all([(0, Eq, family), (2, Ne, 0), (2, Ne, TCP), (2, Ne, UDP)]);
        let families = all([(0, Ne, UNIX), (0, Ne, INET), (0, Ne, INET6), (0, Ne, NETLINK)]);
        Ok(vec![families?, strange(INET)?, strange(INET6)?])
    }

    /// Refused if all of this holds: which argument, how it compares, and with what.
    fn all<const N: usize>(conditions: [(u8, SeccompCmpOp, u64); N]) -> Result<SeccompRule, BackendError> {
        let each = conditions
            .into_iter()
            .map(|(argument, compared, with)| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compared, with));
        SeccompRule::new(each.collect::<Result<_, _>>()?)
    }
}
