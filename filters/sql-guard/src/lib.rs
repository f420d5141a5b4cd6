//! Judges every command before the target sees it.
//!
//! The flow reads what each statement does, asks the policy, lets it pass with a note for the flows behind, or refuses
//! it in PostgreSQL's own way. What it cannot read it refuses. What budgets limit it counts, in both directions.

mod cache;
mod cost;
mod counters;
mod dialect;
mod flow;
mod meaning;
mod module;
mod record;
mod rehearsal;
mod spending;
mod types;
mod verdicts;
mod work;

pub use cache::FactsCache;
pub use counters::COUNTERS;
pub use flow::SqlGuard;
pub use module::{Module, Shared};
pub use rehearsal::{Rehearsal, Rehearsed};

#[cfg(feature = "entry")]
chaperone_host::entry!(crate::Module);
