//! Whole logins by scripts of bytes. Around them stands only what the fuzzer has as well (fuzz/fuzz_targets/login.rs): what
//! compiles here compiles there.

#![allow(dead_code, unreachable_pub)] // one binary: nothing here is seen from outside, and not all of the world is needed

#[path = "../login/logged.rs"]
mod logged;
mod script;
#[path = "../login/world.rs"]
mod world;
