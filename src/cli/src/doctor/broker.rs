//! The broker, where a host needs it: is somebody there, and is it root?

use super::check::Check;
use super::listed;
use super::services::{Services, UNPRIVILEGED};
use herald_core::broker::SOCKET;
use herald_sys::broker::peer;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Root, but in a unit without network.
const CAGED: &str = "polkit-1";
const SWITCH_ON: &str = "systemctl enable --now herald-broker.socket";

/// Who cannot do without it, and who can only perhaps.
pub(super) fn checks(root: &Path, services: &Services) -> Option<Check> {
    let needing: Vec<&str> = UNPRIVILEGED.into_iter().filter(|name| services.has(name)).collect();
    let caged = services.has(CAGED);
    if needing.is_empty() && !caged {
        return None;
    }
    let name = "broker";
    Some(match fault(&root.join(SOCKET.trim_start_matches('/'))) {
        None => Check::passed(name, SOCKET),
        Some((fault, mend)) if needing.is_empty() => {
            Check::noted(name, format!("{SOCKET}: {fault}; in its unit {CAGED} can send no code"), mend)
        }
        Some((fault, mend)) => {
            let detail = format!("{SOCKET}: {fault}; not running as root, {} lets nobody in", listed(&needing, 5));
            Check::failed(name, detail, mend)
        }
    })
}

/// Why nobody would be served there, and the mend.
fn fault(socket: &Path) -> Option<(String, String)> {
    let Ok(found) = fs::metadata(socket) else { return Some(("nobody listens".to_owned(), SWITCH_ON.to_owned())) };
    let anew = format!("rm {SOCKET}; {}", SWITCH_ON.replace("enable --now", "restart"));
    if !found.file_type().is_socket() {
        return Some(("is no socket".to_owned(), anew));
    }
    if found.mode() & 0o006 != 0o006 {
        return Some((format!("has the mode {:04o}", found.mode() & 0o7777), format!("chmod 666 {SOCKET}")));
    }
    match UnixStream::connect(socket).map(|broker| peer(&broker)) {
        Ok(Ok(0)) => None,
        Ok(Ok(other)) => Some((format!("user id {other} answers there, and not root"), anew)),
        Ok(Err(_)) | Err(_) => Some(("nobody listens".to_owned(), anew)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_broker_that_serves_nobody_is_found() {
        let folder = std::env::temp_dir().join(format!("herald-broker-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        let socket = folder.join("socket");
        let said = || fault(&socket).map(|(fault, _)| fault);
        assert_eq!(said().as_deref(), Some("nobody listens"));
        fs::write(&socket, "").expect("a file");
        assert_eq!(said().as_deref(), Some("is no socket"));
        fs::remove_file(&socket).expect("a file");
        let listener = UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(&socket, Permissions::from_mode(0o600)).expect("ours");
        assert_eq!(said().as_deref(), Some("has the mode 0600"));
        fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("ours");
        let uid = fs::metadata(&socket).expect("there").uid();
        let expected = (uid != 0).then(|| format!("user id {uid} answers there, and not root"));
        assert_eq!(said(), expected);
        drop(listener);
        assert_eq!(said().as_deref(), Some("nobody listens"));
        fs::remove_dir_all(&folder).expect("ours");
    }
}
