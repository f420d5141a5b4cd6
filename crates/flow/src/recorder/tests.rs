//! What a recorder promises.

use chaperone_proto::{Closed, Payload, Record};

use super::*;

fn at(millis: u64) -> Now {
    Now { unix_nanos: millis * 1_000_000 }
}

fn body(size: usize) -> Body {
    Body::Client(Payload { bytes: vec![b'x'; size], omitted: 0 })
}

fn records(batch: Batch<'_>) -> Vec<Record> {
    RecordBatch::decode(batch.bytes).unwrap().records
}

fn waiter(ticket: u64) -> Waiter {
    Waiter { context: 3, ticket }
}

fn id() -> SessionId {
    SessionId("s-1".into())
}

#[test]
fn waits_for_age_and_sends_one_batch_at_a_time() {
    let mut it = Recorder::new(RecorderLimits::default());
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(3)), None);
    assert_eq!(it.poll(at(50)), None);
    let batch = it.poll(at(100)).unwrap();
    assert_eq!(records(batch)[0].seq, 1);
    it.add(&id(), Source::Tap, at(101), Told::Body(&body(3)), None);
    assert_eq!(it.poll(at(500)), None, "one is under way");
    assert!(it.durable().is_empty());
    assert_eq!(records(it.poll(at(500)).unwrap())[0].seq, 2);
}

#[test]
fn a_failed_batch_is_sent_again_with_the_same_numbers() {
    let mut it = Recorder::new(RecorderLimits::default());
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(3)), Some(waiter(7)));
    let first = it.poll(at(0)).unwrap().bytes.to_vec();
    it.failed(at(0));
    assert_eq!(it.poll(at(249)), None);
    assert_eq!(it.poll(at(250)).unwrap().bytes, first);
    it.failed(at(250));
    assert_eq!(it.poll(at(600)), None, "waits longer each time");
    it.poll(at(750)).unwrap();
    assert_eq!(it.durable(), [waiter(7)]);
    assert_eq!(it.waiting(), 0);
}

#[test]
fn overflow_is_counted_and_marked_in_the_recording() {
    let limits = RecorderLimits { bytes_most: 1000, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    assert!(it.add(&id(), Source::Tap, at(0), Told::Body(&body(2000)), None));
    assert!(!it.add(&id(), Source::Tap, at(0), Told::Body(&body(1)), None));
    assert!(
        !it.add(&id(), Source::Tap, at(0), Told::Body(&body(1)), Some(waiter(1))),
        "the caller must tell"
    );
    assert_eq!(it.dropped(), 2);
    it.poll(at(1000)).unwrap();
    assert!(it.durable().is_empty());
    it.add(&id(), Source::Tap, at(1001), Told::Body(&body(1)), None);
    let records = records(it.poll(at(2000)).unwrap());
    assert_eq!(records[0].seq, 4, "2 and 3 are missing and seen to be");
    assert_eq!(
        records[0].body,
        Some(Body::Gap(Gap { missing: 2, why: "the gateway's buffer of records was full".into() }))
    );
    assert_eq!(records[1].seq, 5);
}

#[test]
fn what_is_under_way_takes_no_more_and_batches_are_bounded() {
    let limits = RecorderLimits { batch_bytes: 1_000, batch_records: 5, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(3)), None);
    let first = it.poll(at(100)).unwrap().bytes.len();
    for _ in 0..7 {
        it.add(&id(), Source::Tap, at(100), Told::Body(&body(3)), None);
    }
    assert_eq!(it.waiting(), 8);
    it.failed(at(100));
    assert_eq!(it.poll(at(1_000)).unwrap().bytes.len(), first);
    it.durable();
    assert_eq!(records(it.poll(at(1_000)).unwrap()).len(), 5, "so many make a batch");
    it.durable();
    assert_eq!(it.poll(at(150)), None, "the rest waits for its age");
    for size in [900, 900, 3] {
        it.add(&id(), Source::Tap, at(160), Told::Body(&body(size)), None);
    }
    assert!(it.is_urgent());
    assert_eq!(records(it.poll(at(160)).unwrap()).len(), 4, "a record is never cut");
}

#[test]
fn who_waits_too_long_is_told_once() {
    let mut it = Recorder::new(RecorderLimits::default());
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(3)), Some(waiter(1)));
    it.add(&id(), Source::Tap, at(1), Told::Body(&body(3)), Some(waiter(2)));
    assert!(it.overdue(at(4_999)).is_empty());
    assert_eq!(it.overdue(at(5_000)), [waiter(1)]);
    assert_eq!(it.overdue(at(9_000)), [waiter(2)]);
    assert!(it.overdue(at(9_000)).is_empty());
    assert!(it.poll(at(9_000)).is_some());
    assert!(it.durable().is_empty());
}

#[test]
fn the_end_of_a_session_frees_its_numbers_and_is_never_dropped() {
    let limits = RecorderLimits { bytes_most: 10, deciding_bytes: 0, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(20)), None);
    assert!(it.add(
        &id(),
        Source::Tap,
        at(0),
        Told::Body(&Body::Closed(Closed { by: "client".into() })),
        None
    ));
    it.end(&id(), at(0));
    assert!(it.numbers.is_empty());
}

#[test]
fn what_is_lost_at_the_end_is_told() {
    let limits = RecorderLimits { bytes_most: 100, batch_records: 3, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    it.add(&id(), Source::Guard, at(0), Told::Body(&body(3)), None);
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(200)), None);
    for source in [Source::Guard, Source::Guard, Source::Tap] {
        assert!(!it.add(&id(), source, at(0), Told::Body(&body(3)), None));
    }
    let closed = Body::Closed(Closed { by: "client".into() });
    assert!(it.add(&id(), Source::Tap, at(1), Told::Body(&closed), None));
    it.end(&id(), at(1));
    assert!(it.numbers.is_empty());
    let mut told = Vec::new();
    while let Some(batch) = it.poll(at(1_000)) {
        told.extend(
            records(batch).into_iter().map(|record| (record.source(), record.seq, record.body.unwrap())),
        );
        it.durable();
    }
    let gap = |missing| Body::Gap(Gap { missing, why: "the gateway's buffer of records was full".into() });
    let told: Vec<_> = told.into_iter().skip(2).collect();
    assert_eq!(
        told,
        [(Source::Tap, 3, gap(1)), (Source::Tap, 4, closed), (Source::Guard, 4, gap(2))],
        "numbers 2 and 3 of the guard, and 2 of the tap, are missing"
    );
}

#[test]
fn what_the_sidecar_refuses_is_a_gap() {
    let mut it = Recorder::new(RecorderLimits::default());
    for _ in 0..2 {
        it.add(&id(), Source::Tap, at(0), Told::Body(&body(3)), None);
    }
    it.add(&SessionId("s-2".into()), Source::Guard, at(0), Told::Body(&body(3)), Some(waiter(1)));
    it.end(&SessionId("s-2".into()), at(0));
    assert!(it.poll(at(100)).is_some());
    assert_eq!(it.refused(), [waiter(1)]);
    assert_eq!(it.dropped(), 3);
    it.add(&id(), Source::Tap, at(200), Told::Body(&body(3)), None);
    let told = records(it.poll(at(300)).unwrap());
    let gap = Gap { missing: 2, why: "the sidecar refused the records".into() };
    assert_eq!((told[0].seq, told[0].body.clone()), (3, Some(Body::Gap(gap))));
    assert_eq!(told[1].seq, 4);
    it.durable();
    assert!(it.poll(at(1_000)).is_none(), "nothing is told of a session that is over");
}

#[test]
fn how_sessions_end_is_bounded_too() {
    let limits = RecorderLimits {
        bytes_most: 10,
        deciding_bytes: 0,
        ending_bytes: 1_000,
        ..RecorderLimits::default()
    };
    let mut it = Recorder::new(limits);
    it.add(&id(), Source::Tap, at(0), Told::Body(&body(20)), None);
    let mut added = 0;
    for number in 0..1_000 {
        let id = SessionId(format!("s-{number}"));
        let closed = Body::Closed(Closed { by: "client".into() });
        added += usize::from(it.add(&id, Source::Tap, at(0), Told::Body(&closed), None));
        it.end(&id, at(0));
    }
    assert!((10..100).contains(&added), "{added}");
    assert!(it.bytes < 1_200 && it.numbers.is_empty());
    assert_eq!(it.dropped(), 1_000 - added as u64);
}

#[test]
fn a_session_that_floods_pushes_out_its_own_records() {
    let limits = RecorderLimits { bytes_most: 100_000, deciding_bytes: 20_000, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    let other = SessionId("s-2".into());
    let verdict = Body::Verdict(chaperone_proto::VerdictRecord::default());
    for _ in 0..1_000 {
        it.add(&id(), Source::Tap, at(0), Told::Body(&body(500)), None);
        it.add(&id(), Source::Guard, at(0), Told::Body(&verdict), None);
    }
    assert!(it.dropped() > 0 && it.bytes < 61_000, "half of it is left: {}", it.bytes);
    for _ in 0..30 {
        assert!(it.add(&other, Source::Tap, at(0), Told::Body(&body(500)), None));
    }
    while it.poll(at(1_000)).is_some() {
        it.durable();
    }
    assert_eq!((it.bytes, it.numbers.waiting(&id()), it.numbers.waiting(&other)), (0, 0, 0));
    assert!(it.add(&id(), Source::Tap, at(2_000), Told::Body(&body(500)), None));
}

#[test]
fn who_did_what_has_room_of_its_own() {
    let limits = RecorderLimits { bytes_most: 100_000, deciding_bytes: 20_000, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    for number in 0..100 {
        let flood = SessionId(format!("f-{number}"));
        while it.add(&flood, Source::Tap, at(0), Told::Body(&body(1_000)), None) {}
    }
    assert!(!it.add(&id(), Source::Tap, at(0), Told::Body(&body(1_000)), None));
    let who = Body::Authenticated(chaperone_proto::Authenticated::default());
    assert!(it.add(&id(), Source::Identity, at(0), Told::Body(&who), None));
    let verdict = Body::Verdict(chaperone_proto::VerdictRecord::default());
    assert!(it.add(&id(), Source::Guard, at(0), Told::Body(&verdict), None));
    for _ in 0..1_000 {
        it.add(&SessionId("f-1".into()), Source::Guard, at(0), Told::Body(&verdict), None);
    }
    assert!(it.add(&id(), Source::Guard, at(0), Told::Body(&verdict), None), "not even by its own verdicts");
}

#[test]
fn the_end_of_a_session_is_told_behind_its_records() {
    let mut it = Recorder::new(RecorderLimits::default());
    it.add(&id(), Source::Guard, at(0), Told::Body(&body(3)), None);
    it.end(&id(), at(1));
    it.end(&id(), at(2));
    let batch = RecordBatch::decode(it.poll(at(100)).unwrap().bytes).unwrap();
    assert_eq!((batch.records.len(), batch.ended), (1, vec!["s-1".to_owned()]));
}

#[test]
fn a_recorder_with_sessions_is_never_silent() {
    let mut it = Recorder::new(RecorderLimits::default());
    assert_eq!(it.poll(at(20_000)), None, "there are no sessions");
    it.add(&id(), Source::Tap, at(20_000), Told::Body(&body(3)), None);
    assert!(it.poll(at(20_100)).is_some());
    it.durable();
    assert_eq!(it.poll(at(30_099)), None);
    assert_eq!(it.poll(at(30_100)), Some(Batch { bytes: &[] }));
    // What comes while it is under way is not lost with it.
    it.add(&id(), Source::Tap, at(30_101), Told::Body(&body(3)), None);
    it.durable();
    assert_eq!(records(it.poll(at(30_201)).unwrap()).len(), 1);
    it.durable();
    it.end(&id(), at(30_300));
    assert!(it.poll(at(30_400)).is_some());
    it.durable();
    assert_eq!(it.poll(at(90_000)), None);
}

#[test]
fn one_large_record_leaves_as_much_room_as_it_takes() {
    let limits = RecorderLimits { bytes_most: 16 << 20, ..RecorderLimits::default() };
    let mut it = Recorder::new(limits);
    let add = |it: &mut Recorder, session: &str, size: usize| {
        it.add(&SessionId(session.into()), Source::Tap, at(0), Told::Body(&body(size)), None)
    };
    assert!(!add(&mut it, "s-1", 9 << 20), "more than half");
    assert!(add(&mut it, "s-1", 7 << 20));
    assert!(!add(&mut it, "s-1", 7 << 20), "once");
    assert!(!add(&mut it, "s-2", 7 << 20), "what is left is not for one alone either");
    assert!(add(&mut it, "s-2", 4 << 20));
    for number in 0..100 {
        assert!(add(&mut it, &format!("s-9{number}"), 1000), "small ones of others find room");
    }
}
