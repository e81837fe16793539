//! Where the modules under test are. They are built here if they are missing or old: a package that only makes a
//! shared library cannot be a dependency.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// pam_herald.so, built with the profile of the tests.
pub fn module() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--lib"], "libpam_herald.so")).clone()
}

/// The module's edge around a made-up decision (`src/pam/examples/rehearsal.rs`).
pub fn rehearsal() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--example", "rehearsal"], "examples/librehearsal.so")).clone()
}

/// pam_wrapper's pam_set_items.so, which makes items of the host's environment: PAM_AUTHTOK stands in for a first
/// factor, since libpam lets no application set that item. Debian: libpam-wrapper.
pub fn set_items() -> PathBuf {
    let module = Path::new("pam_wrapper/pam_set_items.so");
    let mut folders = vec![PathBuf::from("/usr/lib64"), PathBuf::from("/usr/lib")];
    folders.extend(std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path()));
    let found = folders.iter().map(|folder| folder.join(module)).find(|path| path.exists());
    found.expect("pam_wrapper's pam_set_items.so (Debian: apt install libpam-wrapper)")
}

/// The program at the other end of a `Session`.
pub(crate) fn host() -> PathBuf {
    program("pam-host")
}

/// A program of this package. Cargo builds it before it runs a test of it.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = profile_folder().join(name);
    assert!(path.exists(), "{} is missing: cargo build -p herald-tests --bin {name}", path.display());
    path
}

fn build(what: &[&str], product: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--package", "pam_herald"]).args(what);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).arg("--target-dir").arg(target_folder());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo");
    assert!(status.success(), "{cargo:?}: {status}");
    profile_folder().join(product)
}

/// `target/debug` or `target/release`: tests are in `deps` below it.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let folder = test.parent().expect("a folder");
    let folder = if folder.ends_with("deps") { folder.parent().expect("a folder") } else { folder };
    folder.to_owned()
}

fn target_folder() -> PathBuf {
    profile_folder().parent().expect("a folder").to_owned()
}
