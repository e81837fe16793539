//! Where the programs under test are: what `HERALD_MODULE`, `HERALD_DELIVER`, `HERALD_BROKER` and `HERALD_BIN`
//! say, or the release build.

use std::path::{Path, PathBuf};

/// pam_herald.so.
pub(super) fn module() -> PathBuf {
    artefact("HERALD_MODULE", "libpam_herald.so")
}

/// herald-deliver.
pub(super) fn deliver() -> PathBuf {
    artefact("HERALD_DELIVER", "herald-deliver")
}

/// herald.
pub(super) fn herald() -> PathBuf {
    artefact("HERALD_BIN", "herald")
}

/// herald-broker.
pub(super) fn broker() -> PathBuf {
    artefact("HERALD_BROKER", "herald-broker")
}

/// The folder in which libpam looks for modules that are named without a path.
pub(super) fn module_folder() -> PathBuf {
    let mut folders = vec![PathBuf::from("/usr/lib64"), PathBuf::from("/usr/lib")];
    folders.extend(std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path()));
    let found =
        folders.into_iter().map(|folder| folder.join("security")).find(|path| path.join("pam_unix.so").exists());
    found.expect("libpam's own modules (Debian: apt install libpam-modules)")
}

fn artefact(variable: &str, name: &str) -> PathBuf {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release").join(name),
    };
    assert!(path.exists(), "{} is missing: run cargo build --release, or let {variable} name it", path.display());
    path
}
