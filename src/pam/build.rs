//! Links the unwinder into the module.
//!
//! std asks the linker for `libgcc_s`. Loading that library into every host costs more time than all the rest of
//! the module, and some hosts have not loaded it. A linker script of that name, found before the real one, puts the
//! static unwinder (`libgcc_eh.a`, part of every gcc) in its place.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let known = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| ["gnu", "musl"].contains(&libc.as_str()));
    let Some(folder) = std::env::var_os("OUT_DIR").map(PathBuf::from).filter(|_| known) else { return };
    let script = folder.join("libgcc_s.so");
    match std::fs::write(&script, "INPUT(-lgcc_eh -lgcc -lc)\n") {
        Ok(()) => println!("cargo::rustc-link-search=native={}", folder.display()),
        Err(error) => println!("cargo::error={}: {error}", script.display()),
    }
}
