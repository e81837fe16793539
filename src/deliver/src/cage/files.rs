//! Which files can be opened and which ports connected to, by landlock(7), as far as the kernel has it.

use super::CageError;
use super::reach::Reach;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

/// The newest version whose rights to files this was tried with.
const KNOWN: ABI = ABI::V5;

/// Read by whoever resolves a name: glibc, the modules that nsswitch.conf(5) names, and what those are told. A link is
/// followed, and what it leads to is what may be read; daemons replace their file, so that its folder counts.
const RESOLVER: [&str; 27] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/hostname",
    "/etc/mdns.allow",
    "/run/systemd/resolve",
    "/run/systemd/machines",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/connman",
    "/run/nscd",
    "/var/run/nscd",
    // The modules are loaded when the first name is asked for.
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/gnu/store",
    "/proc/sys",
    "/sys/devices/system/cpu",
];
/// Read by everybody.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// Modules that are known to do with the files above, DNS and the sockets of daemons. Others may have a file and a
/// server of their own: they must go on working, so with them every file that our user may read can be read, and every
/// port connected to.
const MODULES: [&str; 11] = [
    "files",
    "dns",
    "myhostname",
    "mymachines",
    "resolve",
    "mdns",
    "mdns4",
    "mdns6",
    "mdns_minimal",
    "mdns4_minimal",
    "mdns6_minimal",
];

/// Closes the calling thread, and all that it starts from now on, off from what `reach` does not name.
///
/// # Errors
/// The kernel has landlock, and refuses. A kernel without it is no error.
pub(super) fn close(reach: &Reach, certificates: &[&str]) -> Result<(), CageError> {
    confine(reach, certificates).map_err(|error| CageError::Leaky(format!("files could not be closed off: {error}")))
}

fn confine(reach: &Reach, certificates: &[&str]) -> Result<(), RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let put = AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::Truncate;
    let resolves = !reach.ports.is_empty();
    let strangely = resolves && resolves_strangely(&std::fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default());
    let mut rules = everything_closed(resolves, strangely)?
        .add_rules(path_beneath_rules(DEVICES, read))?
        .add_rules(path_beneath_rules(["/dev/null"], AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(&reach.outboxes, put))?
        .add_rules(path_beneath_rules(&reach.sockets, AccessFs::ResolveUnix))?;
    if strangely {
        rules = rules.add_rules(path_beneath_rules(["/"], read))?;
    } else if resolves {
        rules =
            rules.add_rules(path_beneath_rules(RESOLVER, read))?.add_rules(path_beneath_rules(certificates, read))?;
        for port in &reach.ports {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
    }
    rules.restrict_self().map(drop)
}

fn everything_closed(resolves: bool, strangely: bool) -> Result<RulesetCreated, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    let rules = if strangely { rules } else { rules.handle_access(AccessNet::ConnectTcp)? };
    // A resolver's modules have sockets of their own.
    let rules = if resolves { rules } else { rules.handle_access(AccessFs::ResolveUnix)? };
    rules.create()
}

/// Whether names of hosts are looked up by a module that is not known.
fn resolves_strangely(nsswitch: &str) -> bool {
    let line = nsswitch.lines().find_map(|line| line.trim_start().strip_prefix("hosts:"));
    let line = line.unwrap_or_default().split('#').next().unwrap_or_default();
    // What stands in brackets says what to do after an answer: `[NOTFOUND=return]`, `[!UNAVAIL=return]`.
    let words = line.split('[').flat_map(|part| part.rsplit(']').next().unwrap_or_default().split_whitespace());
    words.into_iter().any(|module| !MODULES.contains(&module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_nobody_knows_keep_working() {
        for (line, strange) in [
            ("", false),
            ("passwd: files sss\nhosts: files dns\n", false),
            ("hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns # ldap", false),
            ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", false),
            ("hosts: files ldap dns", true),
            ("hosts: files [NOTFOUND=continue]wins", true),
            ("hosts: files [ NOTFOUND = return ] dns", false),
        ] {
            assert_eq!(resolves_strangely(line), strange, "{line}");
        }
    }
}
