//! What a check of a session's chain found.

use std::fmt;

use serde::{Serialize, Serializer};

use super::source_name;
use crate::clock::Millis;

/// Most faults that one report names; the rest is counted.
pub(crate) const MAX_FAULTS: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// How many records were read.
    pub(crate) records: u64,
    /// What is wrong; empty for a whole session.
    pub(crate) faults: Vec<Fault>,
    /// How many more faults there are than are named.
    pub(crate) more_faults: u64,
    /// How many bytes the recorder left out because a limit was reached. Not a fault: the record says so.
    pub(crate) omitted: u64,
    /// Whether the end of the session was recorded.
    pub(crate) closed: bool,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// There are records beyond the session's end.
    Added { first: u64, last: u64 },
    /// A record is not what was stored, or not where it was stored.
    Altered { position: u64, source: i32, seq: u64 },
    /// All who recorded the session say that it is over, and its end is not there.
    EndMissing,
    /// The last hash is not the one that the session keeps.
    Head,
    /// Numbers of a source are missing.
    Hole(Hole),
    /// The recorder itself says that it lost records.
    Lost { missing: u64, why: String },
    /// The session is broken off: who recorded it fell silent then.
    BrokenOff { since: Millis },
    /// A record says that it belongs elsewhere.
    Misfiled { position: u64 },
    /// What is listed of the session is not what its records say.
    Summary { field: &'static str },
    /// Stored records are not there any more.
    Removed { first: u64, last: u64 },
    /// A record is not a record.
    Unreadable { position: u64 },
}

/// A run of missing numbers of one source.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, serde::Deserialize)]
pub(crate) struct Hole {
    /// Which filter's.
    pub(crate) source: i32,
    /// The first that is missing.
    pub(crate) first: u64,
    /// The last that is missing.
    pub(crate) last: u64,
}

impl Report {
    /// True when nothing is wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.faults.is_empty() && self.more_faults == 0
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.more_faults = self.more_faults.saturating_add(1);
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { first, last } => {
                write!(f, "{} beyond the session's end", run("record", *first, *last))
            }
            Self::Altered { position, source, seq } => write!(
                f,
                "record {position} ({} {seq}) was altered or moved: its hash does not follow",
                source_name(*source)
            ),
            Self::EndMissing => {
                f.write_str("all of its recorders have ended, and the record of its end is missing")
            }
            Self::Head => f.write_str("the last hash is not the one that the session keeps"),
            Self::Hole(hole) => hole.fmt(f),
            Self::Lost { missing, why } => write!(f, "the recorder lost {missing} record(s): {why}"),
            Self::BrokenOff { since } => write!(
                f,
                "its gateway is silent since {since} UTC: what came after the last record is unknown"
            ),
            Self::Misfiled { position } => {
                write!(f, "record {position} belongs to another session or number")
            }
            Self::Summary { field } => {
                write!(f, "the session's `{field}`, as it is listed, is not what its records say")
            }
            Self::Removed { first, last } => write!(f, "{} removed", run("record", *first, *last)),
            Self::Unreadable { position } => write!(f, "record {position} cannot be read"),
        }
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} never arrived", source_name(self.source), run("number", self.first, self.last))
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn run(noun: &str, first: u64, last: u64) -> String {
    if last <= first { format!("{noun} {first}") } else { format!("{noun}s {first} to {last}") }
}
