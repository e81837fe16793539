//! See `herald_core::fuzzing::broker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_core::fuzzing::broker(bytes));
