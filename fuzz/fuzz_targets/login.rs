//! Whole logins by a script: see `play` in core's own stories.
#![no_main]
#![allow(dead_code, unreachable_pub)] // of the stories' world only a part is needed

#[path = "../../src/core/tests/login/logged.rs"]
mod logged;
#[path = "../../src/core/tests/script/script.rs"]
mod script;
#[path = "../../src/core/tests/login/world.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| script::play(bytes));
