//! Protobuf messages: session records, annotations between filters, Envoy's `Struct` configuration.
//!
//! Written as Rust types with `prost`'s derive, so that no `protoc` is needed to build. Field numbers are the
//! contract: never reuse one.

mod envoy;
mod note;
mod record;
mod structure;

pub use envoy::{VerifySignatureArguments, VerifySignatureResult};
pub use note::{Finding, Note, NoteSet};
pub use record::{
    Approval, Authenticated, Body, Closed, Gap, Mark, Opened, Payload, RECORDER_HEADER, Record, RecordAck,
    RecordBatch, RecordOf, Source, Told, VerdictHead, VerdictRecord, write_ended,
};
pub use structure::struct_to_json;

pub use prost::Message;
