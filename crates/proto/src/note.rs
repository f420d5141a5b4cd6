//! What one filter tells the next ones about the client messages it lets through.
//!
//! Inside a chain a [`Note`] is a value. Between separate modules the host carries the notes of one read event
//! as a [`NoteSet`] in filter state, which works because the filters of a chain run in order within the event.

use prost::Message;

/// About one client message.
#[derive(Clone, Eq, PartialEq, Message)]
pub struct Note {
    /// Which message it is about: they are counted from 0 on their way from one module to the next, over the
    /// whole session, so that a stale note is never taken for a new one.
    #[prost(uint64, tag = "1")]
    pub ordinal: u64,
    /// The text of the statement (for Execute: the prepared one), where it is short or held.
    #[prost(string, tag = "4")]
    pub statement: String,
    /// SHA-256 of the whole statement text; empty where `statement` is all of it.
    #[prost(bytes = "vec", tag = "5")]
    pub digest: Vec<u8>,
    /// The number of what was found about it, counted from 0.
    #[prost(uint64, tag = "13")]
    pub finding: u64,
    /// What was found, where the number is new.
    #[prost(message, optional, tag = "14")]
    pub told: Option<Finding>,
}

/// What was found about a command, apart from its text.
#[derive(Clone, Eq, PartialEq, Message)]
pub struct Finding {
    /// 1 for allow, 2 for hold. Denied messages do not go on.
    #[prost(uint32, tag = "2")]
    pub decision: u32,
    /// The rule's id; empty for none.
    #[prost(string, tag = "3")]
    pub rule: String,
    /// SHA-256 of the policy that decided.
    #[prost(bytes = "vec", tag = "6")]
    pub policy: Vec<u8>,
    /// For a hold: the sets of approvers.
    #[prost(string, repeated, tag = "7")]
    pub approvers: Vec<String>,
    /// For a hold: how many people.
    #[prost(uint32, tag = "8")]
    pub count: u32,
    /// For a hold: seconds until it expires.
    #[prost(uint64, tag = "9")]
    pub expires_in: u64,
    /// The verdict's message for people.
    #[prost(string, tag = "10")]
    pub message: String,
    /// The facts as JSON, for what masking needs; empty where nothing is masked.
    #[prost(string, tag = "11")]
    pub facts: String,
    /// What the caller can do about it.
    #[prost(string, tag = "12")]
    pub hint: String,
}

/// The notes of one read event.
#[derive(Clone, Eq, PartialEq, Message)]
pub struct NoteSet {
    /// In the order of their ordinals.
    #[prost(message, repeated, tag = "1")]
    pub notes: Vec<Note>,
}
