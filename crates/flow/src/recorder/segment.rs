//! The records of one batch, encoded.

use std::cell::Cell;
use std::rc::Rc;

use chaperone_proto::{RecordOf, write_ended};

use super::Waiter;

/// Records in the order in which they came.
#[derive(Debug)]
pub(super) struct Segment {
    bytes: Vec<u8>,
    records: usize,
    /// Milliseconds: when the first of them came.
    since: u64,
    /// Who waits for one of them to be durable, and since when.
    waiters: Vec<(Waiter, u64)>,
    /// Whose bytes these are.
    owners: Vec<(Waiting, usize)>,
}

/// How many bytes of one session wait, in all segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Rc<Cell<usize>>);

impl Waiting {
    pub(super) fn bytes(&self) -> usize {
        self.0.get()
    }
}

impl Segment {
    pub(super) const fn new(since: u64) -> Self {
        Self { bytes: Vec::new(), records: 0, since, waiters: Vec::new(), owners: Vec::new() }
    }

    /// Adds a record; how many bytes it takes.
    pub(super) fn add(
        &mut self,
        record: &RecordOf<'_>,
        millis: u64,
        waiter: Option<Waiter>,
        owner: Waiting,
    ) -> usize {
        let before = self.bytes.len();
        record.write(&mut self.bytes);
        self.records += 1;
        self.waiters.extend(waiter.map(|waiter| (waiter, millis)));
        let added = self.bytes.len() - before;
        owner.0.set(owner.0.get().saturating_add(added));
        match self.owners.last_mut().filter(|(last, _)| Rc::ptr_eq(&last.0, &owner.0)) {
            Some((_, bytes)) => *bytes += added,
            None => self.owners.push((owner, added)),
        }
        added
    }

    /// Tells that nothing more of a session will come; how many bytes that takes.
    pub(super) fn end(&mut self, session: &str) -> usize {
        let before = self.bytes.len();
        write_ended(&mut self.bytes, session);
        self.bytes.len() - before
    }

    pub(super) fn has_room(&self, bytes_most: usize, records_most: usize) -> bool {
        self.bytes.len() < bytes_most && self.records < records_most
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn records(&self) -> usize {
        self.records
    }

    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// It waits no more. Whoever waited for one of its records.
    pub(super) fn into_waiters(self) -> Vec<Waiter> {
        for (Waiting(owner), bytes) in &self.owners {
            owner.set(owner.get().saturating_sub(*bytes));
        }
        self.waiters.into_iter().map(|(waiter, _)| waiter).collect()
    }

    /// Those who have waited for `most` milliseconds or longer; they wait no more.
    pub(super) fn overdue(&mut self, now: u64, most: u64) -> Vec<Waiter> {
        let late = self.waiters.iter().take_while(|(_, since)| now.saturating_sub(*since) >= most).count();
        self.waiters.drain(..late).map(|(waiter, _)| waiter).collect()
    }
}
