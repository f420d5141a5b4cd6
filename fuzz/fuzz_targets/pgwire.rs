//! See `tests/fuzz/src/pgwire.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaperone_fuzz::pgwire::body(data));
