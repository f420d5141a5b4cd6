//! Gathers records of many sessions into batches, keeps each until the sidecar says that it is durable, and
//! counts what had to be dropped. Pure: the host sends what [`Recorder::poll`] gives and brings the outcome back.
//!
//! No session can push out the others' records: one may have at most as much waiting as is left for all. What says who
//! did what, and how it was decided, has room of its own beyond what was sent and shown.
//!
//! A record is encoded once, when it is added, into the batch that it will be sent in.

mod segment;
mod series;

use std::collections::VecDeque;

use chaperone_model::SessionId;
use chaperone_proto::{Body, Gap, Message, RecordBatch, RecordOf, Source, Told};

use crate::Now;
use segment::Segment;
use series::Numbers;

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
    /// Bytes beyond `bytes_most` for who it is, verdicts and approvals.
    pub deciding_bytes: usize,
    /// Bytes beyond those for how sessions end: that they do, and what of them was lost.
    pub ending_bytes: usize,
    /// While there are sessions, an empty batch is sent where there was none for so many milliseconds.
    pub silence: u64,
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
            deciding_bytes: 2 << 20,
            ending_bytes: 1 << 20,
            silence: 10_000,
            durable_within: 5_000,
        }
    }
}

impl RecorderLimits {
    /// The largest message that can be recorded whole, in bytes: as much as it takes is left for others.
    #[must_use]
    pub const fn whole_most(&self) -> usize {
        self.bytes_most.saturating_sub(MARGIN) / 2
    }
}

/// A batch to send as the body of one call: an encoded [`RecordBatch`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Batch<'a> {
    /// It.
    pub bytes: &'a [u8],
}

/// Who waits for a record to be durable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waiter {
    /// The connection.
    pub context: u32,
    /// Which of its records ([`Effect::RecordDurably`](crate::Effect::RecordDurably)).
    pub ticket: u64,
}

/// What the call under way carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sending {
    Nothing,
    /// The first segment.
    First,
    /// No records, so that the sidecar knows that the recorder is there.
    Beat,
}

/// Records of all sessions of one VM, on their way to the sidecar.
#[derive(Debug)]
pub struct Recorder {
    limits: RecorderLimits,
    /// Oldest first. INVARIANT: none is empty.
    segments: VecDeque<Segment>,
    bytes: usize,
    numbers: Numbers,
    sending: Sending,
    /// When a call was made last, in milliseconds.
    sent_at: u64,
    failures: u32,
    not_before: u64,
    dropped: u64,
}

impl Recorder {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new(limits: RecorderLimits) -> Self {
        Self {
            limits,
            segments: VecDeque::new(),
            bytes: 0,
            numbers: Numbers::default(),
            sending: Sending::Nothing,
            sent_at: 0,
            failures: 0,
            not_before: 0,
            dropped: 0,
        }
    }

    /// Takes a record. `waiter` is set where somebody waits for it to be durable; such a record is sent at once.
    ///
    /// Returns false where it was dropped because too much waits; nobody will be told of it then.
    pub fn add(
        &mut self,
        session: &SessionId,
        source: Source,
        now: Now,
        told: Told<'_>,
        waiter: Option<Waiter>,
    ) -> bool {
        let ends = matches!(told, Told::Body(Body::Closed(_)));
        let room = self.most_for(&told).saturating_sub(self.bytes);
        // Half of it is more than one session can have while it holds less.
        let takes_others_room =
            !ends && self.bytes >= self.limits.bytes_most / 2 && self.numbers.waiting(session) > room;
        // What is large counts before it is there: as much as it takes must be left behind it.
        let size = size_of_data(&told);
        let needed = || self.numbers.waiting(session).saturating_add(size.saturating_mul(2));
        let leaves_none = size > self.limits.batch_bytes && needed().saturating_add(MARGIN) > room;
        if room == 0 || takes_others_room || leaves_none {
            self.numbers.lose(session, source);
            self.dropped += 1;
            return false;
        }
        if ends || self.bytes < self.limits.bytes_most / 2 {
            self.tell_lost(session, source, now);
        }
        self.push(session, source, now, told, waiter);
        true
    }

    const fn most_for(&self, told: &Told<'_>) -> usize {
        match told {
            Told::Body(Body::Client(_) | Body::Server(_)) => self.limits.bytes_most,
            Told::Body(Body::Closed(_)) => self.most_at_the_end(),
            Told::Body(Body::Approval(_) | Body::Authenticated(_) | Body::Gap(_) | Body::Opened(_))
            | Told::Verdict(..)
            | Told::Body(Body::Verdict(_)) => {
                self.limits.bytes_most.saturating_add(self.limits.deciding_bytes)
            }
        }
    }

    const fn most_at_the_end(&self) -> usize {
        let limits = &self.limits;
        limits.bytes_most.saturating_add(limits.deciding_bytes).saturating_add(limits.ending_bytes)
    }

    fn tell_lost(&mut self, session: &SessionId, source: Source, now: Now) {
        let Some(lost) = self.numbers.take_lost(session, source) else { return };
        let all = [
            (lost.full, "the gateway's buffer of records was full"),
            (lost.refused, "the sidecar refused the records"),
        ];
        for (missing, why) in all.into_iter().filter(|(missing, _)| *missing > 0) {
            let gap = Gap { missing, why: why.to_owned() };
            self.push(session, source, now, Told::Body(&Body::Gap(gap)), None);
        }
    }

    fn push(
        &mut self,
        session: &SessionId,
        source: Source,
        now: Now,
        told: Told<'_>,
        waiter: Option<Waiter>,
    ) {
        let (seq, owner) = self.numbers.next(session, source);
        let record = RecordOf { session: session.as_str(), source, seq, time: now.unix_nanos, told };
        let add = |segment: &mut Segment| segment.add(&record, now.millis(), waiter, owner);
        self.bytes += self.write(now, add);
    }

    /// Adds to the last segment, or to a new one where that is full or under way.
    fn write(&mut self, now: Now, add: impl FnOnce(&mut Segment) -> usize) -> usize {
        let limits = self.limits;
        let open = usize::from(self.sending == Sending::First);
        let fits = |last: &&mut Segment| last.has_room(limits.batch_bytes, limits.batch_records);
        let segment = if self.segments.len() > open { self.segments.back_mut().filter(fits) } else { None };
        match segment {
            Some(segment) => add(segment),
            None => {
                let mut segment = Segment::new(now.millis());
                let added = add(&mut segment);
                self.segments.push_back(segment);
                added
            }
        }
    }

    /// The next batch, where one is due and none is under way.
    pub fn poll(&mut self, now: Now) -> Option<Batch<'_>> {
        let millis = now.millis();
        if self.is_sending() || millis < self.not_before {
            return None;
        }
        let urgent = self.is_urgent();
        let age = self.limits.batch_age;
        let bytes = match self.segments.front() {
            Some(first) if urgent || millis.saturating_sub(first.since()) >= age => first.bytes(),
            Some(_) => return None,
            None if self.numbers.is_empty() => return None,
            None if millis.saturating_sub(self.sent_at) < self.limits.silence => return None,
            None => &[],
        };
        self.sending = if bytes.is_empty() { Sending::Beat } else { Sending::First };
        self.sent_at = millis;
        Some(Batch { bytes })
    }

    /// The batch under way is durable. Returns the waiters that need wait no longer.
    pub fn durable(&mut self) -> Vec<Waiter> {
        self.failures = 0;
        self.not_before = 0;
        self.delivered().map(Segment::into_waiters).unwrap_or_default()
    }

    fn delivered(&mut self) -> Option<Segment> {
        if std::mem::replace(&mut self.sending, Sending::Nothing) != Sending::First {
            return None;
        }
        let segment = self.segments.pop_front()?;
        self.bytes = self.bytes.saturating_sub(segment.bytes().len());
        Some(segment)
    }

    /// The batch under way did not get through; it is sent again later. Whether it is the first in a row.
    pub fn failed(&mut self, now: Now) -> bool {
        self.sending = Sending::Nothing;
        let wait = self.limits.retry_after << self.failures.min(5);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.millis().saturating_add(wait);
        self.failures == 1
    }

    /// The sidecar will never take the batch under way (it said so): it is dropped and counted.
    pub fn refused(&mut self) -> Vec<Waiter> {
        if let Some(first) = self.segments.front().filter(|_| self.sending == Sending::First) {
            self.dropped += first.records() as u64;
            let batch = RecordBatch::decode(first.bytes()).unwrap_or_default();
            for record in batch.records {
                let source = record.source();
                self.numbers.refused(&SessionId(record.session), source);
            }
        }
        self.durable()
    }

    /// The reply to the batch under way will never come: it is sent again at the next occasion.
    pub const fn orphaned(&mut self) {
        self.sending = Sending::Nothing;
    }

    /// Waiters whose records are not durable in time. The records themselves are still sent.
    pub fn overdue(&mut self, now: Now) -> Vec<Waiter> {
        let (now, most) = (now.millis(), self.limits.durable_within);
        self.segments.iter_mut().flat_map(|segment| segment.overdue(now, most)).collect()
    }

    /// A session is over: what was lost of it is told, and its numbers are not needed any more.
    pub fn end(&mut self, session: &SessionId, now: Now) {
        for source in self.numbers.with_losses(session) {
            if self.bytes < self.most_at_the_end() {
                self.tell_lost(session, source, now);
            }
        }
        if self.numbers.end(session) && self.bytes < self.most_at_the_end() {
            self.bytes += self.write(now, |segment| segment.end(session.as_str()));
        }
    }

    /// Whether there is something that should not wait for its age.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        let full = |first: &Segment| !first.has_room(self.limits.batch_bytes, self.limits.batch_records);
        let waits = self.segments.iter().any(Segment::is_waited_for);
        !self.is_sending() && (waits || self.segments.front().is_some_and(full))
    }

    /// How many records were dropped so far.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many records wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.segments.iter().map(Segment::records).sum()
    }

    /// Whether a call is under way.
    #[must_use]
    pub const fn is_sending(&self) -> bool {
        !matches!(self.sending, Sending::Nothing)
    }
}

/// What stands beside a large record, in bytes: the rest of its batch must have its place in the half that is its own.
const MARGIN: usize = 256 << 10;

/// Bytes of what was sent or shown.
fn size_of_data(told: &Told<'_>) -> usize {
    match told {
        Told::Body(Body::Client(payload) | Body::Server(payload)) => payload.bytes.len(),
        Told::Body(_) | Told::Verdict(..) => 0,
    }
}

#[cfg(test)]
mod tests;
