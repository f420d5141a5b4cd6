//! PostgreSQL's protocol, version 3: frames, and messages in both directions.
//!
//! ```text
//!   bytes of one direction ──▶ Framer::split ──▶ Frame ──▶ client::Query::read(frame.body())  …
//!   (any chunks)                (bounded)       (borrowed)  server::DataRow::read(frame.body()) …
//!
//!   server::write::…, client::write::… ──▶ bytes
//! ```
//!
//! Pure: no IO, no clock, no dependencies. Every reader borrows and is bounded by the frame it reads; a reader
//! that succeeds has looked at every byte, so that its iterators cannot fail. A message with bytes left over is
//! refused, as PostgreSQL does. Texts are bytes: what encoding they have is the session's business.
//!
//! Which message follows which, and what may pass, is *not* decided here.
//!
//! ```
//! use chaperone_pgwire::{FrameLimits, Framer, Item, client, tag};
//!
//! let mut bytes = Vec::new();
//! client::write::query(&mut bytes, b"select 1").unwrap();
//!
//! let mut framer = Framer::tagged(FrameLimits::default());
//! let mut frames = framer.split(&bytes);
//! for item in frames.by_ref() {
//!     let Item::Frame(frame) = item.unwrap() else { continue };
//!     assert_eq!(frame.tag, tag::client::QUERY);
//!     assert_eq!(client::Query::read(frame.body()).unwrap().text, b"select 1");
//! }
//! assert!(frames.is_whole());
//! ```

pub mod client;
pub mod exchange;
mod format;
mod frame;
mod framer;
mod read;
pub mod server;
pub mod startup;
pub mod tag;
mod write;

pub use format::{Format, Formats};
pub use frame::{Frame, FrameError, FrameLimits, Item, Phase};
pub use framer::{Framer, Frames};
pub use read::{Oids, ReadError};
pub use write::WriteError;
