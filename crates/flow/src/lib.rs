//! Flows: pure state machines for one connection, and chains of them.
//!
//! A [`Flow`] is shown whole protocol messages, one at a time, in both directions. It lets each pass or takes it,
//! and says through [`Cx`] what else is to happen: messages to either side, calls, records, annotations. It reads
//! no clock, no randomness and no environment; those are arguments. A [`Line`] cuts the bytes of one connection
//! into messages, runs them through a chain of flows and puts the result together again:
//!
//! ```text
//!   client bytes ─▶ framer ─▶ flow 0 ─▶ flow 1 ─▶ … ─▶ server bytes
//!   client bytes ◀─ … ◀─ flow 0 ◀─ flow 1 ◀─ framer ◀─ server bytes
//! ```
//!
//! A separate filter is a line of one flow (behind the [`postgres::Door`] that every line has), the fused filter a
//! line of five.

mod command;
mod context;
mod counts;
mod latest;
mod line;
mod live;
mod memory;
mod note;
mod output;
pub mod postgres;
mod recorder;
mod room;
mod session;
mod tape;
#[cfg(feature = "testing")]
pub mod testing;
mod time;

pub use command::{Command, clip};
pub use context::{Call, Cx, Effect, Emit, Flow, Now, Outgoing, Peer, Random, Reply, Step};
pub use counts::{Ask, CELLS, Cells, Count, CountKey, Counts, ENTRIES_MOST, NEVER, Read, Uncounted, Written};
pub use latest::Latest;
pub use line::{Buffer, Env, Limits, Line, Outcome};
pub use live::Live;
pub use memory::{Budget, Share};
pub use note::{HELD_TEXT_MOST, Note, NoteReader, NoteWriter};
pub use recorder::{Batch, Recorder, RecorderLimits, Waiter};
pub use room::{Room, Rooms};
pub use session::Session;
pub use tape::{RECORDED_MOST, Tape, recorded};
pub use time::Time;
