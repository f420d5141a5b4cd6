//! Verifies who is calling and puts the target's credential in the place of the token.
//!
//! ```text
//!  client                        identity                                   target
//!    │ StartupMessage(role) ────▶ │ StartupMessage(account), first SASL ────▶ │
//!    │ ◀── a password, please ─── │ ◀──────────────── SASL, SASL challenge ── │
//!    │ the token ───────────────▶ │ verified? may use the role? SASL proof ─▶ │
//!    │ ◀───────── AuthenticationOk, the session ── the target's own proof ─── │
//! ```
//!
//! The token goes no further than this filter, and the target's password never comes near the client. What all
//! connections share (keys of issuers, verified tokens) is in the [`Keyring`].

mod admitted;
mod asked;
mod counters;
mod fetch;
mod flow;
mod keyring;
mod login;
mod module;
mod parameters;
mod presented;
mod provider;
mod record;
mod target_error;
mod upstream;

pub use counters::COUNTERS;
pub use flow::IdentityFlow;
pub use keyring::{HostSignatures, Keyring};
pub use module::{Module, envoy_keyring};

#[cfg(feature = "entry")]
chaperone_host::entry!(crate::Module);
