//! Records: taken once, durable, bounded.

use chaperone_proto::{
    Authenticated, Body, Closed, Mark, Message, Opened, Record, RecordAck, RecordBatch, Source,
};

use crate::process::{FILTER, OPERATOR, Place, Running, ask};

pub(crate) fn record(session: &str, source: Source, seq: u64, body: Body) -> Record {
    let time = 1_772_366_405_000_000_000 + seq * 1_000_000;
    Record { session: session.to_owned(), source: source.into(), seq, time, body: Some(body) }
}

pub(crate) fn post(sidecar: &Running, records: Vec<Record>) -> u16 {
    sidecar.post_records(RecordBatch { records, ended: Vec::new() }.encode_to_vec()).status
}

fn closed() -> Body {
    Body::Closed(Closed { by: "client".to_owned() })
}

fn opened(client: &str) -> Body {
    Body::Opened(Opened { client: client.to_owned(), ..Opened::default() })
}

#[test]
fn an_acknowledgement_names_what_is_durable() {
    let place = Place::new();
    let sidecar = place.serve();
    let records = vec![
        record("s-a", Source::Tap, 1, opened("x")),
        record("s-a", Source::Tap, 2, closed()),
        record("s-a", Source::Guard, 7, closed()),
        record("s-b", Source::Tap, 1, closed()),
    ];
    let answer = sidecar.post_records(RecordBatch { records, ended: Vec::new() }.encode_to_vec());
    assert_eq!(answer.status, 200);
    let ack = RecordAck::decode(answer.body.as_slice()).unwrap();
    let mark =
        |session: &str, source: Source, seq| Mark { session: session.to_owned(), source: source.into(), seq };
    let expected = [mark("s-a", Source::Tap, 2), mark("s-a", Source::Guard, 7), mark("s-b", Source::Tap, 1)];
    assert_eq!(ack.marks, expected);
    // No close, no time: what was acknowledged is there after the end of the process.
    sidecar.kill();
    let sidecar = place.serve();
    let session = sidecar.get("/v1/sessions/s-a", OPERATOR).json();
    assert_eq!(session["records"], 3);
    assert_eq!(session["closed_by"], "client");
    assert_eq!(session["holes"][0]["last"], 6);
}

#[test]
fn replays_are_welcome_and_forgeries_are_not() {
    let place = Place::new();
    let sidecar = place.serve();
    let first = || record("s-a", Source::Tap, 1, opened("x"));
    assert_eq!(post(&sidecar, vec![first()]), 200);
    assert_eq!(post(&sidecar, vec![first(), record("s-a", Source::Tap, 2, closed())]), 200);
    let forged = vec![record("s-a", Source::Tap, 1, opened("y")), record("s-b", Source::Tap, 1, closed())];
    let answer = sidecar.post_records(RecordBatch { records: forged, ended: Vec::new() }.encode_to_vec());
    assert_eq!(answer.status, 409);
    let conflict = &answer.json()["conflicts"][0];
    assert_eq!((conflict["session"].as_str(), conflict["seq"].as_u64()), (Some("s-a"), Some(1)));
    let sessions = sidecar.get("/v1/sessions", OPERATOR).json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2, "the rest of the batch is stored");
    let metrics = String::from_utf8(sidecar.get("/metrics", "").body).unwrap();
    for line in ["records_total 3", "record_replays_total 1", "record_conflicts_total 1"] {
        assert!(metrics.contains(&format!("\nchaperone_{line}\n")), "{line}: {metrics}");
    }
}

#[test]
fn fields_of_a_newer_version_are_kept() {
    let place = Place::new();
    let sidecar = place.serve();
    let mut bytes = record("s-a", Source::Tap, 1, closed()).encode_to_vec();
    // Field 99, a varint: not known to this version.
    bytes.extend([0x98, 0x06, 0x2a]);
    let mut batch = vec![0x0a, u8::try_from(bytes.len()).unwrap()];
    batch.extend(&bytes);
    assert_eq!(sidecar.post_records(batch).status, 200);
    let page = sidecar.get("/v1/sessions/s-a/records", OPERATOR).json();
    let body = page["records"][0]["body"].as_str().unwrap();
    use base64::Engine as _;
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(body).unwrap(), bytes);
}

#[test]
fn what_is_no_batch_or_too_much_is_refused() {
    let place = Place::new();
    let sidecar = place.serve();
    let url = format!("{}/v1/records", sidecar.url);
    let json = ask("POST", &url, Some(FILTER), Some(("application/json", b"{}".to_vec()))).unwrap();
    assert_eq!(json.status, 415);
    assert_eq!(sidecar.post_records(b"\xff\xff\xff".to_vec()).status, 400);
    assert_eq!(sidecar.post_records(vec![0; (18 << 20) + 1]).status, 413);
    let many = (1..=10_001).map(|seq| record("s-a", Source::Tap, seq, closed())).collect();
    assert_eq!(post(&sidecar, many), 413);
    let wrong = [
        record("", Source::Tap, 1, closed()),
        record("s/../a", Source::Tap, 1, closed()),
        record(&"s".repeat(65), Source::Tap, 1, closed()),
        record("s-a", Source::Unspecified, 1, closed()),
        Record { source: 99, ..record("s-a", Source::Tap, 1, closed()) },
        record("s-a", Source::Tap, 0, closed()),
        Record { seq: u64::MAX, ..record("s-a", Source::Tap, 1, closed()) },
        Record { time: u64::MAX, ..record("s-a", Source::Tap, 1, closed()) },
    ];
    for record in wrong {
        assert_eq!(post(&sidecar, vec![record.clone()]), 400, "{record:?}");
    }
    assert_eq!(sidecar.get("/v1/sessions", OPERATOR).json()["sessions"], serde_json::json!([]));
}

#[test]
fn many_writers_at_once_lose_nothing_and_share_commits() {
    let place = Place::new();
    let sidecar = place.serve();
    let (writers, batches) = (8_u64, 25_u64);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let sidecar = &sidecar;
            scope.spawn(move || {
                for seq in 1..=batches {
                    let own = record(&format!("s-{writer}"), Source::Tap, seq, closed());
                    let shared = record("s-all", Source::Tap, writer * batches + seq, closed());
                    assert_eq!(post(sidecar, vec![own, shared]), 200);
                }
            });
        }
    });
    for id in ["s-all", "s-0", "s-7"] {
        let verified = sidecar.run(&["sessions", "verify", id]);
        assert_eq!(verified.code, 0, "{}", verified.out);
    }
    let all = sidecar.get("/v1/sessions/s-all", OPERATOR).json();
    assert_eq!(all["records"], writers * batches);
}

#[test]
fn a_long_session_comes_in_pages() {
    let place = Place::new();
    let sidecar = place.serve();
    let who = |seq| {
        let who = Authenticated { subject: "x".repeat(300_000), ..Authenticated::default() };
        record("s-a", Source::Identity, seq, Body::Authenticated(who))
    };
    for seq in 1..=20 {
        assert_eq!(post(&sidecar, vec![who(seq)]), 200);
    }
    let first = sidecar.get("/v1/sessions/s-a/records", OPERATOR).json();
    let next = first["next"].as_u64().unwrap();
    assert!(next < 20, "{next}");
    assert_eq!(first["records"].as_array().unwrap().len() as u64, next);
    let verified = sidecar.run(&["sessions", "verify", "last", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&verified.out).unwrap();
    assert_eq!((report["whole"].as_bool(), report["report"]["records"].as_u64()), (Some(true), Some(20)));
}

#[test]
fn a_session_whose_gateway_is_silent_is_broken_off() {
    let place = Place::new();
    let sidecar = place.serve_with(&["--silence", "1s"]);
    let post = |recorder: &str, records: Vec<Record>, ended: &[&str]| {
        let ended = ended.iter().map(|id| (*id).to_owned()).collect();
        let body = RecordBatch { records, ended }.encode_to_vec();
        sidecar.post_records_as(recorder, body).status
    };
    let both = vec![record("s-a", Source::Tap, 1, opened("x")), record("s-b", Source::Tap, 1, opened("x"))];
    assert_eq!(post("r-1", both, &[]), 200);
    assert_eq!(post("r-1", vec![record("s-b", Source::Tap, 2, closed())], &["s-b"]), 200);
    assert_eq!(post("r 1", Vec::new(), &[]), 400);
    let verify = |id: &str| sidecar.run(&["sessions", "verify", id]);
    assert_eq!(verify("s-a").code, 0, "{}", verify("s-a").out);
    std::thread::sleep(std::time::Duration::from_millis(1_300));
    let broken = verify("s-a");
    assert_eq!(broken.code, 1);
    assert!(broken.out.contains("what came after the last record is unknown"), "{}", broken.out);
    assert!(sidecar.run(&["sessions", "list"]).out.contains("broken off"));
    assert!(sidecar.run(&["sessions", "show", "s-a…"]).out.contains("broken off"), "also as it is listed");
    assert_eq!(verify("s-b").code, 0, "its recorder has said its last word");
    assert_eq!(post("r-1", Vec::new(), &[]), 200, "an empty batch says that it is there");
    assert_eq!(verify("s-a").code, 0);
}
