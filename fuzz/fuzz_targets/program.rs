//! See `herald_deliver::fuzzing::program`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_deliver::fuzzing::program(bytes));
