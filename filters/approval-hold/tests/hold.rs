//! approval-hold in front of a stand-in for PostgreSQL and a scripted sidecar.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::rc::Rc;

use chaperone_approval_hold::ApprovalHold;
use chaperone_flow::testing::Wire;
use chaperone_flow::{Command, Cx, Effect, Flow, Limits, Line, Live, Note, Session, Step};
use chaperone_model::facts::Facts;
use chaperone_model::{Decision, Digest, HoldTerms, Identity, Reason, RuleId, UnixSeconds, Verdict};
use chaperone_pgwire::client::{Parse, Query, write};
use chaperone_pgwire::startup::{Cancel, StartupPacket};
use chaperone_pgwire::{Format, Frame, tag};
use chaperone_settings::{Environment, Settings};
use proptest::prelude::*;

/// Stands for sql-guard: what contains `risky` is to be held, what contains `unjudged` has no verdict.
#[derive(Debug)]
struct Guard {
    settings: Live<Settings>,
    prepared: Option<Note>,
}

fn note(text: &[u8], policy: Digest) -> Option<Note> {
    let shown = String::from_utf8_lossy(text);
    if shown.contains("unjudged") {
        return None;
    }
    let held = shown.contains("risky");
    let terms = HoldTerms { approvers: vec!["dba".into()], count: 1, expires_in: 60 };
    let verdict = Verdict {
        decision: if held { Decision::Hold } else { Decision::Allow },
        reason: if held { Reason::HeldForApproval } else { Reason::Allowed },
        rule: Some(RuleId("risky-update".into())),
        message: "this is risky".into(),
        hint: String::new(),
        hold: held.then_some(terms),
        shadow: None,
    };
    Some(Note {
        verdict: Rc::new(verdict),
        command: Rc::new(Command::new(text, Rc::new(Facts::default()))),
        policy,
        facts_wanted: false,
    })
}

impl Flow for Guard {
    fn client(&mut self, _cx: &mut Cx<'_>, frame: Frame<'_>, into: &mut Option<Note>) -> Step {
        let policy = self.settings.get().policy.digest();
        *into = match frame.tag {
            tag::client::QUERY => note(Query::read(frame.body()).unwrap().text, policy),
            tag::client::PARSE => {
                self.prepared = note(Parse::read(frame.body()).unwrap().text, policy);
                self.prepared.clone()
            }
            // Statements and portals of one letter are of one kind for ever.
            tag::client::BIND | tag::client::EXECUTE if frame.body().starts_with(b"r\0") => {
                note(b"risky", policy)
            }
            tag::client::BIND | tag::client::EXECUTE if frame.body().starts_with(b"s\0") => {
                note(b"select", policy)
            }
            // Judged again: the verdict is of the policy in force.
            tag::client::BIND | tag::client::EXECUTE => {
                self.prepared.clone().map(|note| Note { policy, ..note })
            }
            _ => None,
        };
        Step::Pass
    }

    fn server(&mut self, _cx: &mut Cx<'_>, _frame: Frame<'_>) -> Step {
        Step::Pass
    }
}

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        Some("filter-token".to_owned())
    }
}

/// Unix seconds at which the caller's token expires, ten minutes after the tests begin.
const TOKEN_EXPIRES: u64 = 1_700_000_600;

fn settings(policy: &str) -> Settings {
    let text = "
resource: shop
sidecar: { cluster: side, token_env: T }
policy:
  version: 1
  name: NAME
  identity: { issuers: [{ issuer: 'http://i', audiences: [a], jwks: { cluster: idp }, leeway: 0s }] }
  resources:
    - name: shop
      protocol: postgres
      databases: ['*']
      roles: [{ name: app, subjects: [agent], upstream: { user: app, auth: trust } }]
  rules: []
";
    Settings::read(text.replace("NAME", policy).as_bytes(), Rc::new(Nothing)).unwrap()
}

fn wire() -> Wire {
    wire_with(&Live::new(settings("shop")))
}

fn wire_with(settings: &Live<Settings>) -> Wire {
    let guard = Guard { settings: settings.clone(), prepared: None };
    let flows: Vec<Box<dyn Flow>> = vec![Box::new(guard), Box::new(ApprovalHold::new(settings.clone()))];
    let mut line = Line::new(flows, Limits::default(), false);
    let identity = Identity {
        subject: "agent".into(),
        groups: Vec::new(),
        issuer: "http://i".into(),
        token_id: String::new(),
        expires_at: UnixSeconds(TOKEN_EXPIRES),
    };
    let (role, database) = ("app".to_owned(), "shop".to_owned());
    line.set_session(Session { identity: Some(Rc::new(identity)), role, database, ..Session::default() });
    let mut wire = Wire::with_line(line);
    wire.begin();
    wire
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

fn prepare(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, b"", text.as_bytes(), &[]).unwrap();
    out
}

fn execute() -> Vec<u8> {
    let mut out = Vec::new();
    write::bind(&mut out, b"", b"", [], Format::Text).unwrap();
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

/// The calls that wait for a reply: method and path.
fn calls(wire: &Wire) -> Vec<String> {
    let of = |effect: &Effect| match effect {
        Effect::Call { call, .. } => Some(format!("{} {}", call.method, call.path)),
        _ => None,
    };
    wire.effects.iter().filter_map(of).collect()
}

/// The digest that the request named.
fn digest(wire: &Wire) -> String {
    let body = wire.effects.iter().rev().find_map(|effect| match effect {
        Effect::Call { call, .. } if call.method == "PUT" => {
            Some(String::from_utf8(call.body.clone()).unwrap())
        }
        _ => None,
    });
    let body = body.unwrap();
    body.split("\"digest\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

const PENDING: &str = r#"{"state":"pending"}"#;

/// Brings a held command up to the question that waits for people.
fn until_waiting(wire: &mut Wire) -> String {
    let digest = digest(wire);
    wire.reply(Some(201), PENDING);
    digest
}

fn approve(wire: &mut Wire, digest: &str) {
    wire.reply(Some(200), r#"{"state":"approved","decided_by":"dora"}"#);
    let redeemed = format!(r#"{{"state":"approved","digest":"{digest}"}}"#);
    wire.reply(Some(200), &redeemed);
}

#[test]
fn what_is_not_held_passes_untouched() {
    let mut wire = wire();
    let script = [query("select 1"), prepare("select 2"), execute(), sync()].concat();
    wire.client(&script);
    assert_eq!(wire.sent, script);
    assert!(calls(&wire).is_empty());
}

#[test]
fn a_held_query_tells_at_once_waits_and_goes_on_when_approved() {
    let mut wire = wire();
    wire.client(&query("risky 1"));
    assert!(wire.ran().is_empty());
    assert!(wire.line.waits());
    let digest = until_waiting(&mut wire);
    assert_eq!(wire.look(), "N");
    assert!(wire.ran().is_empty());
    approve(&mut wire, &digest);
    assert_eq!(wire.ran(), ["risky 1"]);
    assert_eq!(wire.look(), "T D C Z(I)");
    assert!(!wire.line.waits());
}

#[test]
fn the_four_endings_are_different_and_the_session_lives() {
    for (answer, expected) in [
        (r#"{"state":"rejected","decided_by":"dora","reason":"not today"}"#, "E(42501) Z(I)"),
        (r#"{"state":"expired"}"#, "E(42501) Z(I)"),
        (r#"{"state":"cancelled"}"#, "E(57014) Z(I)"),
    ] {
        let mut wire = wire();
        wire.client(&query("risky"));
        until_waiting(&mut wire);
        wire.look();
        wire.reply(Some(200), answer);
        assert!(String::from_utf8_lossy(&wire.shown).contains("chaperone: "), "{answer}");
        assert_eq!(wire.look(), expected, "{answer}");
        wire.client(&query("select 1"));
        assert_eq!(wire.ran(), ["select 1"]);
        assert_eq!(wire.look(), "T D C Z(I)");
    }
}

#[test]
fn an_approver_s_words_drive_no_terminal() {
    let mut wire = wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.shown.clear();
    wire.reply(Some(200), r#"{"state":"rejected","decided_by":"do\u001bra","reason":"no\u001b[2J\nway"}"#);
    let shown = String::from_utf8_lossy(&wire.shown).into_owned();
    assert!(shown.contains("rejected by do ra: no [2J way"), "{shown:?}");
}

#[test]
fn an_approval_of_something_else_releases_nothing() {
    let mut wire = wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.look();
    approve(&mut wire, &"0".repeat(64));
    assert_eq!(wire.look(), "E(42501) Z(I)");
    assert!(wire.ran().is_empty());
}

#[test]
fn an_approval_that_is_used_up_releases_nothing() {
    let mut wire = wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.look();
    wire.reply(Some(200), r#"{"state":"approved"}"#);
    wire.reply(Some(409), r#"{"title":"redeemed before"}"#);
    assert_eq!(wire.look(), "E(42501) Z(I)");
    assert!(wire.ran().is_empty());
}

#[test]
fn whoever_cancels_before_the_approval_is_used_is_told_that_it_is_cancelled() {
    for (body, shown) in [
        (r#"{"error":"not approved","state":"cancelled"}"#, "E(57014) Z(I)"),
        (r#"{"error":"not approved","state":"expired"}"#, "E(42501) Z(I)"),
    ] {
        let mut wire = wire();
        wire.client(&query("risky"));
        until_waiting(&mut wire);
        wire.look();
        wire.reply(Some(200), r#"{"state":"approved"}"#);
        wire.reply(Some(409), body);
        assert_eq!(wire.look(), shown);
        assert!(wire.ran().is_empty());
    }
}

#[test]
fn inside_a_transaction_the_status_is_right() {
    let mut wire = wire();
    wire.client(&[query("begin"), query("risky")].concat());
    let digest = until_waiting(&mut wire);
    assert_eq!(wire.look(), "T D C Z(T) N");
    approve(&mut wire, &digest);
    assert_eq!(wire.look(), "T D C Z(T)");
    wire.client(&query("risky again"));
    until_waiting(&mut wire);
    wire.look();
    wire.reply(Some(200), r#"{"state":"rejected"}"#);
    assert_eq!(wire.look(), "E(42501) Z(T)");
}

#[test]
fn a_batch_is_held_whole_and_goes_on_whole() {
    let mut wire = wire();
    wire.client(&[prepare("risky"), execute(), sync()].concat());
    assert!(wire.sent.is_empty(), "no lock is taken while people think");
    let digest = until_waiting(&mut wire);
    assert_eq!(wire.look(), "N");
    approve(&mut wire, &digest);
    assert_eq!(wire.look(), "1 2 D C Z(I)");
    assert_eq!(wire.ran(), ["risky"]);
}

/// A batch with a parameter.
fn bound(portal: &[u8], value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::bind(&mut out, portal, b"", [Some(value.as_bytes())], Format::Text).unwrap();
    write::execute(&mut out, portal, 0).unwrap();
    out
}

#[test]
fn an_approval_is_for_one_command_with_its_parameters() {
    let digest_of = |value: &str| {
        let mut wire = wire();
        wire.client(&[prepare("risky $1"), bound(b"", value), sync()].concat());
        let body = wire.effects.iter().rev().find_map(|effect| match effect {
            Effect::Call { call, .. } => Some(String::from_utf8(call.body.clone()).unwrap()),
            _ => None,
        });
        let shown = format!(r#""-- parameters: $1 = '{value}'\nrisky $1""#);
        assert!(body.unwrap().contains(&shown), "the approver sees it, before anything of the statement");
        digest(&wire)
    };
    assert_ne!(digest_of("1"), digest_of("99999"));
}

#[test]
fn a_batch_with_two_risky_commands_is_refused() {
    let mut wire = wire();
    let first = [prepare("risky 1"), bound(b"", "1")].concat();
    wire.client(&[first.clone(), prepare("risky 2"), bound(b"", "2"), sync(), query("select 1")].concat());
    assert!(calls(&wire).is_empty(), "nobody is asked for one and runs two");
    assert_eq!(wire.ran(), ["select 1"]);
    assert_eq!(wire.look(), "E(42501) Z(I) T D C Z(I)");

    // Bound in one batch, run in another: the approver could not see the parameters.
    wire.client(
        &[
            prepare("risky 1"),
            {
                let mut bind = Vec::new();
                write::bind(&mut bind, b"p", b"", [], Format::Text).unwrap();
                bind
            },
            flush(),
        ]
        .concat(),
    );
    let mut run = Vec::new();
    write::execute(&mut run, b"p", 0).unwrap();
    wire.look();
    wire.client(&[run, sync()].concat());
    assert!(wire.ran().is_empty());
    assert_eq!(wire.look(), "E(42501) Z(I)");
}

#[test]
fn a_rejected_batch_ends_at_its_sync_even_when_that_comes_later() {
    let mut wire = wire();
    wire.client(&[prepare("risky"), execute(), flush()].concat());
    until_waiting(&mut wire);
    assert_eq!(wire.look(), "N");
    wire.reply(Some(200), r#"{"state":"rejected"}"#);
    assert_eq!(wire.look(), "E(42501)");
    wire.client(&[execute(), sync(), query("select 1")].concat());
    assert_eq!(wire.look(), "Z(I) T D C Z(I)");
    assert_eq!(wire.ran(), ["select 1"]);
}

#[test]
fn preparing_alone_is_not_held() {
    let mut wire = wire();
    wire.client(&[prepare("risky"), flush()].concat());
    assert_eq!(wire.look(), "1");
    wire.client(&[execute(), sync()].concat());
    let digest = until_waiting(&mut wire);
    assert_eq!(wire.look(), "N");
    approve(&mut wire, &digest);
    assert_eq!(wire.look(), "2 D C Z(I)");
}

/// The letters of what the server was sent since the last look.
fn seen(wire: &mut Wire) -> String {
    std::mem::take(&mut wire.server.seen).iter().map(|(tag, _)| char::from(*tag)).collect()
}

#[test]
fn nothing_overtakes_a_batch_that_is_kept() {
    // A Query that fails ends a batch for the server: whoever pairs answers must know of the same order.
    let mut kept = wire();
    kept.client(&[prepare("risky"), query("fail"), sync(), query("select 2")].concat());
    assert_eq!(seen(&mut kept), "PQSQ");
    kept.look();

    let mut held = wire();
    held.client(&[prepare("risky"), execute(), query("select 1"), sync()].concat());
    assert_eq!(seen(&mut held), "", "the command in the batch is held");
    let digest = until_waiting(&mut held);
    seen(&mut held);
    approve(&mut held, &digest);
    assert_eq!(seen(&mut held), "PBEQS");
    assert_eq!(held.ran(), ["risky", "select 1"]);
}

#[test]
fn what_comes_behind_waits_its_turn_and_may_be_held_too() {
    let mut wire = wire();
    wire.client(&[query("risky 1"), query("select 2"), query("risky 3"), query("select 4")].concat());
    let digest = until_waiting(&mut wire);
    approve(&mut wire, &digest);
    assert_eq!(wire.ran(), ["risky 1", "select 2"]);
    until_waiting(&mut wire);
    wire.reply(Some(200), r#"{"state":"rejected"}"#);
    assert_eq!(wire.ran(), ["select 4"]);
    assert_eq!(wire.look(), "N T D C Z(I) T D C Z(I) N E(42501) Z(I) T D C Z(I)");
}

#[test]
fn a_verdict_that_is_missing_is_a_denial() {
    let mut wire = wire();
    wire.client(&[query("unjudged"), query("select 1")].concat());
    assert_eq!(wire.ran(), ["select 1"]);
    assert_eq!(wire.look(), "E(42501) Z(I) T D C Z(I)");
    wire.client(&[prepare("unjudged"), execute(), sync()].concat());
    assert!(wire.ran().is_empty());
    assert_eq!(wire.look(), "E(42501) Z(I)");
}

#[test]
fn a_restarted_sidecar_is_waited_for_and_a_lost_one_is_a_denial() {
    let mut wire = wire();
    wire.client(&query("risky"));
    let digest = until_waiting(&mut wire);
    wire.look();
    wire.reply(Some(503), "");
    assert!(calls(&wire).is_empty());
    wire.tick(1_000);
    assert_eq!(calls(&wire).len(), 1, "it asks again");
    approve(&mut wire, &digest);
    assert_eq!(wire.look(), "T D C Z(I)");
    wire.ran();

    wire.client(&query("risky"));
    for _ in 0..40 {
        if !wire.line.waits() {
            break;
        }
        if calls(&wire).iter().any(|call| call.starts_with("PUT")) {
            wire.reply(None, "");
        }
        wire.tick(1_000);
    }
    let shown = String::from_utf8_lossy(&wire.shown).into_owned();
    assert!(shown.contains("the approval service does not answer (ap-"), "{shown}");
    assert!(shown.contains("asks again for 30 s"), "{shown}");
    assert_eq!(wire.look(), "N E(58000) Z(I)", "who waits is told so once");
    assert!(wire.ran().is_empty());
}

#[test]
fn the_gateway_ends_the_wait_by_its_own_clock_too() {
    let mut wire = wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.look();
    wire.tick(66_000);
    assert_eq!(wire.look(), "E(42501) Z(I)");
    assert!(calls(&wire).iter().any(|call| call.ends_with("/withdraw")), "nobody may approve it later");
}

#[test]
fn what_waits_for_its_sync_is_not_sent_under_another_policy() {
    for batch in [[prepare("risky"), execute()].concat(), prepare("risky")] {
        let live = Live::new(settings("shop"));
        let mut wire = wire_with(&live);
        wire.client(&batch);
        live.set(settings("stricter"));
        wire.client(&[sync(), query("select 1")].concat());
        assert!(calls(&wire).is_empty(), "nobody is asked about a verdict of yesterday");
        assert_eq!(seen(&mut wire), "CHSQ", "a poke in the place of the batch");
        assert_eq!(wire.look(), "E(42501) Z(I) T D C Z(I)");
        assert_eq!(wire.ran(), ["select 1"]);
    }
}

#[test]
fn what_was_refused_with_its_batch_does_not_come_back() {
    let live = Live::new(settings("shop"));
    let mut wire = wire_with(&live);
    wire.client(&[prepare("risky 1"), execute()].concat());
    live.set(settings("stricter"));
    // A Query in the middle of a batch ends the patience with it; the server would skip both to the Sync.
    wire.client(&[query("select 1"), sync()].concat());
    assert_eq!(wire.look(), "E(42501) Z(I)");
    live.set(settings("shop"));
    wire.client(&query("risky 2"));
    let digest = until_waiting(&mut wire);
    approve(&mut wire, &digest);
    assert_eq!(wire.ran(), ["risky 2"]);
    wire.look();
    wire.client(&[prepare("select 3"), execute(), sync()].concat());
    assert_eq!(wire.ran(), ["select 3"]);
    assert_eq!(wire.look(), "1 2 D C Z(I)");
}

#[test]
fn what_waits_for_its_sync_is_not_sent_after_the_token_s_end() {
    for batch in [[prepare("risky"), execute()].concat(), prepare("risky")] {
        let mut wire = wire();
        wire.now.unix_nanos = (TOKEN_EXPIRES - 10) * 1_000_000_000;
        wire.client(&batch);
        wire.tick(10_000);
        wire.client(&sync());
        assert!(calls(&wire).is_empty());
        assert_eq!(wire.look(), "E(28000) Z(I)");
        assert!(wire.ran().is_empty());
    }
}

#[test]
fn a_policy_that_changes_ends_the_hold_and_what_waits_behind_it() {
    let live = Live::new(settings("shop"));
    let mut wire = wire_with(&live);
    wire.client(&[query("risky"), query("select 1")].concat());
    until_waiting(&mut wire);
    wire.look();
    live.set(settings("stricter"));
    wire.tick(100);
    assert_eq!(wire.look(), "E(42501) Z(I) E(42501) Z(I)");
    assert!(wire.ran().is_empty());
    assert!(calls(&wire).iter().any(|call| call.ends_with("/withdraw")), "nobody may approve it later");
    wire.client(&query("select 2"));
    assert_eq!(wire.ran(), ["select 2"]);
}

#[test]
fn a_late_answer_about_one_command_is_none_about_the_next() {
    let live = Live::new(settings("shop"));
    let mut wire = wire_with(&live);
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    let question = wire.take_call("?wait=");
    live.set(settings("stricter"));
    wire.tick(100);
    wire.look();

    wire.client(&query("risky"));
    let digest = until_waiting(&mut wire);
    wire.look();
    wire.answer(&question, Some(200), r#"{"state":"approved","decided_by":"dora"}"#);
    assert!(!calls(&wire).iter().any(|call| call.ends_with("/redeem")), "that was about the other one");
    wire.answer(&question, Some(200), r#"{"state":"rejected","decided_by":"dora"}"#);
    assert_eq!(wire.look(), "");
    approve(&mut wire, &digest);
    assert_eq!(wire.ran(), ["risky"]);
}

#[test]
fn an_answer_to_the_redeeming_that_was_lost_is_asked_for_again() {
    let mut wire = wire();
    wire.client(&query("risky"));
    let digest = until_waiting(&mut wire);
    wire.look();
    wire.reply(Some(200), r#"{"state":"approved"}"#);
    let (flow, first) = wire.take_call("/redeem");
    wire.answer(&(flow, first.clone()), None, "");
    wire.tick(1_000);
    let (_, second) = wire.take_call("/redeem");
    assert_eq!(first.body, second.body, "the same nonce");
    assert!(String::from_utf8_lossy(&first.body).contains("\"nonce\":\""));
    wire.answer(&(flow, second), Some(200), &format!(r#"{{"state":"approved","digest":"{digest}"}}"#));
    assert_eq!(wire.ran(), ["risky"]);
}

/// A command that waits, ten seconds before its token expires.
fn waiting_at_the_end() -> (Wire, String) {
    let mut wire = wire();
    wire.now.unix_nanos = (TOKEN_EXPIRES - 10) * 1_000_000_000;
    wire.client(&query("risky"));
    let digest = until_waiting(&mut wire);
    wire.look();
    (wire, digest)
}

#[test]
fn a_hold_ends_with_its_token() {
    let (mut wire, _) = waiting_at_the_end();
    wire.client(&query("behind"));
    wire.tick(9_900);
    assert_eq!(wire.look(), "");
    wire.tick(100);
    assert_eq!(wire.look(), "E(28000) Z(I) E(28000) Z(I)", "and so does what came behind it");
    assert!(wire.ran().is_empty());
    assert!(calls(&wire).iter().any(|call| call.ends_with("/withdraw")), "nobody may approve it later");
}

#[test]
fn an_approval_that_comes_with_the_token_s_end_releases_nothing() {
    let (mut wire, digest) = waiting_at_the_end();
    wire.reply(Some(200), r#"{"state":"approved","decided_by":"dora"}"#);
    wire.tick(10_000);
    assert_eq!(wire.look(), "", "it is being used up");
    wire.reply(Some(200), &format!(r#"{{"state":"approved","digest":"{digest}"}}"#));
    assert_eq!(wire.look(), "E(28000) Z(I)");
    assert!(wire.ran().is_empty());
}

#[test]
fn a_client_that_leaves_withdraws_its_request() {
    let mut wire = wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.close();
    assert!(calls(&wire).iter().any(|call| call.ends_with("/withdraw")));

    let mut wire = self::wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.client(&[b'X', 0, 0, 0, 4]);
    assert!(calls(&wire).iter().any(|call| call.ends_with("/withdraw")));
    assert!(wire.ran().is_empty());
}

#[test]
fn too_much_behind_a_held_command_ends_the_session() {
    let mut wire = wire();
    wire.client(&query("risky"));
    until_waiting(&mut wire);
    wire.look();
    for _ in 0..3 {
        wire.client(&query(&"x".repeat(600 << 10)));
    }
    assert_eq!(wire.look(), "E(FATAL 54000)");
    assert!(wire.ran().is_empty());
}

#[test]
fn a_cancel_request_names_the_hold_without_its_secret() {
    let mut holder = wire();
    holder.client(&query("risky"));
    let Some(Effect::Call { call, .. }) =
        holder.effects.iter().find(|effect| matches!(effect, Effect::Call { .. }))
    else {
        panic!("no call");
    };
    let request = String::from_utf8(call.body.clone()).unwrap();
    let key = request.split("\"cancel_key\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let text = "
resource: shop
sidecar: { cluster: side }
policy: { version: 1, name: shop, resources: [], rules: [] }
";
    let settings = Live::new(Settings::read(text.as_bytes(), Rc::new(Nothing)).unwrap());
    let mut canceller = Wire::new(vec![Box::new(ApprovalHold::new(settings))]);
    let mut packet = Vec::new();
    StartupPacket::Cancel(Cancel { pid: 7, secret: b"key!" }).write(&mut packet).unwrap();
    canceller.client(&packet);
    let Some(Effect::Call { call, .. }) = canceller.effects.first() else { panic!("no call") };
    assert_eq!(call.path, "/v1/cancels");
    assert_eq!(String::from_utf8(call.body.clone()).unwrap(), format!("{{\"cancel_key\":\"{key}\"}}"));
    assert_eq!(canceller.sent, packet, "a running query is the server's to cancel");
}

proptest! {
    #[test]
    fn any_split_gives_the_same(chunk in 1_usize..30) {
        let script = [query("select 1"), prepare("risky"), execute(), sync(), query("select 2"), query("risky"), query("begin")]
            .concat();
        let run = |chunk| {
            let mut wire = wire();
            wire.chunk = chunk;
            wire.client(&script);
            let digest = until_waiting(&mut wire);
            approve(&mut wire, &digest);
            until_waiting(&mut wire);
            wire.reply(Some(200), r#"{"state":"rejected"}"#);
            (wire.ran(), wire.look(), wire.sent)
        };
        prop_assert_eq!(run(0), run(chunk));
    }
}

/// What happens to a connection.
#[derive(Clone, Debug)]
enum Event {
    Says(Vec<u8>),
    Policy(&'static str),
    /// The newest question is answered; the redeeming with the digest that was asked for.
    Answered(Option<u16>, &'static str),
    Time(u64),
}

/// Parses a statement with a name.
fn named(name: &[u8], text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, name, text.as_bytes(), &[]).unwrap();
    out
}

/// Binds and executes it, in a portal of its name.
fn run(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write::bind(&mut out, name, name, [], Format::Text).unwrap();
    write::execute(&mut out, name, 0).unwrap();
    out
}

fn events() -> impl Strategy<Value = Event> {
    let says = prop_oneof![
        Just(query("risky")),
        Just(query("select 1")),
        Just(named(b"r", "risky")),
        Just(named(b"s", "select 2")),
        Just(run(b"r")),
        Just(run(b"s")),
        Just(sync()),
        Just(flush()),
        Just(query("begin")),
        Just(query("it will fail")),
    ];
    let answer = prop_oneof![
        4 => Just((Some(200), r#"{"state":"approved","decided_by":"dora"}"#)),
        2 => Just((Some(201), PENDING)),
        1 => Just((Some(200), r#"{"state":"rejected"}"#)),
        1 => Just((Some(409), "")),
        1 => Just((None, "")),
    ];
    prop_oneof![
        8 => says.prop_map(Event::Says),
        1 => prop_oneof![Just("shop"), Just("stricter")].prop_map(Event::Policy),
        6 => answer.prop_map(|(status, body)| Event::Answered(status, body)),
        1 => prop_oneof![Just(100_u64), Just(40_000)].prop_map(Event::Time),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever happens in whatever order: each risky command that runs has an approval of its own, and in the end the
    /// session goes on in step.
    #[test]
    fn nothing_risky_runs_without_an_approval_of_its_own(events in proptest::collection::vec(events(), 0..60)) {
        let live = Live::new(settings("shop"));
        let mut wire = wire_with(&live);
        let mut approved = 0;
        let answer = |wire: &mut Wire, status, body: &str| {
            let question = wire.effects.iter().rev().find_map(|effect| match effect {
                Effect::Call { call, .. } if !call.path.ends_with("/withdraw") => Some(call.path.clone()),
                _ => None,
            });
            let Some(path) = question else { return 0 };
            let call = wire.take_call(&path);
            let redeems = path.ends_with("/redeem") && status == Some(200) && body.contains("approved");
            let body = if redeems {
                let asked: serde_json::Value = serde_json::from_slice(&call.1.body).unwrap();
                format!(r#"{{"state":"approved","digest":{}}}"#, asked["digest"])
            } else {
                body.to_owned()
            };
            wire.answer(&call, status, &body);
            usize::from(redeems)
        };
        for event in events {
            match event {
                Event::Says(bytes) => wire.client(&bytes),
                Event::Policy(name) => live.set(settings(name)),
                Event::Answered(status, body) => approved += answer(&mut wire, status, body),
                Event::Time(millis) => wire.tick(millis),
            }
        }
        // Whatever is still held or parked ends here.
        for _ in 0..200 {
            if wire.line.wants_tick() {
                wire.tick(70_000);
            }
            approved += answer(&mut wire, Some(200), r#"{"state":"rejected"}"#);
        }
        wire.client(&sync());
        for _ in 0..200 {
            approved += answer(&mut wire, Some(200), r#"{"state":"rejected"}"#);
        }
        let risky = wire.ran().iter().filter(|text| text.contains("risky")).count();
        prop_assert!(risky <= approved, "{risky} ran, {approved} were approved");
        wire.look();
        if wire.effects.contains(&Effect::Close) {
            // A Query in the middle of a batch cannot be refused in step.
            return Ok(());
        }
        wire.client(&query("select 9"));
        prop_assert_eq!(wire.ran(), ["select 9"]);
        let shown = wire.look();
        prop_assert!(shown.starts_with("T D C Z("), "{}", shown);
        prop_assert!(!wire.line.wants_tick());
    }
}
