//! The module, the folders, the network side, the gateways, the kernel.

use super::check::Check;
use super::said_by;
use crate::call::{Call, Installation};
use crate::error::{Error, sentences};
use crate::gateway::{condition, describe};
use crate::many::begun;
use herald_core::machine::{Machine, Trust};
use herald_sys::check_trusted;
use herald_sys::process::landlock_version;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MODULE: &str = "pam_herald.so";
/// libpam's own module: beside it, modules are found that are named without a path.
const NEIGHBOUR: &str = "pam_unix.so";

/// The module, where libpam looks for it.
pub(super) fn module() -> Vec<Check> {
    let name = "module";
    let folders: Vec<PathBuf> = libraries().map(|folder| folder.join("security")).collect();
    let mut folders = folders.iter().filter(|folder| folder.join(NEIGHBOUR).exists()).peekable();
    let Some(first) = folders.peek().map(|folder| folder.join(MODULE)) else {
        return vec![Check::failed(name, "libpam's own modules were not found", "install libpam and its modules")];
    };
    let Some(module) = folders.map(|folder| folder.join(MODULE)).find(|path| path.exists()) else {
        let detail = format!("{} is not there: every login that names it fails", first.display());
        return vec![Check::failed(name, detail, "install herald, or: make install")];
    };
    vec![match check_trusted(&module, Trust::Public) {
        Ok(()) => Check::passed(name, module.display().to_string()),
        Err(error) => {
            let (detail, mend) = sentences(&error.to_string(), "look at the file");
            Check::failed(name, detail, mend)
        }
    }]
}

/// Folders in which libraries are, those of an architecture too, each once: /lib is a link to /usr/lib nearly
/// everywhere.
fn libraries() -> impl Iterator<Item = PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in ["/usr/lib64", "/lib64", "/usr/lib", "/lib"].map(PathBuf::from) {
        let within = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        folders.extend(within.filter(|path| path.join("security").is_dir()));
        folders.push(folder);
    }
    let mut folders: Vec<PathBuf> = folders.into_iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    folders.sort();
    folders.dedup();
    folders.into_iter()
}

/// The state folders and the network side.
pub(super) fn state(call: &Call, installation: &Installation) -> Vec<Check> {
    let paths = &installation.config.paths;
    let folders = [paths.state.clone(), paths.state.join("users"), paths.state.join("totp")];
    let faults = folders.iter().filter_map(|folder| folder_fault(folder, true));
    let mut checks: Vec<Check> = faults.chain(folder_fault(&paths.runtime, false)).collect();
    if begun::waits(installation) {
        let detail = "a list was broken off: some of its people are enrolled and some are not";
        checks.push(Check::failed("state", detail, "sudo herald status --all puts everybody back"));
    }
    if checks.is_empty() {
        checks.push(Check::passed("state", format!("{}, {}", paths.state.display(), paths.runtime.display())));
    }
    checks.push(match describe(&installation.courier, &installation.config) {
        Ok(drivers) => {
            let path = paths.deliver.display();
            Check::passed("herald-deliver", format!("{path}, {} drivers", drivers.len()))
        }
        Err(error) => {
            let (detail, mend) = error.pair();
            Check::failed("herald-deliver", detail, mend)
        }
    });
    checks.push(match call.machine.users().find("_herald") {
        Ok(Some(account)) if account.uid == 0 => {
            let detail = "_herald has the user id 0: it is root by another name";
            Check::failed("user _herald", detail, "give it a user id of its own")
        }
        Ok(Some(account)) => Check::passed("user _herald", format!("herald-deliver runs as it ({})", account.uid)),
        Ok(None) => Check::noted(
            "user _herald",
            "it is not there: herald-deliver runs as nobody, who may be others, too",
            "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin _herald",
        ),
        Err(error) => Check::failed("user _herald", error.to_string(), "see that getent passwd works"),
    });
    checks
}

fn folder_fault(path: &Path, needed: bool) -> Option<Check> {
    let shown = path.display();
    let failed = |detail: String, mend: String| Some(Check::failed("state", detail, mend));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !needed => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            failed(format!("the folder {shown} is not there"), format!("install -d -m 700 -o root -g root {shown}"))
        }
        Err(error) => failed(format!("{shown}: {error}"), format!("look at it: namei -l {shown}")),
        Ok(found) if !found.is_dir() => failed(format!("{shown} is no folder"), format!("look at it: ls -ld {shown}")),
        Ok(found) if found.uid() != 0 => {
            failed(format!("{shown} belongs to the user id {}", found.uid()), format!("chown root: {shown}"))
        }
        Ok(found) if found.mode() & 0o077 != 0 => {
            let mode = found.mode() & 0o7777;
            failed(format!("{shown} has the mode {mode:04o}: it is others' too"), format!("chmod 700 {shown}"))
        }
        Ok(_) => None,
    }
}

/// Every gateway, asked by itself; those with a fault in their fields were found by the look at the configuration.
pub(super) fn gateways(call: &Call, installation: &Installation) -> Vec<Check> {
    let usable = installation.config.gateways.iter().filter(|gateway| gateway.problems.is_empty());
    let asked = usable.filter_map(|gateway| {
        let name = format!("gateway {}", gateway.name);
        match condition(call, installation, gateway) {
            Ok(found) if found.ok => Some(Check::passed(&name, found.detail)),
            Ok(found) => {
                let mend = if found.mend.is_empty() { "sudo herald gateway status".to_owned() } else { found.mend };
                Some(Check::failed(&name, found.detail, mend))
            }
            Err(Error::Faults(..)) => None,
            Err(error) => {
                let (detail, mend) = error.pair();
                Some(Check::failed(&name, detail, mend))
            }
        }
    });
    asked.collect()
}

/// What the kernel can do, and which versions these are.
pub(super) fn kernel() -> Vec<Check> {
    // The kernel's list is not to be seen everywhere, in containers for one; then it is asked itself.
    let listed = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    let listed = listed.split(',').any(|module| module.trim() == "landlock");
    let landlock = landlock(listed || landlock_version().is_some());
    let kernel = format!("Linux {}", rustix::system::uname().release().to_string_lossy());
    let versions =
        [Some(concat!("herald ", env!("CARGO_PKG_VERSION")).to_owned()), libpam(), sudo(), ssh(), Some(kernel)];
    vec![landlock, Check::passed("versions", versions.into_iter().flatten().collect::<Vec<_>>().join(", "))]
}

fn landlock(is_there: bool) -> Check {
    if is_there {
        return Check::passed("landlock", "herald-deliver reaches no more files than it needs");
    }
    let mend = "boot with landlock in lsm=, or leave it: herald-deliver is unprivileged all the same";
    Check::noted("landlock", "this kernel does not have it", mend)
}

/// `libpam.so.0.85.1`
fn libpam() -> Option<String> {
    let library = libraries().find_map(|folder| folder.join("libpam.so.0").canonicalize().ok())?;
    Some(library.file_name()?.to_string_lossy().into_owned())
}

/// `Sudo version 1.9.13p3`
fn sudo() -> Option<String> {
    said_by("/usr/bin/sudo", &["--version"])?.lines().next().map(str::to_owned)
}

/// `OpenSSH_9.2p1`, which goes to stderr (ssh(1)).
fn ssh() -> Option<String> {
    let output = Command::new("/usr/bin/ssh").arg("-V").env_clear().stdin(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stderr).split([' ', ',']).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_kernel_without_landlock_is_noted_with_the_mend() {
        assert_eq!((landlock(true).ok, landlock(true).mend.as_str()), (true, ""));
        let without = landlock(false);
        assert!(without.ok && without.mend.starts_with("boot with landlock in lsm="), "{without:?}");
    }

    #[test]
    fn state_that_is_others_too_is_found() {
        let folder = std::env::temp_dir().join(format!("herald-doctor-{}", std::process::id()));
        let mend = |path: &Path| folder_fault(path, true).map(|check| check.mend);
        assert_eq!(mend(&folder), Some(format!("install -d -m 700 -o root -g root {}", folder.display())));
        assert_eq!(folder_fault(&folder, false), None);
        fs::create_dir(&folder).expect("a scratch folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).expect("it is ours");
        let is_root = rustix::process::geteuid().is_root();
        let found = mend(&folder);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let mended = mend(&folder);
        fs::remove_dir(&folder).expect("it is empty");
        let chmod = format!("chmod 700 {}", folder.display());
        let chown = format!("chown root: {}", folder.display());
        assert_eq!((found, mended), if is_root { (Some(chmod), None) } else { (Some(chown.clone()), Some(chown)) });
    }
}
