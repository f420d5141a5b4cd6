//! See `tests/fuzz/src/proto.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaperone_fuzz::proto::body(data));
