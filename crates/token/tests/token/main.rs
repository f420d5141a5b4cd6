//! The crate from outside: conformance vectors, attacks, and laws.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod attacks;
mod host_form;
mod issuer;
mod jwt_simple;
mod keys;
mod laws;
mod second_opinion;
mod times_and_claims;
mod wycheproof;
