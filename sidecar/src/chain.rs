//! The hash chain of one session, and its check.
//!
//! Every stored record carries `SHA-256(previous hash ‖ record)`; the first one's previous hash is the digest of
//! the session's id. The session keeps the number of its records and the last hash, so that a record that
//! was altered, taken out, moved, or cut off the end is found. Whoever can rewrite the whole store can also
//! rewrite the chain: keep a session's head elsewhere if that is your worry.

mod report;

#[cfg(test)]
mod tests;

pub(crate) use report::{Fault, Hole, Report};

use std::collections::BTreeMap;

use chaperone_model::{Digest, SessionId};
use chaperone_proto::{Body, Message, Record, Source};
use sha2::{Digest as _, Sha256};

/// One stored record.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// 1, 2, 3 … in the order of storing.
    pub(crate) position: u64,
    /// Which filter spoke, as the index has it.
    pub(crate) source: i32,
    /// Its number, as the index has it.
    pub(crate) seq: u64,
    /// The stored hash.
    pub(crate) hash: Digest,
    /// The record as it was received.
    pub(crate) body: Vec<u8>,
}

/// Where a session's chain ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    /// How many records there are.
    pub(crate) records: u64,
    /// The last one's hash.
    pub(crate) hash: Digest,
}

/// Reads the records of one session in order and collects what is wrong.
#[derive(Debug)]
pub(crate) struct Verifier {
    session: SessionId,
    previous: Digest,
    position: u64,
    seen: BTreeMap<i32, Vec<u64>>,
    report: Report,
}

/// The hash before the first record.
pub(crate) fn genesis(session: &SessionId) -> Digest {
    Digest(Sha256::digest(session.as_str().as_bytes()).into())
}

/// The hash of a record that follows `previous`.
pub(crate) fn next(previous: Digest, body: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update(previous.0).chain_update(body).finalize().into())
}

/// The name of a source, for people.
pub(crate) fn source_name(source: i32) -> &'static str {
    match Source::try_from(source) {
        Ok(Source::Guard) => "sql-guard",
        Ok(Source::Hold) => "approval-hold",
        Ok(Source::Identity) => "identity",
        Ok(Source::Masking) => "response-masking",
        Ok(Source::Tap) => "session-tap",
        Ok(Source::Unspecified) | Err(_) => "unknown",
    }
}

// === impl Verifier ===

impl Verifier {
    /// Begins with a session's first record.
    pub(crate) fn new(session: SessionId) -> Self {
        let previous = genesis(&session);
        Self { session, previous, position: 0, seen: BTreeMap::new(), report: Report::default() }
    }

    /// Takes the next record, and gives it back as far as it can be read.
    pub(crate) fn push(&mut self, link: &Link) -> Option<Record> {
        let expected = self.position.saturating_add(1);
        if link.position != expected {
            self.fault(Fault::Removed { first: expected, last: link.position.saturating_sub(1) });
        } else if next(self.previous, &link.body) != link.hash {
            self.fault(Fault::Altered { position: link.position, source: link.source, seq: link.seq });
        }
        // Go on from the stored hash, so that one fault does not accuse every record after it.
        self.previous = link.hash;
        self.position = link.position;
        self.report.records = self.report.records.saturating_add(1);
        self.seen.entry(link.source).or_default().push(link.seq);
        let record = Record::decode(link.body.as_slice()).ok();
        match &record {
            Some(record) => self.read(link, record),
            None => self.fault(Fault::Unreadable { position: link.position }),
        }
        record
    }

    fn read(&mut self, link: &Link, record: &Record) {
        let filed = (self.session.as_str(), link.source, link.seq);
        if (record.session.as_str(), record.source, record.seq) != filed {
            self.fault(Fault::Misfiled { position: link.position });
        }
        match &record.body {
            Some(Body::Gap(gap)) => {
                self.fault(Fault::Lost { missing: gap.missing, why: gap.why.clone() });
            }
            Some(Body::Client(payload) | Body::Server(payload)) => {
                self.report.omitted = self.report.omitted.saturating_add(payload.omitted);
            }
            Some(Body::Closed(_)) => self.report.closed = true,
            Some(Body::Approval(_) | Body::Authenticated(_) | Body::Opened(_) | Body::Verdict(_)) | None => {}
        }
    }

    /// What was found, once there are no more records and the session's head is known.
    pub(crate) fn finish(mut self, head: Head) -> Report {
        if self.position < head.records {
            self.fault(Fault::Removed { first: self.position.saturating_add(1), last: head.records });
        } else if self.position > head.records {
            self.fault(Fault::Added { first: head.records.saturating_add(1), last: self.position });
        } else if self.previous != head.hash {
            self.fault(Fault::Head);
        }
        for (source, mut numbers) in std::mem::take(&mut self.seen) {
            numbers.sort_unstable();
            for hole in holes(source, &numbers) {
                self.fault(Fault::Hole(hole));
            }
        }
        self.report
    }

    fn fault(&mut self, fault: Fault) {
        self.report.add(fault);
    }
}

/// The numbers that are missing below the highest of `sorted`.
pub(crate) fn holes(source: i32, sorted: &[u64]) -> Vec<Hole> {
    let mut expected = 1_u64;
    let mut holes = Vec::new();
    for number in sorted {
        if *number > expected {
            holes.push(Hole { source, first: expected, last: number.saturating_sub(1) });
        }
        expected = number.saturating_add(1);
    }
    holes
}
