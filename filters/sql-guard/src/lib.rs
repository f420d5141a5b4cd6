//! Judges every command before the target sees it.
//!
//! The flow reads what each statement does, asks the policy, lets it pass with a note for the flows behind, or refuses
//! it in PostgreSQL's own way. What it cannot read it refuses.

mod cache;
mod counters;
mod dialect;
mod flow;
mod meaning;
mod module;
mod record;
mod rehearsal;
mod types;
mod verdicts;
mod work;

pub use cache::FactsCache;
pub use counters::COUNTERS;
pub use flow::SqlGuard;
pub use module::Module;
pub use rehearsal::{Rehearsal, Rehearsed};

#[cfg(feature = "entry")]
chaperone_host::entry!(crate::Module);
