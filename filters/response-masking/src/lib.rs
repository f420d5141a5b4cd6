//! Hides what the caller may not see in what comes back.
//!
//! ```text
//!   Query, Execute ─▶ plan (what is hidden from this caller) ─▶ catalogue asked where it is not fresh ─▶ server
//!   client ◀─ rows with values hidden ◀─ shape (what to do with each column) ◀─ RowDescription, facts, catalogue
//! ```
//!
//! A column that the policy names is found by the table's OID and the column's number, which the server puts into
//! RowDescription for every plain column whatever it is called; the numbers are learnt from the catalogue on the
//! session's own connection. For a computed column the server names no table: there the facts tell from which
//! columns it is computed. What cannot be told is refused. Detectors search everything else that is shown.

mod answer;
mod asked;
mod carry;
mod catalogue;
mod counters;
mod exposure;
mod flow;
mod hash_key;
mod introduction;
mod judged;
mod last;
mod lineage;
mod module;
mod plan;
mod quoting;
mod reading;
mod record;
mod row;
mod shape;
mod shared;
mod texts;

pub use catalogue::{CATALOGUE_AGE_MOST, CATALOGUE_ROWS_MOST};
pub use counters::COUNTERS;
pub use flow::ResponseMasking;
pub use hash_key::hash_key;
pub use module::Module;
pub use shared::Shared;

#[cfg(feature = "entry")]
chaperone_host::entry!(crate::Module);
