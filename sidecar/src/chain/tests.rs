//! Every kind of tampering is found, and named.

use chaperone_proto::{Closed, Gap};

use super::*;

fn session() -> SessionId {
    SessionId("s-1".to_owned())
}

fn record(source: Source, seq: u64, body: Body) -> Record {
    Record { session: "s-1".to_owned(), source: source.into(), seq, time: seq, body: Some(body) }
}

/// A chain as the store builds it.
fn chain(records: &[Record]) -> (Vec<Link>, Head) {
    let mut hash = genesis(&session());
    let mut links = Vec::new();
    for (position, record) in (1..).zip(records) {
        let body = record.encode_to_vec();
        hash = next(hash, &body);
        links.push(Link { position, source: record.source, seq: record.seq, hash, body });
    }
    (links, Head { records: records.len() as u64, hash })
}

fn six() -> (Vec<Link>, Head) {
    let closed = |by: &str| Body::Closed(Closed { by: by.to_owned() });
    let tap = (1..=4).map(|seq| record(Source::Tap, seq, closed("client")));
    let guard = (1..=2).map(|seq| record(Source::Guard, seq, closed("server")));
    chain(&tap.chain(guard).collect::<Vec<_>>())
}

fn faults(links: &[Link], head: Head) -> Vec<String> {
    let mut verifier = Verifier::new(session());
    links.iter().for_each(|link| drop(verifier.push(link)));
    verifier.finish(head).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn an_untouched_session_is_whole() {
    let (links, head) = six();
    assert_eq!(faults(&links, head), Vec::<String>::new());
    assert_eq!(faults(&[], Head { records: 0, hash: genesis(&session()) }), Vec::<String>::new());
}

#[test]
fn every_flipped_bit_is_found() {
    let (links, head) = six();
    for index in 0..links.len() {
        for byte in 0..links[index].body.len() {
            let mut links = links.clone();
            links[index].body[byte] ^= 1;
            let found = faults(&links, head);
            let named = format!("record {} ", index + 1);
            assert!(found.iter().any(|fault| fault.contains(&named)), "{index} {byte}: {found:?}");
        }
    }
}

#[test]
fn a_removed_record_is_found_wherever_it_was() {
    let (links, head) = six();
    for index in 0..links.len() {
        let mut fewer = links.clone();
        fewer.remove(index);
        let found = faults(&fewer, head);
        assert!(found.contains(&format!("record {} removed", index + 1)), "{index}: {found:?}");
        // Closing the gap in the numbering does not hide it.
        for (position, link) in (1..).zip(&mut fewer) {
            link.position = position;
        }
        assert!(!faults(&fewer, head).is_empty(), "{index}");
    }
}

#[test]
fn a_cut_end_is_found_even_when_the_count_agrees() {
    let (mut links, head) = six();
    links.pop();
    assert!(faults(&links, head).contains(&"record 6 removed".to_owned()));
    let shorter = Head { records: 5, ..head };
    assert!(faults(&links, shorter).contains(&Fault::Head.to_string()));
}

#[test]
fn swapped_records_are_found() {
    let (mut links, head) = six();
    links.swap(1, 2);
    (links[1].position, links[2].position) = (2, 3);
    let found = faults(&links, head);
    assert!(found.iter().any(|fault| fault.starts_with("record 2 ")), "{found:?}");
}

#[test]
fn added_and_misfiled_records_are_found() {
    let (mut links, head) = six();
    let extra = record(Source::Tap, 5, Body::Closed(Closed::default())).encode_to_vec();
    let hash = next(head.hash, &extra);
    links.push(Link { position: 7, source: 1, seq: 5, hash, body: extra });
    assert_eq!(faults(&links, head), ["record 7 beyond the session's end"]);
    let (mut links, head) = six();
    links[0].seq = 9;
    assert!(faults(&links, head).contains(&"record 1 belongs to another session or number".to_owned()));
}

#[test]
fn holes_and_admitted_losses_are_faults() {
    let closed = || Body::Closed(Closed::default());
    let gap = Body::Gap(Gap { missing: 7, why: "full".to_owned() });
    let (links, head) = chain(&[
        record(Source::Tap, 2, closed()),
        record(Source::Tap, 6, gap),
        record(Source::Guard, 1, closed()),
    ]);
    let expected = [
        "the recorder lost 7 record(s): full",
        "session-tap: number 1 never arrived",
        "session-tap: numbers 3 to 5 never arrived",
    ];
    assert_eq!(faults(&links, head), expected);
}

#[test]
fn faults_are_named_up_to_a_limit_and_then_counted() {
    let mut verifier = Verifier::new(session());
    let wanted = report::MAX_FAULTS + 5;
    for position in 1..=wanted as u64 {
        let body = record(Source::Tap, position, Body::Closed(Closed::default())).encode_to_vec();
        verifier.push(&Link { position, source: 1, seq: position, hash: Digest([1; 32]), body });
    }
    let report = verifier.finish(Head { records: wanted as u64, hash: Digest([1; 32]) });
    assert_eq!(report.faults.len(), report::MAX_FAULTS);
    assert_eq!(report.more_faults, 5);
    assert!(!report.is_whole());
}
