//! See `herald_core::fuzzing::ledger`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| herald_core::fuzzing::ledger(bytes));
