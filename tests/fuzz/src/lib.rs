//! The bodies of the fuzz targets: each takes any bytes and panics where something does not hold.
//!
//! ```text
//!   fuzz/fuzz_targets/NAME.rs ── libFuzzer's bytes ──┐
//!   fuzz/finds/NAME/…         ── kept finds ─────────┼──▶ body(&[u8])
//!   seeds                     ── and their mutants ──┘
//! ```
//!
//! The second and the third need no fuzzer: `cargo test` runs them (`tests/replay.rs`).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is a failed test"
)]

pub mod chain;
mod input;
pub mod pgwire;
pub mod policy;
pub mod proto;
pub mod redact;
pub mod scram;
pub mod seeds;
pub mod sql;
pub mod token;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its file in `fuzz/fuzz_targets` and of its folder in `fuzz/finds`.
    pub name: &'static str,
    /// What must hold for any bytes.
    pub body: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "chain", body: chain::body, seeds: seeds::chain },
    Target { name: "pgwire", body: pgwire::body, seeds: seeds::pgwire },
    Target { name: "policy", body: policy::body, seeds: seeds::policy },
    Target { name: "proto", body: proto::body, seeds: seeds::proto },
    Target { name: "redact", body: redact::body, seeds: seeds::redact },
    Target { name: "scram", body: scram::body, seeds: seeds::scram },
    Target { name: "sql", body: sql::body, seeds: seeds::sql },
    Target { name: "token", body: token::body, seeds: seeds::token },
];
