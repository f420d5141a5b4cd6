//! What the sidecar keeps, and what it needs of whatever keeps it.
//!
//! Records and approvals have a store each, behind traits, so that another kind of store can take the place
//! of SQLite without the rest noticing.

mod approvals;
mod database;
mod records;
mod summary;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use approvals::SqliteApprovals;
pub(crate) use records::SqliteRecords;
pub(crate) use summary::{Session, Summary, Told};
pub(crate) use writer::{Refused, Writer};

use std::fmt;

use chaperone_model::{ApprovalId, SessionId};
use chaperone_proto::Record;

use crate::approval::{Approval, StateName};
use crate::chain::{Head, Hole, Link};
use crate::clock::Millis;

/// What went wrong with a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What is stored is not what this program writes.
    #[error("the store holds something unexpected: {0}")]
    Corrupt(String),
    /// SQLite.
    #[error("the database says: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A record on its way into the store: the bytes that were received, and what they say.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    /// As it was received. This is what is hashed and kept, so fields that this version does not know survive.
    pub(crate) bytes: Vec<u8>,
    /// The same, read.
    pub(crate) record: Record,
}

/// What one call of a recorder brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// Who recorded it; none where it did not say.
    pub(crate) recorder: Option<String>,
    /// The records.
    pub(crate) records: Vec<Incoming>,
    /// Sessions of which the recorder will tell nothing more.
    pub(crate) ended: Vec<String>,
}

/// A record that has other content than the one already stored under its number.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Conflict {
    /// The session.
    pub(crate) session: String,
    /// Which filter's.
    pub(crate) source: i32,
    /// The number.
    pub(crate) seq: u64,
}

/// What became of one batch.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Appended {
    /// Records that are new.
    pub(crate) added: u64,
    /// Records that were there already, the same.
    pub(crate) replayed: u64,
    /// Records that were refused.
    pub(crate) conflicts: Vec<Conflict>,
}

/// What sessions are found by.
#[derive(Clone, Debug)]
pub(crate) enum Find {
    /// An id, or as much of it as is needed to tell it from the others.
    Prefix(String),
    /// The one that began last.
    Last,
}

/// What came of looking for one session.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// More than one fits; some of them.
    Many(Vec<SessionId>),
    /// None fits.
    None,
    /// This one.
    One(Box<Session>),
}

/// Keeps records.
pub(crate) trait RecordStore: fmt::Debug + Send + Sync {
    /// Stores all batches in one durable step. When this returns, everything in them that was not refused is
    /// on the disk; when it fails, nothing of them is.
    fn append(&self, batches: &[Batch]) -> Result<Vec<Appended>, Error>;
    /// Sessions, the latest first.
    fn sessions(&self, limit: u32) -> Result<Vec<Session>, Error>;
    /// One session.
    fn find(&self, find: &Find) -> Result<Found, Error>;
    /// Records of a session behind a position, as many as fit into about `bytes`, at least one if there is one.
    fn page(&self, session: &SessionId, after: u64, bytes: usize) -> Result<Vec<Link>, Error>;
    /// The missing numbers of a session.
    fn holes(&self, session: &SessionId) -> Result<Vec<Hole>, Error>;
    /// How many sessions and how many records there are.
    fn count(&self) -> Result<(u64, u64), Error>;
}

/// A version of a stored approval; each change makes a new one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version(pub(crate) u64);

/// What became of a new approval.
#[derive(Clone, Debug)]
pub(crate) enum Inserted {
    /// There is one of that id already.
    Exists(Box<Approval>),
    /// There are as many pending ones as there may be.
    Full,
    /// It is stored.
    New,
}

/// Keeps approvals. Every change is compare-and-set and durable when it returns.
pub(crate) trait ApprovalStore: fmt::Debug + Send + Sync {
    /// Adds one that is not there yet, unless `limit` are pending.
    fn insert(&self, approval: &Approval, limit: u64) -> Result<Inserted, Error>;
    /// One by its id.
    fn lookup(&self, id: &ApprovalId) -> Result<Option<(Approval, Version)>, Error>;
    /// Puts `new` in the place of the version `old`; false when there is another version by now.
    fn replace(&self, new: &Approval, old: Version) -> Result<bool, Error>;
    /// Those of one state, or all, the latest first.
    fn list(&self, state: Option<StateName>, limit: u32) -> Result<Vec<Approval>, Error>;
    /// The unfinished ones of a cancel key.
    fn by_cancel_key(&self, key: &str) -> Result<Vec<ApprovalId>, Error>;
    /// Those that time has ended, or will have by then.
    fn due(&self, now: Millis) -> Result<Vec<ApprovalId>, Error>;
    /// How many there are of each state.
    fn count(&self) -> Result<Vec<(StateName, u64)>, Error>;
}

// === impl Session ===

impl Session {
    /// Where its chain ends.
    pub(crate) fn head(&self) -> Option<Head> {
        Some(Head { records: self.records, hash: crate::hex::digest(&self.head)? })
    }
}
