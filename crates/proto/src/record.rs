//! What session-tap and the other filters tell the sidecar, and the sidecar's acknowledgement.
//!
//! A batch is sent as `POST /v1/records` with `content-type: application/x-protobuf`; the answer is 200 with a
//! [`RecordAck`] once every record of the batch is durable. Records are idempotent by (session, source, seq).

mod write;

use prost::{Enumeration, Message, Oneof};

pub use write::{RecordOf, Told, VerdictHead, write_ended};

/// Many records, of any sessions.
#[derive(Clone, PartialEq, Message)]
pub struct RecordBatch {
    /// The records; those of one session and source in the order of their `seq`.
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<Record>,
    /// Sessions of which this recorder will tell nothing more.
    #[prost(string, repeated, tag = "2")]
    pub ended: Vec<String>,
}

/// The header of a batch that names the recorder: one VM's, for its lifetime. A recorder that has sessions sends a batch
/// from time to time, an empty one if need be, so that it is known when it is gone.
pub const RECORDER_HEADER: &str = "x-chaperone-recorder";

/// Which filter speaks; each numbers its own records of a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Enumeration)]
#[repr(i32)]
pub enum Source {
    /// Not said.
    Unspecified = 0,
    /// session-tap: opened, what was sent and shown, closed.
    Tap = 1,
    /// identity: who it is.
    Identity = 2,
    /// sql-guard: verdicts.
    Guard = 3,
    /// approval-hold: holds and how they ended.
    Hold = 4,
    /// response-masking: what it refused.
    Masking = 5,
}

/// One thing that happened in one session.
#[derive(Clone, PartialEq, Message)]
pub struct Record {
    /// The session's id.
    #[prost(string, tag = "1")]
    pub session: String,
    /// Which filter speaks.
    #[prost(enumeration = "Source", tag = "2")]
    pub source: i32,
    /// 1, 2, 3 … without a hole for each (session, source). A hole is a loss.
    #[prost(uint64, tag = "3")]
    pub seq: u64,
    /// When it happened: nanoseconds since 1970-01-01T00:00:00Z, by Envoy's clock.
    #[prost(uint64, tag = "4")]
    pub time: u64,
    /// What happened.
    #[prost(oneof = "Body", tags = "10, 11, 12, 13, 14, 15, 16, 17")]
    pub body: Option<Body>,
}

/// What happened.
#[derive(Clone, PartialEq, Oneof)]
pub enum Body {
    /// The connection was opened.
    #[prost(message, tag = "10")]
    Opened(Opened),
    /// The caller's identity was verified and it may use the role.
    #[prost(message, tag = "11")]
    Authenticated(Authenticated),
    /// What the client sent: whole protocol messages, secrets taken out.
    #[prost(message, tag = "12")]
    Client(Payload),
    /// What the client was shown: whole protocol messages, masked, secrets taken out.
    #[prost(message, tag = "13")]
    Server(Payload),
    /// What was decided about a command.
    #[prost(message, tag = "14")]
    Verdict(VerdictRecord),
    /// A step of a request for approval.
    #[prost(message, tag = "15")]
    Approval(Approval),
    /// Records were lost here.
    #[prost(message, tag = "16")]
    Gap(Gap),
    /// The connection is gone.
    #[prost(message, tag = "17")]
    Closed(Closed),
}

/// The connection was opened.
#[derive(Clone, PartialEq, Message)]
pub struct Opened {
    /// The client's address and port.
    #[prost(string, tag = "1")]
    pub client: String,
    /// The policy's resource that the listener leads to.
    #[prost(string, tag = "2")]
    pub resource: String,
    /// The protocol: `postgres`.
    #[prost(string, tag = "3")]
    pub protocol: String,
}

/// Who the caller is.
#[derive(Clone, PartialEq, Message)]
pub struct Authenticated {
    /// The token's subject.
    #[prost(string, tag = "1")]
    pub subject: String,
    /// The token's groups.
    #[prost(string, repeated, tag = "2")]
    pub groups: Vec<String>,
    /// The token's issuer.
    #[prost(string, tag = "3")]
    pub issuer: String,
    /// The token's id (never the token).
    #[prost(string, tag = "4")]
    pub token_id: String,
    /// The token's expiry, Unix seconds.
    #[prost(uint64, tag = "5")]
    pub expires_at: u64,
    /// The role asked for.
    #[prost(string, tag = "6")]
    pub role: String,
    /// The database asked for.
    #[prost(string, tag = "7")]
    pub database: String,
    /// The client's own name for itself.
    #[prost(string, tag = "8")]
    pub application: String,
}

/// Bytes on the wire.
#[derive(Clone, PartialEq, Message)]
pub struct Payload {
    /// One or more whole protocol messages, tag and length included.
    #[prost(bytes = "vec", tag = "1")]
    pub bytes: Vec<u8>,
    /// How many bytes were left out because a limit was reached.
    #[prost(uint64, tag = "2")]
    pub omitted: u64,
}

/// What was decided about a command.
#[derive(Clone, PartialEq, Message)]
pub struct VerdictRecord {
    /// `allow`, `deny`, `hold`.
    #[prost(string, tag = "1")]
    pub decision: String,
    /// The reason code.
    #[prost(string, tag = "2")]
    pub reason: String,
    /// The rule's id; empty for none.
    #[prost(string, tag = "3")]
    pub rule: String,
    /// The message for the caller.
    #[prost(string, tag = "4")]
    pub message: String,
    /// SHA-256 of the statement, hexadecimal; empty where `statement` is all of it, so that anybody can tell.
    #[prost(string, tag = "5")]
    pub digest: String,
    /// SHA-256 of the policy, hexadecimal.
    #[prost(string, tag = "6")]
    pub policy: String,
    /// What `mode: shadow` would have decided; empty when enforcing.
    #[prost(string, tag = "7")]
    pub shadow: String,
    /// The statement, at most 4 KiB of it.
    #[prost(string, tag = "8")]
    pub statement: String,
}

/// A step of a request for approval.
#[derive(Clone, PartialEq, Message)]
pub struct Approval {
    /// The approval's id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// `pending`, `approved`, `rejected`, `expired`, `cancelled`, `unavailable`.
    #[prost(string, tag = "2")]
    pub state: String,
    /// Who decided; empty while pending.
    #[prost(string, tag = "3")]
    pub by: String,
    /// The decider's reason.
    #[prost(string, tag = "4")]
    pub reason: String,
}

/// Records were lost.
#[derive(Clone, PartialEq, Message)]
pub struct Gap {
    /// How many records.
    #[prost(uint64, tag = "1")]
    pub missing: u64,
    /// Why.
    #[prost(string, tag = "2")]
    pub why: String,
}

/// The connection is gone.
#[derive(Clone, PartialEq, Message)]
pub struct Closed {
    /// Who closed it: `client`, `server`, `gateway`.
    #[prost(string, tag = "1")]
    pub by: String,
}

/// Everything up to these marks is durable.
#[derive(Clone, PartialEq, Message)]
pub struct RecordAck {
    /// One mark for each session and source of the batch.
    #[prost(message, repeated, tag = "1")]
    pub marks: Vec<Mark>,
}

/// The highest durable `seq` below which nothing of this batch is missing.
#[derive(Clone, PartialEq, Message)]
pub struct Mark {
    /// The session.
    #[prost(string, tag = "1")]
    pub session: String,
    /// The source.
    #[prost(enumeration = "Source", tag = "2")]
    pub source: i32,
    /// The number.
    #[prost(uint64, tag = "3")]
    pub seq: u64,
}
