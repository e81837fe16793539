//! See `herald_core::fuzzing::answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_core::fuzzing::answer(bytes));
