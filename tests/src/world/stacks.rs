//! The example stacks on a scratch machine.

use super::machine::Machine;
use std::path::Path;

/// Services that have an example.
const SERVICES: [&str; 4] = ["sshd", "sudo", "su", "login"];

/// Puts the examples where an admin would put them.
pub(super) fn install(machine: &Machine) {
    for service in SERVICES {
        machine.write(&format!("/etc/pam.d/{service}"), 0o644, example(service));
    }
}

/// The text of an example.
pub fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pam.d-example").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
