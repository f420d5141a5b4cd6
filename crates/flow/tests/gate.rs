//! The gate and the door in front of a stand-in for PostgreSQL: refusals, notices and endings keep both sides in step.

#![expect(clippy::unwrap_used, reason = "tests")]

use chaperone_flow::postgres::{Answered, Gate, Turn, fatal};
use chaperone_flow::testing::{Wire, startup};
use chaperone_flow::{Cx, Effect, Flow, Note, Step};
use chaperone_model::Reason;
use chaperone_pgwire::client::{Parse, Query, Target, write};
use chaperone_pgwire::{Frame, tag};
use proptest::prelude::*;

/// Refuses statements that contain `drop` and tells about those that contain `wait`.
#[derive(Debug, Default)]
struct Refuser {
    gate: Gate<()>,
}

impl Flow for Refuser {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, _note: &mut Option<Note>) -> Step {
        if !self.gate.admits(&frame) {
            return Step::Take;
        }
        let text = match frame.tag {
            tag::client::QUERY => Query::read(frame.body()).unwrap().text,
            tag::client::PARSE => Parse::read(frame.body()).unwrap().text,
            _ => b"",
        };
        let text = String::from_utf8_lossy(text);
        if text.contains("end it") {
            self.gate.end(cx, &fatal(Reason::RuleDenied));
            return Step::Take;
        }
        if text.contains("drop") {
            self.gate.refuse(cx, frame.tag, &fatal(Reason::RuleDenied));
            return Step::Take;
        }
        if text.contains("wait") {
            let notice = fatal(Reason::HeldForApproval).to_notice();
            self.gate.tell(cx, notice);
        }
        self.gate.pass(cx, &frame)
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        match self.gate.server(cx, &frame) {
            Turn::Pass(_) => Step::Pass,
            Turn::Hidden(_) | Turn::Taken => Step::Take,
        }
    }
}

fn wire() -> Wire {
    let mut wire = Wire::new(vec![Box::new(Refuser::default())]);
    wire.begin();
    wire
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

/// A batch of the extended protocol without its end.
fn run(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, b"", text.as_bytes(), &[]).unwrap();
    write::bind(&mut out, b"", b"", [], chaperone_pgwire::Format::Text).unwrap();
    write::execute(&mut out, b"", 0).unwrap();
    out
}

fn sync() -> Vec<u8> {
    let mut out = Vec::new();
    write::sync(&mut out);
    out
}

fn flush() -> Vec<u8> {
    let mut out = Vec::new();
    write::flush(&mut out);
    out
}

#[test]
fn a_refused_query_never_reaches_the_server_and_the_session_goes_on() {
    let mut wire = wire();
    wire.client(&[query("select 1"), query("drop it"), query("select 2")].concat());
    assert_eq!(wire.ran(), ["select 1", "select 2"]);
    assert_eq!(wire.look(), "T D C Z(I) E(42501) Z(I) T D C Z(I)");
}

#[test]
fn the_transaction_status_is_the_servers_own() {
    let mut wire = wire();
    wire.client(
        &[query("begin"), query("drop it"), query("it will fail"), query("drop it"), query("rollback")]
            .concat(),
    );
    assert_eq!(wire.look(), "T D C Z(T) E(42501) Z(T) E(42P01) Z(E) E(42501) Z(E) T D C Z(I)");
}

#[test]
fn a_refused_batch_is_discarded_to_its_sync() {
    let mut wire = wire();
    wire.client(&[run("drop it"), run("select 1"), sync(), run("select 2"), sync()].concat());
    assert_eq!(wire.ran(), ["select 2"]);
    assert_eq!(wire.look(), "E(42501) Z(I) 1 2 D C Z(I)");
}

#[test]
fn a_client_that_flushes_gets_its_error_without_a_sync() {
    let mut wire = wire();
    wire.client(&[run("drop it"), flush()].concat());
    assert_eq!(wire.look(), "E(42501)");
    wire.client(&sync());
    assert_eq!(wire.look(), "Z(I)");
}

#[test]
fn a_refusal_behind_a_run_statement_undoes_the_implicit_transaction() {
    let mut wire = wire();
    wire.client(&[run("insert"), run("drop it"), run("select 1"), sync()].concat());
    assert_eq!(wire.ran(), ["insert"]);
    assert_eq!(wire.look(), "1 2 D C E(42501) Z(I)");
    let failed = wire
        .server
        .seen
        .iter()
        .any(|(letter, body)| *letter == b'P' && body.ends_with(b"refused by chaperone\0\0\0"));
    assert!(failed, "the server itself must have failed, or it would commit");
}

#[test]
fn a_notice_comes_at_once_and_changes_nothing() {
    let mut wire = wire();
    wire.client(&query("wait for me"));
    assert_eq!(wire.look(), "N T D C Z(I)");
    wire.client(&[run("select 1"), run("wait for me"), sync()].concat());
    assert_eq!(wire.look(), "1 2 D C N 1 2 D C Z(I)");
}

#[test]
fn copy_and_its_ignored_syncs_keep_step() {
    let mut wire = wire();
    let mut copy = Vec::new();
    write::copy_data(&mut copy, b"1\n").unwrap();
    let mut done = Vec::new();
    write::copy_done(&mut done);
    wire.client(&[run("copy in"), sync()].concat());
    wire.client(&[copy.clone(), copy.clone(), done.clone(), sync(), query("drop it")].concat());
    assert_eq!(wire.look(), "1 2 G C Z(I) E(42501) Z(I)");
    wire.client(&query("copy in"));
    wire.client(&[copy, sync(), done, query("drop it")].concat());
    assert_eq!(wire.look(), "T G C Z(I) E(42501) Z(I)".replace("T G", "G"));
}

#[test]
fn nothing_begins_inside_a_copy() {
    for begun in [run("select 1"), query("select 1")] {
        let mut wire = wire();
        wire.client(&query("copy in"));
        assert_eq!(wire.look(), "G");
        wire.client(&begun);
        assert_eq!(wire.look(), "E(57014) Z(I) E(FATAL 08P01)");
        assert_eq!(wire.ran(), ["copy in"]);
        assert!(!wire.server.is_gone, "the server was not confused");
    }
}

#[test]
fn a_session_that_ends_while_a_copy_begins_does_end() {
    for copy in [query("copy in"), [run("copy in"), sync()].concat()] {
        let mut wire = wire();
        // The server hears of both before it has said a word.
        wire.client(&[copy, query("end it")].concat());
        let shown = wire.look();
        assert!(shown.ends_with("E(FATAL 42501)"), "{shown}");
        assert!(wire.effects.contains(&Effect::Close));
        assert!(!wire.server.is_copying());
    }
}

#[test]
fn function_calls_and_strangers_are_refused() {
    let mut wire = wire();
    wire.client(&[b'F', 0, 0, 0, 8, 0, 0, 0, 1]);
    assert_eq!(wire.look(), "E(0A000) Z(I)");
    wire.client(&[b'?', 0, 0, 0, 4]);
    assert_eq!(wire.look(), "E(FATAL 08P01)");
    assert!(wire.effects.contains(&Effect::Close));
    wire.client(&query("select 1"));
    assert!(wire.ran().is_empty(), "nothing goes on behind a violation");
}

#[test]
fn a_client_that_speaks_tls_to_a_target_that_offered_it_is_hung_up_on() {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    const CLIENT_HELLO: [u8; 11] = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    for said in [&CLIENT_HELLO[..], &[0; 64], &startup("analyst", "shop")] {
        for chunk in [0, 1] {
            let mut wire = Wire::new(vec![Box::new(Refuser::default())]);
            wire.server.offers_tls = true;
            wire.client(&SSL_REQUEST);
            assert_eq!(std::mem::take(&mut wire.shown), b"S", "the target's own answer");
            wire.sent.clear();
            wire.chunk = chunk;
            wire.client(said);
            assert!(wire.sent.is_empty() && wire.shown.is_empty(), "nothing of it goes on");
            assert_eq!(wire.effects.iter().filter(|effect| **effect == Effect::Close).count(), 1, "{said:?}");
        }
    }
}

#[test]
fn lengths_that_cannot_be_end_the_session_in_every_phase() {
    for length in [0_i32, 3, -1, i32::MIN] {
        let mut wire = wire();
        wire.client(&[&[b'Q'][..], &length.to_be_bytes(), b"xxxx"].concat());
        assert_eq!(wire.look(), "E(FATAL 08P01)", "{length}");
    }
    for start in [0_i32, 3, 7, -1, i32::MAX, 1_000_000] {
        let mut wire = Wire::new(vec![Box::new(Refuser::default())]);
        wire.client(&[&start.to_be_bytes()[..], b"xxxx"].concat());
        assert_eq!(wire.look(), "E(FATAL 08P01)", "{start}");
    }
    let mut wire = Wire::new(vec![Box::new(Refuser::default())]);
    wire.client(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(wire.look(), "E(FATAL 08P01)");
}

#[test]
fn a_message_too_large_is_refused_and_the_session_goes_on() {
    let mut wire = wire();
    let length = 20_i32 << 20;
    wire.client(&[&[b'Q'][..], &length.to_be_bytes()].concat());
    for _ in 0..20 {
        wire.client(&vec![b'x'; 1 << 20]);
    }
    assert!(wire.line.pending_bytes() < 1 << 20, "what is dropped is not kept");
    // The last four bytes were the length itself.
    wire.shown.clear();
    let mut wire2 = self::wire();
    wire2.client(
        &[&[b'Q'][..], &length.to_be_bytes(), &vec![b'x'; (20 << 20) - 4], &query("select 1")].concat(),
    );
    assert_eq!(wire2.look(), "E(54000) Z(I) T D C Z(I)");
}

#[test]
fn replication_is_refused_and_encryption_asked_for_in_time() {
    let mut wire = Wire::new(vec![Box::new(Refuser::default())]);
    let ssl = [0, 0, 0, 8, 4, 210, 22, 47];
    wire.client(&ssl);
    assert_eq!(std::mem::take(&mut wire.shown), b"N");
    wire.client(&startup("u", "d"));
    assert_eq!(wire.look(), "R K Z(I)");

    let mut ahead = Wire::new(vec![Box::new(Refuser::default())]);
    ahead.server = chaperone_flow::testing::Server::default();
    ahead.client(&[&ssl[..], &startup("u", "d")].concat());
    assert!(ahead.ran().is_empty());
    assert!(
        !ahead.server.seen.iter().any(|(_, body)| body.starts_with(&[0, 3])),
        "injected ahead of the answer"
    );
}

#[test]
fn every_close_poke_is_for_no_statement() {
    let mut wire = wire();
    wire.client(&[run("drop it"), sync()].concat());
    let closes: Vec<_> = wire.server.seen.iter().filter(|(letter, _)| *letter == b'C').collect();
    assert_eq!(closes.len(), 1);
    assert_eq!(Target::read(&closes[0].1), Ok(Target::Statement(b"_chaperone_none")));
}

proptest! {
    #[test]
    fn any_split_gives_the_same(chunk in 1_usize..40) {
        let script = [
            query("begin"), query("drop it"), run("insert"), run("drop it"), sync(), query("wait"), run("wait"), flush(),
            sync(), query("it will fail"), query("rollback"), run("drop"), run("select"), sync(), query("select 9"),
        ].concat();
        let mut whole = wire();
        whole.client(&script);
        let mut split = wire();
        split.chunk = chunk;
        split.client(&script);
        prop_assert_eq!(whole.ran(), split.ran());
        prop_assert_eq!(&whole.sent, &split.sent);
        prop_assert_eq!(whole.look(), split.look());
    }

    #[test]
    fn no_bytes_make_it_panic_or_forward_what_is_no_message(bytes in proptest::collection::vec(any::<u8>(), 0..200), ready: bool) {
        let mut wire = if ready { wire() } else { Wire::new(vec![Box::new(Refuser::default())]) };
        wire.client(&bytes);
        prop_assert!(wire.ran().iter().all(|text| !text.contains("drop")));
    }
}

/// Describes every portal itself before the client's Execute.
#[derive(Debug, Default)]
struct Describer {
    gate: Gate<&'static str>,
    heard: Vec<(&'static str, u8)>,
}

impl Flow for Describer {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, _note: &mut Option<Note>) -> Step {
        if frame.tag == tag::client::EXECUTE {
            assert!(self.gate.ask_describe(cx, b"", "own"));
        }
        self.gate.pass_with(cx, &frame, "the client's")
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        match self.gate.server(cx, &frame) {
            Turn::Pass(_) => Step::Pass,
            Turn::Hidden(Answered::Last(_, payload)) => {
                self.heard.push((payload, frame.tag));
                assert_eq!(self.heard.last(), Some(&("own", tag::server::NO_DATA)));
                Step::Take
            }
            Turn::Hidden(_) | Turn::Taken => Step::Take,
        }
    }
}

#[test]
fn what_a_flow_describes_itself_is_answered_to_it_alone() {
    let mut wire = Wire::new(vec![Box::new(Describer::default())]);
    wire.begin();
    wire.client(
        &[run("select 1"), sync(), run("it will fail"), run("select 2"), sync(), query("select 3")].concat(),
    );
    let asked = wire.server.seen.iter().filter(|(letter, _)| *letter == tag::client::DESCRIBE).count();
    assert_eq!(asked, 3, "one for each Execute");
    assert_eq!(
        wire.look(),
        "1 2 D C Z(I) E(42601) Z(I) T D C Z(I)",
        "one that is skipped leaves the others in step"
    );
}

#[test]
fn before_the_login_no_message_is_large() {
    let mut wire = Wire::new(vec![Box::new(Refuser::default())]);
    let length = 1_000_000_u32;
    let mut refused = startup("u", "d");
    refused.extend([b'p']);
    refused.extend(length.to_be_bytes());
    refused.extend(vec![b'x'; 500_000]);
    // The stand-in asks for no password, so the session is ready before the message is looked at.
    wire.client(&refused);
    assert!(wire.line.pending_bytes() < 100_000);
}
