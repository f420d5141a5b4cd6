//! Records everything that was sent and shown, for replay and proof.
//!
//! The tap stands behind identity, so that it never sees the token, and before response-masking on the way back, so
//! that it sees what the client was really shown. Start-up and authentication are not recorded as bytes: they hold
//! credentials. In strict mode a command goes on only when the sidecar has it durably.

mod counters;
mod flow;
mod module;

pub use counters::COUNTERS;
pub use flow::SessionTap;
pub use module::Module;

#[cfg(feature = "entry")]
chaperone_host::entry!(crate::Module);
