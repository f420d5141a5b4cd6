//! Holds a risky command until people decide.
//!
//! A command whose note says "hold" stays in the filter's memory. The client is told at once, the sidecar is asked, and
//! the answer either releases the original bytes or becomes an error. One command of a session is held at a time, and
//! what the client sends meanwhile waits its turn.

mod counters;
mod flow;
mod hold;
mod module;
mod notice;
mod queue;
mod request;
mod subject;

pub use counters::COUNTERS;
pub use flow::ApprovalHold;
pub use module::Module;

#[cfg(feature = "entry")]
chaperone_host::entry!(crate::Module);
