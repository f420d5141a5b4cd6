//! See `tests/fuzz/src/scram.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaperone_fuzz::scram::body(data));
