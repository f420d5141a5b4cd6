//! The records of one batch, encoded.

use chaperone_proto::RecordOf;

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
}

impl Segment {
    pub(super) const fn new(since: u64) -> Self {
        Self { bytes: Vec::new(), records: 0, since, waiters: Vec::new() }
    }

    /// Adds a record; how many bytes it takes.
    pub(super) fn add(&mut self, record: &RecordOf<'_>, millis: u64, waiter: Option<Waiter>) -> usize {
        let before = self.bytes.len();
        record.write(&mut self.bytes);
        self.records += 1;
        self.waiters.extend(waiter.map(|waiter| (waiter, millis)));
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

    pub(super) fn into_waiters(self) -> Vec<Waiter> {
        self.waiters.into_iter().map(|(waiter, _)| waiter).collect()
    }

    /// Those who have waited for `most` milliseconds or longer; they wait no more.
    pub(super) fn overdue(&mut self, now: u64, most: u64) -> Vec<Waiter> {
        let late = self.waiters.iter().take_while(|(_, since)| now.saturating_sub(*since) >= most).count();
        self.waiters.drain(..late).map(|(waiter, _)| waiter).collect()
    }
}
