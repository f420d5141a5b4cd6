//! Gathers records of many sessions into batches, keeps each until the sidecar says that it is durable, and
//! counts what had to be dropped. Pure: the host sends what [`Recorder::poll`] gives and brings the outcome back.

use std::collections::{HashMap, VecDeque};

use chaperone_model::SessionId;
use chaperone_proto::{Body, Gap, Message, Record, RecordBatch, Source};

use crate::Now;

/// What a recorder may hold and how long it may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecorderLimits {
    /// Bytes of records that wait, sent and unsent. Beyond it records are dropped and counted.
    pub bytes_most: usize,
    /// A batch is sent when it has this many bytes …
    pub batch_bytes: usize,
    /// … or this many records …
    pub batch_records: usize,
    /// … or when its oldest record has waited so long, in milliseconds.
    pub batch_age: u64,
    /// Milliseconds between attempts, at first; doubled up to 32 times this.
    pub retry_after: u64,
    /// Milliseconds after which somebody who waits for a record to be durable is told that it is not.
    pub durable_within: u64,
}

impl Default for RecorderLimits {
    fn default() -> Self {
        Self {
            bytes_most: 16 << 20,
            batch_bytes: 256 << 10,
            batch_records: 2_000,
            batch_age: 100,
            retry_after: 250,
            durable_within: 5_000,
        }
    }
}

/// A batch to send as the body of one call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// The encoded [`RecordBatch`].
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
struct Pending {
    record: Record,
    cost: usize,
    since: u64,
    /// Which durable wait this ends: the context of the session, as the host knows it.
    waiter: Option<u32>,
}

/// The next number of a session's source, and what was lost since the last record that got through.
#[derive(Debug, Default)]
struct Series {
    next: u64,
    lost: u64,
}

/// Records of all sessions of one VM, on their way to the sidecar.
#[derive(Debug)]
pub struct Recorder {
    limits: RecorderLimits,
    queue: VecDeque<Pending>,
    bytes: usize,
    series: HashMap<(SessionId, Source), Series>,
    /// How many records at the front of the queue are in the call under way.
    in_flight: usize,
    failures: u32,
    not_before: u64,
    urgent: bool,
    dropped: u64,
}

impl Recorder {
    /// A record to which this many bytes were joined takes no more.
    const JOIN_MOST: usize = 64 << 10;

    /// Nothing recorded yet.
    #[must_use]
    pub fn new(limits: RecorderLimits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            bytes: 0,
            series: HashMap::new(),
            in_flight: 0,
            failures: 0,
            not_before: 0,
            urgent: false,
            dropped: 0,
        }
    }

    /// Takes a record. `waiter` is set where somebody waits for it to be durable; such a record is sent at once.
    ///
    /// Returns false where it was dropped because too much waits.
    pub fn add(
        &mut self,
        session: &SessionId,
        source: Source,
        now: Now,
        body: Body,
        waiter: Option<u32>,
    ) -> bool {
        let ends = matches!(body, Body::Closed(_));
        if self.joins(session, source, now, &body, waiter) {
            return true;
        }
        let series = self.series.entry((session.clone(), source)).or_default();
        if series.lost > 0 && self.bytes < self.limits.bytes_most / 2 {
            let gap =
                Gap { missing: series.lost, why: "the gateway's buffer of records was full".to_owned() };
            series.lost = 0;
            self.push(session, source, now, Body::Gap(gap), None);
        }
        let full = self.bytes >= self.limits.bytes_most;
        if full && !ends {
            let series = self.series.entry((session.clone(), source)).or_default();
            // The number is used up, so that the hole is seen even if the session ends before room is found.
            series.next += 1;
            series.lost += 1;
            self.dropped += 1;
            return false;
        }
        self.push(session, source, now, body, waiter);
        if ends {
            self.series.retain(|(id, of), _| !(id == session && *of == source));
        }
        true
    }

    /// What one event brings in several messages of one direction becomes one record.
    fn joins(
        &mut self,
        session: &SessionId,
        source: Source,
        now: Now,
        body: &Body,
        waiter: Option<u32>,
    ) -> bool {
        if waiter.is_some() || self.queue.len() <= self.in_flight || self.bytes >= self.limits.bytes_most {
            return false;
        }
        // Between two messages of one event another filter may have recorded its verdict.
        let fresh = self.queue.len() - self.in_flight;
        let of_source = |pending: &&mut Pending| {
            pending.record.source == i32::from(source) && pending.record.session == session.0
        };
        let Some(last) = self.queue.iter_mut().rev().take(fresh.min(4)).find(of_source) else { return false };
        let record = &mut last.record;
        let same = last.waiter.is_none() && record.time == now.unix_nanos && last.cost < Self::JOIN_MOST;
        let ((Some(Body::Client(into)), Body::Client(more)) | (Some(Body::Server(into)), Body::Server(more))) =
            (&mut record.body, body)
        else {
            return false;
        };
        if same {
            into.bytes.extend_from_slice(&more.bytes);
            into.omitted += more.omitted;
            last.cost += more.bytes.len();
            self.bytes += more.bytes.len();
        }
        same
    }

    fn push(&mut self, session: &SessionId, source: Source, now: Now, body: Body, waiter: Option<u32>) {
        let series = self.series.entry((session.clone(), source)).or_default();
        series.next += 1;
        let record = Record {
            session: session.0.clone(),
            source: source.into(),
            seq: series.next,
            time: now.unix_nanos,
            body: Some(body),
        };
        let cost = record.encoded_len() + 64;
        self.bytes += cost;
        self.urgent |= waiter.is_some();
        self.queue.push_back(Pending { record, cost, since: now.millis(), waiter });
    }

    /// The next batch, where one is due and none is under way.
    pub fn poll(&mut self, now: Now) -> Option<Batch> {
        let millis = now.millis();
        if self.in_flight > 0 || millis < self.not_before {
            return None;
        }
        let oldest = self.queue.front()?.since;
        let due = self.urgent
            || self.bytes >= self.limits.batch_bytes
            || self.queue.len() >= self.limits.batch_records
            || millis.saturating_sub(oldest) >= self.limits.batch_age;
        if !due {
            return None;
        }
        let mut records = Vec::new();
        let mut size = 0;
        for pending in &self.queue {
            if records.len() >= self.limits.batch_records
                || (size > 0 && size + pending.cost > self.limits.batch_bytes * 4)
            {
                break;
            }
            size += pending.cost;
            records.push(pending.record.clone());
        }
        self.in_flight = records.len();
        Some(Batch { bytes: RecordBatch { records }.encode_to_vec() })
    }

    /// The batch under way is durable. Returns the waiters that need wait no longer.
    pub fn durable(&mut self) -> Vec<u32> {
        let mut waiters = Vec::new();
        for _ in 0..std::mem::take(&mut self.in_flight) {
            let Some(pending) = self.queue.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(pending.cost);
            waiters.extend(pending.waiter);
        }
        self.failures = 0;
        self.not_before = 0;
        self.urgent = self.queue.iter().any(|pending| pending.waiter.is_some());
        waiters
    }

    /// The batch under way did not get through; it is sent again later.
    pub fn failed(&mut self, now: Now) {
        self.in_flight = 0;
        let wait = self.limits.retry_after << self.failures.min(5);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.millis().saturating_add(wait);
    }

    /// The sidecar will never take the batch under way (it said so): it is dropped and counted.
    pub fn refused(&mut self) -> Vec<u32> {
        self.dropped += self.in_flight as u64;
        self.durable()
    }

    /// The reply to the batch under way will never come: it is sent again at the next occasion.
    pub const fn orphaned(&mut self) {
        self.in_flight = 0;
    }

    /// Waiters whose records are not durable in time. The records themselves are still sent.
    pub fn overdue(&mut self, now: Now) -> Vec<u32> {
        let limit = self.limits.durable_within;
        let late =
            self.queue.iter_mut().take_while(|pending| now.millis().saturating_sub(pending.since) >= limit);
        late.filter_map(|pending| pending.waiter.take()).collect()
    }

    /// A session is over: its numbers are not needed any more.
    pub fn end(&mut self, session: &SessionId) {
        self.series.retain(|(id, _), _| id != session);
    }

    /// Whether there is something that should not wait for its age.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.in_flight == 0 && (self.urgent || self.bytes >= self.limits.batch_bytes)
    }

    /// How many records were dropped so far.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many records wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether a call is under way.
    #[must_use]
    pub const fn is_sending(&self) -> bool {
        self.in_flight > 0
    }
}

#[cfg(test)]
mod tests {
    use chaperone_proto::{Closed, Payload};

    use super::*;

    fn at(millis: u64) -> Now {
        Now { unix_nanos: millis * 1_000_000 }
    }

    fn body(size: usize) -> Body {
        Body::Client(Payload { bytes: vec![b'x'; size], omitted: 0 })
    }

    fn records(batch: &Batch) -> Vec<Record> {
        RecordBatch::decode(batch.bytes.as_slice()).unwrap().records
    }

    fn id() -> SessionId {
        SessionId("s-1".into())
    }

    #[test]
    fn waits_for_age_and_sends_one_batch_at_a_time() {
        let mut it = Recorder::new(RecorderLimits::default());
        it.add(&id(), Source::Tap, at(0), body(3), None);
        assert_eq!(it.poll(at(50)), None);
        let batch = it.poll(at(100)).unwrap();
        assert_eq!(records(&batch)[0].seq, 1);
        it.add(&id(), Source::Tap, at(101), body(3), None);
        assert_eq!(it.poll(at(500)), None, "one is under way");
        assert!(it.durable().is_empty());
        assert_eq!(records(&it.poll(at(500)).unwrap())[0].seq, 2);
    }

    #[test]
    fn a_failed_batch_is_sent_again_with_the_same_numbers() {
        let mut it = Recorder::new(RecorderLimits::default());
        it.add(&id(), Source::Tap, at(0), body(3), Some(7));
        let first = it.poll(at(0)).unwrap();
        it.failed(at(0));
        assert_eq!(it.poll(at(249)), None);
        assert_eq!(it.poll(at(250)), Some(first));
        it.failed(at(250));
        assert_eq!(it.poll(at(600)), None, "waits longer each time");
        it.poll(at(750)).unwrap();
        assert_eq!(it.durable(), [7]);
        assert_eq!(it.waiting(), 0);
    }

    #[test]
    fn overflow_is_counted_and_marked_in_the_recording() {
        let limits = RecorderLimits { bytes_most: 1000, ..RecorderLimits::default() };
        let mut it = Recorder::new(limits);
        assert!(it.add(&id(), Source::Tap, at(0), body(2000), None));
        assert!(!it.add(&id(), Source::Tap, at(0), body(1), None));
        assert!(!it.add(&id(), Source::Tap, at(0), body(1), None));
        assert_eq!(it.dropped(), 2);
        it.poll(at(1000)).unwrap();
        it.durable();
        it.add(&id(), Source::Tap, at(1001), body(1), None);
        let records = records(&it.poll(at(2000)).unwrap());
        assert_eq!(records[0].seq, 4, "2 and 3 are missing and seen to be");
        assert_eq!(
            records[0].body,
            Some(Body::Gap(Gap { missing: 2, why: "the gateway's buffer of records was full".into() }))
        );
        assert_eq!(records[1].seq, 5);
    }

    #[test]
    fn messages_of_one_event_become_one_record() {
        let mut it = Recorder::new(RecorderLimits::default());
        it.add(&id(), Source::Tap, at(0), body(3), None);
        it.add(&id(), Source::Tap, at(0), body(4), None);
        it.add(&id(), Source::Tap, at(1), body(5), None);
        let records = records(&it.poll(at(1000)).unwrap());
        let sizes: Vec<_> = records
            .iter()
            .map(|record| match &record.body {
                Some(Body::Client(payload)) => payload.bytes.len(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(sizes, [7, 5]);
        it.add(&id(), Source::Tap, at(1), body(5), None);
        it.durable();
        assert_eq!(it.waiting(), 1, "what is under way takes no more");
    }

    #[test]
    fn who_waits_too_long_is_told_once() {
        let mut it = Recorder::new(RecorderLimits::default());
        it.add(&id(), Source::Tap, at(0), body(3), Some(1));
        it.add(&id(), Source::Tap, at(1), body(3), Some(1));
        assert!(it.overdue(at(4_999)).is_empty());
        assert_eq!(it.overdue(at(5_000)), [1]);
        assert_eq!(it.overdue(at(9_000)), [1]);
        assert!(it.overdue(at(9_000)).is_empty());
        assert!(it.poll(at(9_000)).is_some());
        assert!(it.durable().is_empty());
    }

    #[test]
    fn the_end_of_a_session_frees_its_numbers_and_is_never_dropped() {
        let limits = RecorderLimits { bytes_most: 10, ..RecorderLimits::default() };
        let mut it = Recorder::new(limits);
        it.add(&id(), Source::Tap, at(0), body(20), None);
        assert!(it.add(&id(), Source::Tap, at(0), Body::Closed(Closed { by: "client".into() }), None));
        assert!(it.series.is_empty());
    }
}
