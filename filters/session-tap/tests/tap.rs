//! session-tap in front of a stand-in for PostgreSQL: what is recorded, what is not, and what waits for it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::rc::Rc;

use chaperone_flow::testing::{Wire, startup};
use chaperone_flow::{Cx, Effect, Flow, Limits, Line, Live, Note, Step};
use chaperone_pgwire::client::write;
use chaperone_pgwire::{Format, Frame, FrameLimits};
use chaperone_proto::Body;
use chaperone_session_tap::SessionTap;
use chaperone_settings::{Environment, Settings};
use proptest::prelude::*;

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

fn settings(mode: &str) -> Settings {
    let text = format!(
        "
resource: shop
sidecar: {{ cluster: side }}
policy: {{ version: 1, name: shop, resources: [], rules: [], recording: {{ mode: {mode} }} }}
"
    );
    Settings::read(text.as_bytes(), Rc::new(Nothing)).unwrap()
}

fn wire(mode: &str) -> Wire {
    Wire::new(vec![Box::new(SessionTap::new(Live::new(settings(mode))))])
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

fn batch(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, b"", text.as_bytes(), &[]).unwrap();
    write::bind(&mut out, b"", b"", [], Format::Text).unwrap();
    write::execute(&mut out, b"", 0).unwrap();
    write::sync(&mut out);
    out
}

/// What was recorded, in order: what the client sent, and what it was shown.
fn recorded(wire: &Wire) -> (Vec<u8>, Vec<u8>) {
    let (mut client, mut server) = (Vec::new(), Vec::new());
    for effect in &wire.effects {
        let (Effect::Record(_, body) | Effect::RecordDurably(_, body, _)) = effect else { continue };
        match body {
            Body::Client(payload) => client.extend_from_slice(&payload.bytes),
            Body::Server(payload) => server.extend_from_slice(&payload.bytes),
            _ => {}
        }
    }
    (client, server)
}

fn count(wire: &Wire, is: impl Fn(&Body) -> bool) -> usize {
    let of = |effect: &&Effect| match effect {
        Effect::Record(_, body) | Effect::RecordDurably(_, body, _) => is(body),
        _ => false,
    };
    wire.effects.iter().filter(of).count()
}

#[test]
fn everything_sent_and_shown_is_recorded_byte_for_byte() {
    let mut wire = wire("relaxed");
    wire.begin();
    let script = [query("select 1"), batch("select 2"), query("it will fail")].concat();
    wire.client(&script);
    let shown = wire.shown.clone();
    assert_eq!(recorded(&wire), (script.clone(), shown));
    assert_eq!(wire.sent, script, "and nothing of it is changed");
    wire.close();
    assert_eq!(count(&wire, |body| matches!(body, Body::Opened(_))), 1);
    assert_eq!(count(&wire, |body| matches!(body, Body::Closed(_))), 1);
}

#[test]
fn startup_and_authentication_are_not_recorded() {
    let mut wire = wire("relaxed");
    wire.event(Line::opened);
    wire.client(&startup("secret-role", "shop"));
    let (client, server) = recorded(&wire);
    assert!(client.is_empty() && server.is_empty(), "they hold credentials and the cancel key");
}

#[test]
fn in_strict_mode_a_command_waits_for_its_record() {
    let mut wire = wire("strict");
    wire.begin();
    wire.client(&[query("select 1"), query("select 2")].concat());
    assert!(wire.ran().is_empty());
    wire.event(|line, env| line.recorded(env, 0, true));
    assert_eq!(wire.ran(), ["select 1"], "only what is durable");
    wire.event(|line, env| line.recorded(env, 1, true));
    assert_eq!(wire.ran(), ["select 2"]);
    assert_eq!(wire.look(), "T D C Z(I) T D C Z(I)");
}

#[test]
fn in_strict_mode_a_command_that_cannot_be_recorded_is_refused() {
    let mut wire = wire("strict");
    wire.begin();
    wire.client(&[query("select 1"), query("select 2")].concat());
    wire.event(|line, env| line.recorded(env, 0, false));
    wire.event(|line, env| line.recorded(env, 1, true));
    assert_eq!(wire.ran(), ["select 2"]);
    assert_eq!(wire.look(), "E(58000) Z(I) T D C Z(I)");

    wire.client(&batch("select 3"));
    wire.event(|line, env| line.recorded(env, 2, false));
    for ticket in 3..6 {
        wire.event(|line, env| line.recorded(env, ticket, true));
    }
    assert!(wire.ran().is_empty());
    assert_eq!(wire.look(), "E(58000) Z(I)");

    wire.client(&batch("select 4"));
    for ticket in 6..10 {
        wire.event(|line, env| line.recorded(env, ticket, false));
    }
    assert!(wire.ran().is_empty());
    assert_eq!(wire.look(), "E(58000) Z(I)", "one error for a batch");

    // All of it was recorded but its end, which ran nothing: the client must not be told that it did not happen.
    wire.client(&batch("select 5"));
    for ticket in 10..14 {
        wire.event(|line, env| line.recorded(env, ticket, ticket < 13));
    }
    assert_eq!(wire.ran(), ["select 5"]);
    assert_eq!(wire.look(), "1 2 D C Z(I)");
}

#[test]
fn in_strict_mode_the_refusal_is_recorded_too() {
    for script in [query("select 1"), batch("select 1")] {
        let mut wire = wire("strict");
        wire.begin();
        wire.client(&script);
        for ticket in 0..4 {
            wire.event(|line, env| line.recorded(env, ticket, false));
        }
        let shown = wire.shown.clone();
        assert_eq!(wire.look(), "E(58000) Z(I)");
        assert_eq!(recorded(&wire).1, shown);
    }
}

#[test]
fn a_cut_message_says_so_even_when_it_goes_no_further() {
    /// Takes what is long.
    #[derive(Debug)]
    struct Taker;

    impl Flow for Taker {
        fn client(&mut self, _cx: &mut Cx<'_>, frame: Frame<'_>, _note: &mut Option<Note>) -> Step {
            if frame.bytes.len() > 1 << 20 { Step::Take } else { Step::Pass }
        }

        fn server(&mut self, _cx: &mut Cx<'_>, _frame: Frame<'_>) -> Step {
            Step::Pass
        }
    }

    let tap = SessionTap::new(Live::new(settings("relaxed")));
    let mut wire = Wire::new(vec![Box::new(tap), Box::new(Taker)]);
    wire.begin();
    let long = query(&"x".repeat(3 << 20));
    wire.client(&[long.clone(), query("select 1")].concat());
    let payloads = wire.effects.iter().filter_map(|effect| match effect {
        Effect::Record(_, Body::Client(payload)) => Some((payload.bytes.len(), payload.omitted)),
        _ => None,
    });
    let cut = 1 << 20;
    let expected = [(cut, (long.len() - cut) as u64), (query("select 1").len(), 0)];
    assert_eq!(payloads.collect::<Vec<_>>(), expected);
}

#[test]
fn in_strict_mode_each_command_goes_by_its_own_record() {
    let mut wire = wire("strict");
    wire.begin();
    wire.client(&[query("select 1"), query("select 2"), query("select 3")].concat());
    // The second one's record was dropped by a full buffer, which is told late; or it is told first of all.
    wire.event(|line, env| line.recorded(env, 2, true));
    assert!(wire.ran().is_empty(), "what is before it is not known");
    wire.event(|line, env| line.recorded(env, 0, true));
    assert_eq!(wire.ran(), ["select 1"], "a record that is durable lets its own command go, no other");
    wire.event(|line, env| line.recorded(env, 0, true));
    assert!(wire.ran().is_empty(), "nobody waits for that one any more");
    wire.event(|line, env| line.recorded(env, 1, false));
    assert_eq!(wire.ran(), ["select 3"]);
    assert_eq!(wire.look(), "T D C Z(I) E(58000) Z(I) T D C Z(I)");
}

#[test]
fn in_strict_mode_a_message_is_recorded_whole_or_refused() {
    let mut wire = wire("strict");
    wire.begin();
    let long = query(&format!("select 1 -- {}", "x".repeat(3 << 20)));
    wire.client(&long);
    assert!(recorded(&wire).0 == long, "all of it");
    wire.event(|line, env| line.recorded(env, 0, true));
    assert_eq!(wire.ran().len(), 1);
    assert_eq!(wire.look(), "T D C Z(I)");

    // No record takes more.
    let huge = 8 << 20;
    let client = FrameLimits { message_max: 64 << 20, ..FrameLimits::default() };
    let limits = Limits { client, ..Limits::default() };
    let tap = SessionTap::new(Live::new(settings("strict")));
    let mut wire = Wire::with_line(Line::new(vec![Box::new(tap)], limits, false));
    assert!(huge < SessionTap::RECORDED_WHOLE_MOST, "half of the room for all records is less");
    wire.begin();
    wire.client(&[query("select 2"), query(&"x".repeat(huge)), query("select 3")].concat());
    assert!(wire.ran().is_empty(), "it has its place in the order");
    wire.event(|line, env| line.recorded(env, 0, true));
    wire.event(|line, env| line.recorded(env, 2, true));
    assert_eq!(wire.ran(), ["select 2", "select 3"]);
    assert_eq!(wire.look(), "T D C Z(I) E(54000) Z(I) T D C Z(I)");
}

#[test]
fn what_waits_for_its_record_is_bounded() {
    let mut wire = wire("strict");
    wire.begin();
    let large = query(&"x".repeat(7 << 20));
    for _ in 0..5 {
        wire.client(&large);
        wire.effects.clear();
    }
    assert_eq!(wire.look(), "E(FATAL 58000)");
    assert!(wire.ran().is_empty());
}

proptest! {
    #[test]
    fn any_split_gives_the_same(chunk in 1_usize..40) {
        let script = [query("begin"), batch("select 1"), query("fail"), query("rollback")].concat();
        let run = |chunk| {
            let mut wire = wire("relaxed");
            wire.begin();
            wire.chunk = chunk;
            wire.client(&script);
            (recorded(&wire), wire.ran(), wire.look(), wire.sent)
        };
        prop_assert_eq!(run(0), run(chunk));
    }
}
