//! See `tests/fuzz/src/chain.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaperone_fuzz::chain::body(data));
