//! The filter against a client, a target and an identity provider that are made by hand, byte for byte.
//!
//! Every byte and every effect of every test is searched for the secrets: see `wire::Wire::search`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "tests"
)]

mod keys;
mod laws;
mod login;
mod refusals;
mod session;
mod target;
mod wire;
mod world;
