//! See `herald_core::fuzzing::enrollment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_core::fuzzing::enrollment(bytes));
