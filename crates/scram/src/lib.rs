//! The client's side of PostgreSQL's password authentication: SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel
//! binding, and md5; without IO, and the nonce is an argument.
//!
//! ```text
//! ClientFirst::new ── message() ──▶ SASLInitialResponse
//!      │ challenge(…) ◀──────────── AuthenticationSASLContinue
//!      ▼
//! ClientFinal ─────── message() ──▶ SASLResponse
//!      │ verify(…) ◀─────────────── AuthenticationSASLFinal: does the server know the password too?
//! ```
//!
//! ```
//! # fn main() -> Result<(), chaperone_scram::Error> {
//! use chaperone_scram::ClientFirst;
//!
//! let first = ClientFirst::new(&[7; 18]);
//! assert_eq!(first.message(), "n,,n=,r=BwcHBwcHBwcHBwcHBwcHBwcH");
//! // The server answers with a longer nonce, a salt, and a number of iterations.
//! let answer = b"r=BwcHBwcHBwcHBwcHBwcHBwcHserver,s=c2FsdA==,i=4096";
//! let last = first.challenge(answer, "secret")?;
//! assert!(last.message().starts_with("c=biws,r=BwcHBwcHBwcHBwcHBwcHBwcHserver,p="));
//! // Somebody who does not know the password cannot end the exchange.
//! assert!(last.verify(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").is_err());
//! # Ok(())
//! # }
//! ```

mod challenge;
mod client;
mod error;
mod md5;
mod salted;

pub use challenge::{MAX_ITERATIONS, MAX_MESSAGE_BYTES, MAX_SALT_BYTES, MIN_ITERATIONS};
pub use client::{ClientFinal, ClientFirst, MECHANISM, NONCE_BYTES};
pub use error::{Error, ServerError};
pub use md5::md5_password;
pub use salted::SaltedPassword;
