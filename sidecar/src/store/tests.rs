//! What the stores promise: durable, idempotent, ordered, found again.

use std::path::PathBuf;

use chaperone_proto::{Body, Closed, Message, Opened, Source};

use super::*;
use crate::approval::{Act, Answer, Request};
use crate::chain::Verifier;

/// A directory that goes when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chaperone-store-{}-{name}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn records(&self) -> SqliteRecords {
        SqliteRecords::open(&self.0.join("records.db")).unwrap()
    }

    fn approvals(&self) -> SqliteApprovals {
        SqliteApprovals::open(&self.0.join("approvals.db")).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _kept = std::fs::remove_dir_all(&self.0);
    }
}

fn record(session: &str, source: Source, seq: u64, client: &str) -> Incoming {
    let body = Body::Opened(Opened { client: client.to_owned(), ..Opened::default() });
    let record =
        Record { session: session.to_owned(), source: source.into(), seq, time: seq, body: Some(body) };
    Incoming { bytes: record.encode_to_vec(), record }
}

fn batch(records: Vec<Incoming>) -> Batch {
    Batch { records, ..Batch::default() }
}

fn one(store: &dyn RecordStore, prefix: &str) -> Session {
    match store.find(&Find::Prefix(prefix.to_owned())).unwrap() {
        Found::One(session) => *session,
        other => panic!("{other:?}"),
    }
}

fn whole(store: &dyn RecordStore, session: &Session) -> bool {
    let mut verifier = Verifier::new(session.id.clone());
    let mut after = 0;
    loop {
        let links = store.page(&session.id, after, 100).unwrap();
        let Some(last) = links.last() else { break };
        after = last.position;
        links.iter().for_each(|link| drop(verifier.push(link)));
    }
    verifier.finish(session.head().unwrap()).is_whole()
}

#[test]
fn records_outlive_the_store_and_the_chain_goes_on() {
    let place = Place::new("reopen");
    for seq in 1..=5 {
        // A new store each time, the old one not even closed: what was returned from is on the disk.
        let store = place.records();
        let outcome = store.append(&[batch(vec![record("s-1", Source::Tap, seq, "c")])]).unwrap();
        assert_eq!(outcome, [Appended { added: 1, ..Appended::default() }]);
        std::mem::forget(store);
    }
    let store = place.records();
    let session = one(&store, "s-1");
    assert_eq!(session.records, 5);
    assert!(whole(&store, &session));
}

#[test]
fn a_replay_is_taken_once_and_another_content_is_refused() {
    let place = Place::new("replay");
    let store = place.records();
    let first = batch(vec![record("s-1", Source::Tap, 1, "a"), record("s-1", Source::Tap, 2, "b")]);
    store.append(std::slice::from_ref(&first)).unwrap();
    let head = one(&store, "s-1").head;
    let again = store.append(&[first]).unwrap();
    assert_eq!(again, [Appended { replayed: 2, ..Appended::default() }]);
    let mixed = vec![record("s-1", Source::Tap, 2, "other"), record("s-1", Source::Tap, 3, "c")];
    let conflict = Conflict { session: "s-1".to_owned(), source: 1, seq: 2 };
    let outcome = store.append(&[batch(mixed)]).unwrap();
    assert_eq!(outcome, [Appended { added: 1, replayed: 0, conflicts: vec![conflict] }]);
    let session = one(&store, "s-1");
    assert_eq!(session.records, 3);
    assert_ne!(session.head, head);
    assert!(whole(&store, &session));
}

#[test]
fn the_same_number_in_one_group_is_a_replay_too() {
    let place = Place::new("group");
    let store = place.records();
    let one = || batch(vec![record("s-1", Source::Tap, 1, "a")]);
    let outcomes = store.append(&[one(), one()]).unwrap();
    assert_eq!((outcomes[0].added, outcomes[1].replayed), (1, 1));
}

#[test]
fn who_records_a_session_and_has_said_its_last_word_is_known() {
    let place = Place::new("recorders");
    let store = place.records();
    let by = |recorder: &str, records, ended: &[&str]| Batch {
        recorder: Some(recorder.to_owned()),
        records,
        ended: ended.iter().map(|id| (*id).to_owned()).collect(),
    };
    let first = by("r-1", vec![record("s-1", Source::Tap, 1, "a")], &[]);
    let second = by("r-2", vec![record("s-1", Source::Guard, 1, "a")], &["s-1", "s-unknown"]);
    store.append(&[first.clone(), second]).unwrap();
    let known = |store: &dyn RecordStore| {
        one(store, "s-1").summary.recorders.into_iter().collect::<Vec<(String, bool)>>()
    };
    assert_eq!(known(&store), [("r-1".to_owned(), false), ("r-2".to_owned(), true)]);
    store.append(&[by("r-1", Vec::new(), &["s-1"]), first]).unwrap();
    assert_eq!(known(&place.records()), [("r-1".to_owned(), true), ("r-2".to_owned(), true)]);
    for number in 0..100 {
        store.append(&[by(&format!("x-{number}"), vec![record("s-1", Source::Tap, 1, "a")], &[])]).unwrap();
    }
    assert!(known(&store).len() < 20, "it is bounded");
}

#[test]
fn numbers_out_of_order_leave_no_holes_and_missing_ones_do() {
    let place = Place::new("holes");
    let store = place.records();
    for seq in [3, 1, 5] {
        store.append(&[batch(vec![record("s-1", Source::Tap, seq, "c")])]).unwrap();
    }
    store.append(&[batch(vec![record("s-1", Source::Guard, 1, "c")])]).unwrap();
    let id = SessionId("s-1".to_owned());
    let hole = |first, last| Hole { source: 1, first, last };
    assert_eq!(store.holes(&id).unwrap(), [hole(2, 2), hole(4, 4)]);
    for seq in [2, 4] {
        store.append(&[batch(vec![record("s-1", Source::Tap, seq, "c")])]).unwrap();
    }
    assert_eq!(store.holes(&id).unwrap(), []);
}

#[test]
fn sessions_are_found_by_prefix_and_last() {
    let place = Place::new("find");
    let store = place.records();
    for (time, id) in [(1, "s-aa1"), (3, "s-ab2"), (2, "s-b%")] {
        let mut incoming = record(id, Source::Tap, 1, "c");
        incoming.record.time = time;
        incoming.bytes = incoming.record.encode_to_vec();
        store.append(&[batch(vec![incoming])]).unwrap();
    }
    assert_eq!(one(&store, "aa").id.as_str(), "s-aa1");
    assert_eq!(one(&store, "s-b").id.as_str(), "s-b%");
    let many = store.find(&Find::Prefix("s-a".to_owned())).unwrap();
    assert!(matches!(many, Found::Many(ids) if ids.len() == 2));
    for none in ["s-c", "%", "s-_a1", "s-aa11"] {
        assert!(matches!(store.find(&Find::Prefix(none.to_owned())).unwrap(), Found::None), "{none}");
    }
    assert!(matches!(store.find(&Find::Last).unwrap(), Found::One(s) if s.id.as_str() == "s-ab2"));
    let listed: Vec<_> = store.sessions(2).unwrap().into_iter().map(|session| session.id.0).collect();
    assert_eq!(listed, ["s-ab2", "s-b%"]);
    assert_eq!(store.count().unwrap(), (3, 3));
}

#[test]
fn a_summary_says_who_and_how_it_ended() {
    let place = Place::new("summary");
    let store = place.records();
    let mut closed = record("s-1", Source::Tap, 2, "");
    closed.record.body = Some(Body::Closed(Closed { by: "client".to_owned() }));
    closed.bytes = closed.record.encode_to_vec();
    store.append(&[batch(vec![record("s-1", Source::Tap, 1, "10.0.0.1:5000"), closed])]).unwrap();
    let summary = one(&store, "s-1").summary;
    assert_eq!((summary.client.as_str(), summary.closed_by.as_str()), ("10.0.0.1:5000", "client"));
}

#[test]
fn a_store_of_another_version_is_left_alone() {
    let place = Place::new("version");
    drop(place.records());
    let path = place.0.join("records.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteRecords::open(&path), Err(Error::Corrupt(_))));
}

fn approval(id: &str, cancel_key: &str) -> Approval {
    let request = Request {
        subject: "agent".to_owned(),
        digest: "a".repeat(64),
        count: 1,
        expires_in: 60,
        cancel_key: cancel_key.to_owned(),
        ..Request::default()
    };
    Approval::open(ApprovalId(id.to_owned()), request, Millis(1000)).unwrap()
}

fn approve(approval: &Approval) -> Approval {
    let yes = Act::Approve(Answer { by: "ann".to_owned(), reason: String::new() });
    approval.clone().apply(yes, Millis(2000)).unwrap()
}

#[test]
fn only_the_first_of_two_changes_wins() {
    let place = Place::new("cas");
    let store = place.approvals();
    let pending = approval("ap-00000001", "");
    assert!(matches!(store.insert(&pending, 10).unwrap(), Inserted::New));
    let (_, version) = store.lookup(&pending.id).unwrap().unwrap();
    let withdrawn = pending.clone().apply(Act::Withdraw { why: "gone".to_owned() }, Millis(2000)).unwrap();
    assert!(store.replace(&withdrawn, version).unwrap());
    assert!(!store.replace(&approve(&pending), version).unwrap());
    assert_eq!(store.lookup(&pending.id).unwrap().unwrap().0, withdrawn);
}

#[test]
fn approvals_outlive_the_store() {
    let place = Place::new("approvals");
    let pending = approval("ap-00000001", "k1");
    let store = place.approvals();
    store.insert(&pending, 10).unwrap();
    std::mem::forget(store);
    let store = place.approvals();
    let (found, version) = store.lookup(&pending.id).unwrap().unwrap();
    assert_eq!(found, pending);
    store.replace(&approve(&found), version).unwrap();
    std::mem::forget(store);
    let store = place.approvals();
    assert_eq!(store.list(Some(StateName::Approved), 10).unwrap(), [approve(&pending)]);
    assert_eq!(store.list(Some(StateName::Pending), 10).unwrap(), []);
    assert_eq!(store.by_cancel_key("k1").unwrap(), [pending.id]);
    assert_eq!(store.by_cancel_key("k2").unwrap(), []);
}

#[test]
fn only_so_many_are_pending() {
    let place = Place::new("pending");
    let store = place.approvals();
    for index in 0..3 {
        store.insert(&approval(&format!("ap-0000000{index}"), ""), 3).unwrap();
    }
    let fourth = approval("ap-00000003", "");
    assert!(matches!(store.insert(&fourth, 3).unwrap(), Inserted::Full));
    let known = approval("ap-00000001", "");
    assert!(matches!(store.insert(&known, 3).unwrap(), Inserted::Exists(_)));
    let (first, version) = store.lookup(&known.id).unwrap().unwrap();
    store.replace(&approve(&first), version).unwrap();
    assert!(matches!(store.insert(&fourth, 3).unwrap(), Inserted::New));
    assert_eq!(store.due(Millis(61_000)).unwrap().len(), 3);
    assert_eq!(store.due(Millis(60_999)).unwrap().len(), 0);
}
