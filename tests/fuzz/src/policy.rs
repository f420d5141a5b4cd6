//! Policy documents: YAML or JSON text, and Envoy's `Struct`.
//!
//! Laws: nothing panics; what is wrong with a text has a line in it; every problem can be shown; JSON, the same as
//! YAML, and the same as a value mean the same; what is accepted can be asked.

use chaperone_model::facts::{Effect, Facts, Opaque};
use chaperone_model::{Decision, Identity, UnixSeconds};
use chaperone_policy::{Caller, Error, MAX_DOCUMENT_BYTES, MAX_PROBLEM_BYTES, MAX_PROBLEMS, Policy};
use chaperone_proto::struct_to_json;
use chaperone_sql::{Limits, read};

/// The target.
pub fn body(data: &[u8]) {
    if let Ok(value) = struct_to_json(data) {
        match Policy::from_json(value) {
            Ok(policy) => ask(&policy),
            Err(error) => check_error(&error, ""),
        }
    }
    let text = String::from_utf8_lossy(data);
    let value = serde_json::from_str::<serde_json::Value>(&text).ok();
    match Policy::from_text(&text) {
        Ok(policy) => {
            ask(&policy);
            if let Some(value) = value.filter(serde_json::Value::is_object) {
                let other = Policy::from_json(value).map(|policy| policy.digest());
                assert_eq!(other, Ok(policy.digest()), "text and value are two policies");
            }
        }
        Err(error) => {
            check_error(&error, &text);
            if value.is_none() && text.len() <= MAX_DOCUMENT_BYTES {
                let is_empty = error.to_string() == "the document is empty";
                assert!(error.line().is_some() || is_empty, "no line: {error}");
            }
        }
    }
}

fn check_error(error: &Error, text: &str) {
    let problems = error.problems();
    assert!((1..=MAX_PROBLEMS).contains(&problems.len()), "{} problems", problems.len());
    let lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap_or(u32::MAX);
    for problem in problems {
        assert!(!problem.message.is_empty(), "a problem without words");
        assert!(problem.place.len() <= MAX_PROBLEM_BYTES, "{} bytes of place", problem.place.len());
        assert!(
            problem.message.len() <= MAX_PROBLEM_BYTES,
            "{} bytes about one problem",
            problem.message.len()
        );
        if let Some(at) = problem.at {
            assert!(at.line >= 1 && at.column >= 1, "{at:?} is counted from 1");
            // What ends too early is told for the line behind the last.
            assert!(text.is_empty() || at.line <= lines + 1, "{at:?} of {lines} lines");
        }
    }
    assert!(error.to_string().lines().count() >= problems.len(), "problems share a line");
}

const STATEMENTS: &[&str] = &[
    "select card, upper(name) from public.customers where id = 1",
    "delete from orders",
    "drop table secrets; set role admin",
    "copy t to program 'x'",
    "begin",
    "do $$ x $$",
];

/// Asks everything that can be asked.
fn ask(policy: &Policy) {
    let identity = Identity {
        subject: "agent".into(),
        groups: vec!["agents".into(), "analysts".into()],
        issuer: policy.issuers().first().map(|issuer| issuer.issuer.clone()).unwrap_or_default(),
        token_id: "t".into(),
        expires_at: UnixSeconds(2_000_000_000),
    };
    let resource = policy.resources().first();
    let name = resource.map_or("shop", |resource| resource.name.as_str());
    let role = resource.and_then(|resource| resource.roles.first());
    if let Some(role) = role {
        let _ = policy.admits(role, &identity);
    }
    let _ = policy.database_allowed(name, "shop");
    let role = role.map_or("agent", |role| role.name.as_str());
    let caller = Caller { identity: &identity, resource: name, role, database: "shop" };
    let _ = policy.masks(&caller);
    let _ = policy.may_approve("dba", "dora", &["dbas".to_owned()]);
    let mut all: Vec<Facts> =
        STATEMENTS.iter().map(|text| read(text.as_bytes(), &Limits::default())).collect();
    let mut whole = Facts { opaque: Some(Opaque::Encoding), ..Facts::default() };
    if let Some(statement) = all.first().and_then(|facts| facts.statements.first()) {
        let mut statement = statement.clone();
        statement.effects = vec![Effect::Setting("search_path".into()), Effect::Prepared("p".into())];
        whole.statements.push(statement);
    }
    all.push(whole);
    for facts in &all {
        let now = UnixSeconds(1_700_000_000);
        let verdict = policy.decide(&caller, facts, now);
        let explained = policy.explain(&caller, facts, now);
        assert_eq!(verdict, policy.decide(&caller, facts, now), "decided twice, decided otherwise");
        assert_eq!(verdict.decision == Decision::Hold, verdict.hold.is_some(), "a hold has terms");
        if let Some(rule) = &verdict.rule {
            assert!(explained.iter().any(|one| one.rule == *rule && one.matched), "decided, not explained");
        }
    }
}
