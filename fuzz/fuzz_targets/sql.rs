//! See `tests/fuzz/src/sql.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaperone_fuzz::sql::body(data));
