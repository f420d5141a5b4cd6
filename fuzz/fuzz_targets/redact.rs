//! See `tests/fuzz/src/redact.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaperone_fuzz::redact::body(data));
