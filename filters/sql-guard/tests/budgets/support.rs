//! Sessions under budgets, and what they ask in few words.

use std::rc::Rc;

use chaperone_flow::testing::Wire;
use chaperone_flow::{Counts, Effect, Live};
use chaperone_pgwire::client::write;
use chaperone_pgwire::{Format, FrameLimits, Framer, Item};
use chaperone_proto::Body;
use chaperone_settings::{Environment, Settings};
use chaperone_sql_guard::{FactsCache, SqlGuard};

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

pub(crate) fn settings_with(mode: &str, budgets: &[&str]) -> Settings {
    let budgets: String = budgets.iter().map(|budget| format!("    - {{ {budget} }}\n")).collect();
    let text = format!(
        "
resource: shop
sidecar: {{ cluster: side }}
policy:
  version: 1
  name: shop
  mode: {mode}
  identity:
    issuers:
      - issuer: http://idp
        audiences: [chaperone]
        jwks: {{ cluster: idp }}
  resources:
    - name: shop
      protocol: postgres
      databases: [shop]
      roles:
        - name: analyst
          groups: [analysts]
          upstream: {{ user: app, auth: trust }}
  rules:
    - id: no-drop
      effect: deny
      match: {{ verbs: [drop] }}
    - id: anything-else
      effect: allow
      match: {{ any: true, opaque: true, effects: [copy_in, copy_out] }}
  budgets:
{budgets}"
    );
    Settings::read(text.as_bytes(), Rc::new(Nothing)).unwrap()
}

pub(crate) fn settings(budgets: &[&str]) -> Settings {
    settings_with("enforce", budgets)
}

/// A session of a subject, under settings that may change, with counts that others may share.
pub(crate) fn session(live: &Live<Settings>, counts: &Counts, subject: &str) -> Wire {
    let mut wire =
        Wire::new(vec![Box::new(SqlGuard::new(live.clone(), FactsCache::default(), counts.clone()))]);
    wire.begin();
    wire.sign_in(subject);
    wire
}

pub(crate) fn wire(budgets: &[&str]) -> Wire {
    session(&Live::new(settings(budgets)), &Counts::default(), "agent")
}

pub(crate) fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

/// A query that the stand-in answers with so many rows.
pub(crate) fn rows(number: usize) -> Vec<u8> {
    query(&format!("select 'rows {number}'"))
}

pub(crate) fn parse(name: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, name.as_bytes(), text.as_bytes(), &[]).unwrap();
    out
}

pub(crate) fn bind(portal: &str, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::bind(&mut out, portal.as_bytes(), name.as_bytes(), [], Format::Text).unwrap();
    out
}

pub(crate) fn execute(portal: &str, most: i32) -> Vec<u8> {
    let mut out = Vec::new();
    write::execute(&mut out, portal.as_bytes(), most).unwrap();
    out
}

pub(crate) fn run(text: &str) -> Vec<u8> {
    [parse("", text), bind("", ""), execute("", 0)].concat()
}

pub(crate) fn sync() -> Vec<u8> {
    let mut out = Vec::new();
    write::sync(&mut out);
    out
}

pub(crate) fn ask(wire: &mut Wire, bytes: &[u8]) -> String {
    wire.client(bytes);
    wire.look()
}

/// How many rows and lines were shown, and how many bytes those messages have.
pub(crate) fn shown(wire: &mut Wire) -> (usize, usize) {
    let bytes = std::mem::take(&mut wire.shown);
    let mut framer = Framer::server(FrameLimits::default());
    let mut sum = (0, 0);
    for item in framer.split(&bytes) {
        let Ok(Item::Frame(frame)) = item else { continue };
        if matches!(frame.tag, b'D' | b'd') {
            sum = (sum.0 + 1, sum.1 + frame.bytes.len());
        }
    }
    sum
}

/// Decision, reason, rule, what shadow would have decided, and the statement, of all that was recorded.
pub(crate) fn verdicts(wire: &Wire) -> Vec<String> {
    let of = |effect: &Effect| {
        let (verdict, statement) = match effect {
            Effect::Record(_, Body::Verdict(verdict)) => (verdict, verdict.statement.as_str()),
            Effect::Verdict(head, command) => (head.record(), command.statement()),
            _ => return None,
        };
        let told = [&verdict.decision, &verdict.reason, &verdict.rule, &verdict.shadow, statement];
        Some(
            told.iter()
                .filter(|word| !word.is_empty())
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    wire.effects.iter().filter_map(of).collect()
}

pub(crate) fn counted(wire: &Wire, counter: &str) -> usize {
    wire.effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Count(name, 1) if name.ends_with(counter)))
        .count()
}
