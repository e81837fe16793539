//! See `herald_deliver::fuzzing::signal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_deliver::fuzzing::signal(bytes));
