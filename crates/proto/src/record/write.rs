//! Writes a record without owning its parts: the same bytes as [`Record`](super::Record) in a
//! [`RecordBatch`](super::RecordBatch), but the session's id and a statement are not copied for it.

use prost::Message;

use super::{Body, Payload, Source, VerdictRecord};

/// A verdict, encoded once for all commands that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictHead {
    record: VerdictRecord,
    encoded: Vec<u8>,
}

impl VerdictHead {
    /// Takes a record without a statement.
    #[must_use]
    pub fn new(record: VerdictRecord) -> Self {
        let encoded = record.encode_to_vec();
        Self { record, encoded }
    }

    /// It.
    #[must_use]
    pub const fn record(&self) -> &VerdictRecord {
        &self.record
    }
}

/// What happened, as it is at hand.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// All of it.
    Body(&'a Body),
    /// A verdict, and the statement that it is about.
    Verdict(&'a VerdictHead, &'a str),
}

/// A record whose parts are somebody else's.
#[derive(Clone, Copy, Debug)]
pub struct RecordOf<'a> {
    /// The session.
    pub session: &'a str,
    /// Which filter speaks.
    pub source: Source,
    /// Its number, from 1.
    pub seq: u64,
    /// When it happened, in nanoseconds since 1970-01-01T00:00:00Z.
    pub time: u64,
    /// What happened.
    pub told: Told<'a>,
}

// The numbers of fields, see the messages themselves.
const RECORDS: u8 = 1;
const ENDED: u8 = 2;
const SESSION: u8 = 1;
const SOURCE: u8 = 2;
const SEQ: u8 = 3;
const TIME: u8 = 4;
const CLIENT: u8 = 12;
const SERVER: u8 = 13;
const VERDICT: u8 = 14;
const BYTES: u8 = 1;
const OMITTED: u8 = 2;
const STATEMENT: u8 = 8;

impl RecordOf<'_> {
    /// Adds the record to the encoding of a batch.
    pub fn write(&self, batch: &mut Vec<u8>) {
        let source = u64::from(i32::from(self.source).unsigned_abs());
        let head = bytes_length(self.session.as_bytes())
            + number_length(source)
            + number_length(self.seq)
            + number_length(self.time);
        let length = head + self.told.length();
        batch.reserve(length + 8);
        key(batch, RECORDS, 2);
        varint(batch, length as u64);
        bytes(batch, SESSION, self.session.as_bytes());
        number(batch, SOURCE, source);
        number(batch, SEQ, self.seq);
        number(batch, TIME, self.time);
        self.told.write(batch);
    }
}

/// Adds the end of a session to the encoding of a batch.
pub fn write_ended(batch: &mut Vec<u8>, session: &str) {
    bytes(batch, ENDED, session.as_bytes());
}

impl Told<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Body(Body::Client(payload) | Body::Server(payload)) => {
                field_length(payload_length(payload))
            }
            Self::Body(body) => body.encoded_len(),
            Self::Verdict(head, statement) => {
                field_length(head.encoded.len() + bytes_length(statement.as_bytes()))
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Body(Body::Client(it)) => payload(out, CLIENT, it),
            Self::Body(Body::Server(it)) => payload(out, SERVER, it),
            Self::Body(body) => body.encode(out),
            Self::Verdict(head, statement) => {
                key(out, VERDICT, 2);
                varint(out, (head.encoded.len() + bytes_length(statement.as_bytes())) as u64);
                out.extend_from_slice(&head.encoded);
                bytes(out, STATEMENT, statement.as_bytes());
            }
        }
    }
}

fn payload_length(payload: &Payload) -> usize {
    bytes_length(&payload.bytes) + number_length(payload.omitted)
}

fn payload(out: &mut Vec<u8>, field: u8, payload: &Payload) {
    key(out, field, 2);
    varint(out, payload_length(payload) as u64);
    bytes(out, BYTES, &payload.bytes);
    number(out, OMITTED, payload.omitted);
}

// === Fields. Their numbers are below 16, so that a key is one byte; what is empty or 0 is left out. ===

fn key(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    out.push((field << 3) | wire_type);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

const fn varint_length(value: u64) -> usize {
    // Seven bits a byte, and one byte for 0.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

const fn field_length(inner: usize) -> usize {
    1 + varint_length(inner as u64) + inner
}

const fn bytes_length(bytes: &[u8]) -> usize {
    if bytes.is_empty() { 0 } else { field_length(bytes.len()) }
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        key(out, field, 2);
        varint(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
}

const fn number_length(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_length(value) }
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        key(out, field, 0);
        varint(out, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Closed, Payload, Record, RecordBatch};
    use super::*;

    #[test]
    fn lengths_of_numbers() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(out.len(), varint_length(value), "{value}");
        }
    }

    #[test]
    fn writes_what_the_owned_message_would() {
        let verdict = VerdictRecord {
            decision: "allow".into(),
            reason: "SG000".into(),
            rule: "read".into(),
            policy: "ab".repeat(32),
            ..VerdictRecord::default()
        };
        let payload = Body::Client(Payload { bytes: vec![7; 300], omitted: 0 });
        let empty = Body::Server(Payload::default());
        let omitted = Body::Server(Payload { bytes: vec![1], omitted: 1 << 40 });
        let closed = Body::Closed(Closed { by: "client".into() });
        let head = VerdictHead::new(verdict.clone());
        let with = |statement: &str| VerdictRecord { statement: statement.to_owned(), ..verdict.clone() };
        let long = "x".repeat(200);
        let cases = [
            (Told::Body(&payload), payload.clone()),
            (Told::Body(&empty), empty.clone()),
            (Told::Body(&omitted), omitted.clone()),
            (Told::Body(&closed), closed.clone()),
            (Told::Verdict(&head, ""), Body::Verdict(with(""))),
            (Told::Verdict(&head, "select 1"), Body::Verdict(with("select 1"))),
            (Told::Verdict(&head, &long), Body::Verdict(with(&long))),
        ];
        let session = "s-1".to_owned();
        let (mut batch, mut records) = (Vec::new(), Vec::new());
        for (seq, (told, body)) in (0..).zip(cases) {
            RecordOf { session: &session, source: Source::Guard, seq, time: seq * 1_000, told }
                .write(&mut batch);
            let source = Source::Guard.into();
            records.push(Record {
                session: session.clone(),
                source,
                seq,
                time: seq * 1_000,
                body: Some(body),
            });
            assert_eq!(batch, RecordBatch { records: records.clone(), ended: Vec::new() }.encode_to_vec());
        }
    }
}
