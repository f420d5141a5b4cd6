//! response-masking between hand-made messages of a client and of a server, with facts of the real reader.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod carry;
mod catalogue;
mod changed;
mod columns;
mod copy;
mod extended;
mod introduction;
mod laws;
mod memory;
mod session;
mod texts;
