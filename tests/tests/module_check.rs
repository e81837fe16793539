//! `scripts/check-module.sh`: a check that cannot fail says nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn check(module: &Path, package: &str, limit: u32) -> (String, Option<i32>) {
    let script = Path::new(ROOT).join("scripts/check-module.sh");
    let Output { status, stdout, stderr } = Command::new(script)
        .arg(module)
        .arg(package)
        .env("HERALD_MODULE_LIMIT", limit.to_string())
        .output()
        .expect("the script runs");
    (String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned(), status.code())
}

/// A shared library with everything that a module must not have.
fn monster() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build_monster).clone()
}

fn build_monster() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, library) = (folder.join("monster.c"), folder.join("monster.so"));
    let code = "#include <math.h>\n#include <stdlib.h>\n\
        int pam_sm_authenticate(double x) { return setenv(\"A\", \"B\", 1) + (int)cbrt(x); }\n\
        __asm__(\".text\\n.quad pam_sm_authenticate\\n\");\n";
    std::fs::write(&source, code).expect("a scratch file");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,-z,execstack", "-Wl,-z,lazy", "-Wl,-z,notext", "-Wl,--no-as-needed", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-lm")
        .status()
        .expect("cc");
    assert!(status.success(), "cc: {status}");
    library
}

#[test]
fn the_built_module_passes_all_but_the_size_of_a_debug_build() {
    let (report, code) = check(&herald_tests::pam::module(), "pam_herald", u32::MAX);
    assert_eq!(report.lines().filter(|line| line.starts_with("ok ")).count(), 8, "{report}");
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn every_check_can_fail() {
    let (report, code) = check(&monster(), "herald-deliver", 1);
    for complaint in [
        "FAIL  exports: 'pam_sm_authenticate' instead of",
        "FAIL  libraries: libm.so.6",
        "FAIL  calls that change the host: setenv",
        "FAIL  code is written to while loading",
        "FAIL  executable stack",
        "FAIL  not bound at load",
        "FAIL  crates of HTTP, TLS, async or command lines in herald-deliver: ",
        "FAIL  size: ",
    ] {
        assert!(report.contains(complaint), "{complaint}: {report}");
    }
    assert!(report.contains(" reqwest ") && report.contains(" rustls ") && report.contains(" tokio "), "{report}");
    assert_eq!(code, Some(1), "{report}");
}

#[test]
fn what_cannot_be_checked_is_no_success() {
    assert_eq!(check(Path::new("/nonexistent/pam_herald.so"), "pam_herald", 1).1, Some(2));
    assert_eq!(check(Path::new("/etc/passwd"), "pam_herald", 1).1, Some(2));
    assert_eq!(check(&monster(), "no-such-package", 1).1, Some(2));
}
