//! A recorded session as the agent saw it: from records to happenings to text.
//!
//! ```text
//!  records, by time ──▶ Transcript ──▶ Happening … ──▶ render ──▶ lines
//!  (protocol messages)  (pairs answers with requests)   (psql's look)
//! ```

mod render;
mod table;
mod transcript;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use render::render;
pub(crate) use transcript::Transcript;

use chaperone_proto::{Approval, Authenticated, Opened, VerdictRecord};

use table::Grid;

/// Something that happened in a session, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A step of a request for approval.
    Approval(Approval),
    /// The caller was let in.
    Authenticated(Authenticated),
    /// It is over; by whom.
    Closed(String),
    /// COPY data passed; the direction and how many bytes.
    Copied(Direction, u64),
    /// Records are missing, and why.
    Gap(u64, String),
    /// Something that is shown in a line of its own.
    Note(String),
    /// The connection was opened.
    Opened(Opened),
    /// An error or a notice.
    Report(Report),
    /// Rows.
    Rows(Grid),
    /// What the client sent to be run, and the prompt that psql would have shown.
    Statement { prompt: String, text: String },
    /// How a command without rows ended.
    Tag(String),
    /// A verdict.
    Verdict(VerdictRecord),
}

/// Which way data went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    /// To the server.
    In,
    /// To the client.
    Out,
}

/// An error or a notice, as PostgreSQL's fields tell it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// `ERROR`, `NOTICE` …
    pub(crate) severity: String,
    /// The SQLSTATE.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// More about it.
    pub(crate) detail: String,
    /// What to do about it.
    pub(crate) hint: String,
}
