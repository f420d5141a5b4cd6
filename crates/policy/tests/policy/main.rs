//! The policy engine from outside: vectors, error messages, laws, packs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers functions under #[test] only"
)]

mod budgets;
mod errors;
mod laws;
mod lint;
mod packs;
mod support;
mod vectors;
