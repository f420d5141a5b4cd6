//! Plain types that every Chaperone engine speaks: who is calling ([`Identity`]), what a command does
//! ([`facts`]), what was decided ([`Verdict`]) and why ([`Reason`]).
//!
//! This crate is a leaf: no engine, no host, no parser, so that a filter that needs a verdict does not carry
//! a SQL parser's megabytes.

mod amounts;
pub mod facts;
mod identity;
mod ids;
pub mod mask;
mod reason;
mod verdict;

pub use amounts::{Amounts, Measure};
pub use identity::{Identity, UnixSeconds};
pub use ids::{ApprovalId, Digest, RuleId, SessionId, hex};
pub use reason::{Family, Reason};
pub use verdict::{Decision, HoldTerms, Verdict};
