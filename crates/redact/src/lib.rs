//! Finds personal data and secrets in values, and hides them.
//!
//! ```text
//!   a column that the policy names ──▶ mask_value(transform, type, format, value) ──▶ Masked
//!   any text ──▶ Detectors::mask_text ──▶ the text with every find hidden, or None
//!   any value of a result ──▶ Detectors::mask_value ──▶ the same, by the value's PostgreSQL type
//! ```
//!
//! Pure and bounded: no clock, no IO; time is linear in the input, whatever the input. The detectors that come along are no
//! regular expressions: each kind of value has a byte that it cannot do without (a digit, `@`, `:`, the first letters of a key's
//! prefix), the scan stops at those bytes only, and the checks that no regular expression can make (Luhn, mod 97, borders on
//! both sides) are made on the spot. That is at least as quick as one automaton for all the patterns. What only a policy's
//! owner knows is described by a [`Pattern`], which is one.
//!
//! A detector is a second net. It does not know what a value means: a column that is known to hold secrets should be
//! named in the policy.

mod column;
mod detect;
mod detectors;
mod key;
mod pattern;
mod transform;

pub use column::{Format, Unsupported, mask_value};
pub use detectors::{Detectors, TEXT_MAX};
pub use key::Key;
pub use pattern::{Pattern, PatternError};
pub use transform::{Masked, REDACTED, apply};
