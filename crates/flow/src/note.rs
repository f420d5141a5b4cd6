//! What sql-guard tells the flows behind it about a client message.

mod way;

use std::rc::Rc;

use chaperone_model::{Digest, Verdict};

use crate::Command;

pub use way::{NoteReader, NoteWriter};

/// The verdict on the command that a message carries or executes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// What was decided: allow or hold. What is denied does not go on.
    pub verdict: Rc<Verdict>,
    /// About what.
    pub command: Rc<Command>,
    /// The policy that decided.
    pub policy: Digest,
    /// Whether the flows behind need the facts.
    pub facts_wanted: bool,
}

/// Longest statement that is held for approval, in bytes. It goes between separate modules and to approvers whole.
pub const HELD_TEXT_MOST: usize = 16 << 10;
