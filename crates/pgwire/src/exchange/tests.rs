//! Whose answer a message is.

use super::*;

fn exchange(requests: &[Request]) -> Exchange<usize> {
    let mut exchange = Exchange::new(16);
    for (index, request) in requests.iter().enumerate() {
        exchange.sent(*request, index).unwrap();
    }
    exchange
}

fn last(answer: Answer<'_, usize>) -> usize {
    match answer {
        Answer::Last(waiting) => waiting.payload,
        other => panic!("{other:?}"),
    }
}

fn ready(answer: Answer<'_, usize>) -> (usize, Vec<usize>) {
    match answer {
        Answer::Ready { waiting, skipped } => {
            (waiting.payload, skipped.into_iter().map(|waiting| waiting.payload).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn part(answer: Answer<'_, usize>) -> usize {
    match answer {
        Answer::Part(waiting) => waiting.payload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pairs_an_extended_batch() {
    use Request::{Bind, Describe, Execute, Parse, Sync};
    let mut it = exchange(&[Parse, Bind, Describe, Execute, Sync]);
    assert_eq!(last(it.received(b'1')), 0);
    assert_eq!(last(it.received(b'2')), 1);
    assert_eq!(last(it.received(b'T')), 2);
    assert_eq!(part(it.received(b'D')), 3);
    assert!(matches!(it.received(b'N'), Answer::Aside));
    assert_eq!(last(it.received(b'C')), 3);
    assert_eq!(ready(it.received(b'Z')), (4, vec![]));
    assert!(it.is_empty());
}

#[test]
fn an_error_skips_to_the_sync_and_over_a_query() {
    use Request::{Bind, Execute, Parse, Query, Sync};
    let mut it = exchange(&[Parse, Bind, Execute, Query, Sync, Query]);
    assert_eq!(part(it.received(b'E')), 0);
    assert!(matches!(it.received(b'2'), Answer::Unexpected));
    assert_eq!(ready(it.received(b'Z')), (4, vec![0, 1, 2, 3]));
    assert_eq!(part(it.received(b'T')), 5);
    assert_eq!(ready(it.received(b'Z')), (5, vec![]));
}

#[test]
fn an_error_at_sync_or_in_a_query_skips_nothing() {
    use Request::{Query, Sync};
    let mut it = exchange(&[Sync, Query, Query]);
    assert_eq!(part(it.received(b'E')), 0);
    assert_eq!(ready(it.received(b'Z')), (0, vec![]));
    assert_eq!(part(it.received(b'E')), 1);
    assert_eq!(ready(it.received(b'Z')), (1, vec![]));
}

#[test]
fn syncs_inside_copy_in_have_no_answer() {
    use Request::{Bind, Execute, Parse, Sync};
    let mut it = exchange(&[Parse, Bind, Execute, Sync, Sync]);
    last(it.received(b'1'));
    last(it.received(b'2'));
    assert_eq!(part(it.received(b'G')), 2);
    assert_eq!(it.len(), 1);
    it.sent(Sync, 9).unwrap();
    assert_eq!(it.len(), 1);
    it.copy_ended();
    it.sent(Sync, 10).unwrap();
    assert_eq!(last(it.received(b'C')), 2);
    assert_eq!(ready(it.received(b'Z')), (10, vec![]));
}

#[test]
fn a_copy_that_is_sent_ahead_keeps_the_sync_behind_its_end() {
    use Request::{Bind, Execute, Parse, Query, Sync};
    // Parse, Bind, Execute, CopyData, CopyDone, Sync in one write.
    let mut it = exchange(&[Parse, Bind, Execute]);
    it.copy_ended();
    it.sent(Sync, 3).unwrap();
    last(it.received(b'1'));
    last(it.received(b'2'));
    assert_eq!(part(it.received(b'G')), 2);
    assert!(!it.is_copy_in(), "its end is on its way");
    assert_eq!(last(it.received(b'C')), 2);
    assert_eq!(ready(it.received(b'Z')), (3, vec![]));

    // Execute, Sync (ignored), CopyFail, Sync in one write.
    let mut it = exchange(&[Execute, Sync]);
    it.copy_ended();
    it.sent(Sync, 2).unwrap();
    it.sent(Query, 3).unwrap();
    assert_eq!(part(it.received(b'G')), 0);
    assert_eq!(part(it.received(b'E')), 0);
    assert_eq!(ready(it.received(b'Z')), (2, vec![0]));
    assert_eq!(part(it.received(b'C')), 3);
    assert_eq!(ready(it.received(b'Z')), (3, vec![]));

    // Two of them in one Query, and a Query behind.
    let mut it = exchange(&[Query]);
    it.copy_ended();
    it.copy_ended();
    it.sent(Query, 1).unwrap();
    for _ in 0..2 {
        assert_eq!(part(it.received(b'G')), 0);
        assert!(!it.is_copy_in());
        assert_eq!(part(it.received(b'C')), 0);
    }
    assert_eq!(ready(it.received(b'Z')), (0, vec![]));
    assert_eq!(part(it.received(b'G')), 1);
    assert!(it.is_copy_in(), "this one has no end yet");
}

#[test]
fn an_end_without_a_copy_is_forgotten_with_its_requests() {
    use Request::{Execute, Parse, Query, Sync};
    let mut it = exchange(&[]);
    it.copy_ended();
    it.sent(Parse, 0).unwrap();
    for _ in 0..1_000 {
        it.copy_ended();
    }
    it.sent(Sync, 1).unwrap();
    assert_eq!(part(it.received(b'E')), 0, "what would have begun the COPY failed");
    assert_eq!(ready(it.received(b'Z')), (1, vec![0]));
    it.sent(Execute, 2).unwrap();
    it.sent(Sync, 3).unwrap();
    assert_eq!(part(it.received(b'G')), 2);
    assert!(it.is_copy_in());
    assert_eq!(it.len(), 1);
    it.sent(Query, 4).unwrap();
    it.copy_ended();
    assert!(it.ends.is_empty(), "old ends are not kept");
}

#[test]
fn a_failed_copy_waits_for_the_next_sync() {
    use Request::{Execute, Sync};
    let mut it = exchange(&[Execute, Sync]);
    part(it.received(b'G'));
    assert_eq!(part(it.received(b'E')), 0);
    it.copy_ended();
    it.sent(Sync, 7).unwrap();
    assert_eq!(ready(it.received(b'Z')), (7, vec![0]));
}

#[test]
fn is_bounded_and_names_the_unexpected() {
    let mut it = exchange(&[Request::Query; 16]);
    assert_eq!(it.sent(Request::Query, 0), Err(Full));
    let mut it = exchange(&[]);
    assert!(matches!(it.received(b'E'), Answer::Aside));
    for tag in *b"12TDCZ3nstGHdcVRK?" {
        assert!(matches!(it.received(tag), Answer::Unexpected), "{}", char::from(tag));
    }
}

#[test]
fn a_ready_for_query_too_many_ends_the_attribution() {
    use Request::{Bind, Execute, Parse, Query, Sync};
    // COPY by Query, a Sync that was thought to be ignored, two Queries behind: the COPY failed before the Sync.
    let mut it = exchange(&[Query]);
    part(it.received(b'G'));
    it.sent(Sync, 9).unwrap();
    it.copy_ended();
    it.sent(Query, 1).unwrap();
    it.sent(Query, 2).unwrap();
    assert_eq!(part(it.received(b'E')), 0);
    assert_eq!(ready(it.received(b'Z')), (0, vec![]));
    assert!(matches!(it.received(b'Z'), Answer::Unexpected), "the Sync's");
    for tag in *b"TDC" {
        assert!(
            matches!(it.received(tag), Answer::Unexpected),
            "rows of the first Query are not the second's"
        );
    }
    let mut it = exchange(&[Parse, Bind, Execute, Sync]);
    assert!(matches!(it.received(b'Z'), Answer::Unexpected), "nothing of the batch was answered");
}
