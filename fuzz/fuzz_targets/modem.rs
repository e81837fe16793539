//! See `herald_deliver::fuzzing::modem`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_deliver::fuzzing::modem(bytes));
