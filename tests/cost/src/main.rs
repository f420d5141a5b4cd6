//! Runs the flows of a governed session natively, as fast as they go: what `perf` and `callgrind` look at.
//!
//! ```text
//! chaperone-cost simple 100000     # pgbench's select-only transaction, a new text each time
//! chaperone-cost prepared 100000   # the same, prepared once
//! chaperone-cost rules 20000       # what ten and a thousand rules cost
//! valgrind --tool=callgrind chaperone-cost simple 10000
//! ```
//!
//! It prints nanoseconds a transaction; instructions are the steadier figure. Envoy's own part and the host calls are
//! not in it: `make bench` has them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a tool for developers: a failure here ends it")]

mod pgbench;
mod rules;

use std::rc::Rc;
use std::time::Instant;

use chaperone_approval_hold::ApprovalHold;
use chaperone_flow::{Counts, Effect, Env, Flow, Limits, Line, Live, Now, Random, Recorder, Time};
use chaperone_model::{Identity, SessionId, UnixSeconds};
use chaperone_proto::{Source, Told};
use chaperone_response_masking::{ResponseMasking, Shared};
use chaperone_session_tap::SessionTap;
use chaperone_settings::{Environment, Settings};
use chaperone_sql_guard::{FactsCache, SqlGuard};

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The policy that `make bench` runs under.
const POLICY: &str = include_str!("../../bench/policy.yaml");

/// A line behind identity, with a recorder, as the fused module has them.
struct Session {
    line: Line,
    recorder: Recorder,
    id: SessionId,
    now: Now,
    recorded: usize,
}

impl Session {
    fn new() -> Self {
        let policy = POLICY.replace('\n', "\n  ");
        let text = format!("resource: shop\nsidecar: {{ cluster: side }}\npolicy:\n  {policy}\n");
        let settings = Settings::read(text.as_bytes(), Rc::new(Nothing)).expect("the bench's policy");
        let recorder = Recorder::new(settings.recorder);
        let live = Live::new(settings);
        let flows: Vec<Box<dyn Flow>> = vec![
            Box::new(SessionTap::new(live.clone())),
            Box::new(SqlGuard::new(live.clone(), FactsCache::default(), Counts::default())),
            Box::new(ApprovalHold::new(live.clone())),
            Box::new(ResponseMasking::new(live, Shared::new([7; 32]))),
        ];
        let id = SessionId("s-0123456789abcdef0123456789abcdef".into());
        let now = Now { unix_nanos: 1_700_000_000_000_000_000 };
        let mut session =
            Self { line: Line::new(flows, Limits::default(), false), recorder, id, now, recorded: 0 };
        session.client(&pgbench::startup());
        session.server(&pgbench::ready());
        let mut known = session.line.session().clone();
        known.id = Some(session.id.clone());
        known.role = "analyst".into();
        known.database = "shop".into();
        known.identity = Some(Rc::new(Identity {
            subject: "bench".into(),
            groups: vec!["analysts".into()],
            issuer: "http://127.0.0.1:8085".into(),
            token_id: "t".into(),
            expires_at: UnixSeconds(2_000_000_000),
        }));
        session.line.set_session(known);
        session
    }

    /// Bytes of the client; how many bytes go on in their place.
    fn client(&mut self, bytes: &[u8]) -> usize {
        let outcome =
            self.line.client_data(&mut Env { time: &Time::at(self.now), random: &mut Zeros }, bytes, None);
        self.effects(outcome.effects);
        match outcome.buffer {
            chaperone_flow::Buffer::Keep => bytes.len(),
            chaperone_flow::Buffer::Replace(other) => other.len(),
        }
    }

    /// Bytes of the server; how many bytes the client is shown.
    fn server(&mut self, bytes: &[u8]) -> usize {
        let outcome =
            self.line.server_data(&mut Env { time: &Time::at(self.now), random: &mut Zeros }, bytes);
        self.effects(outcome.effects);
        match outcome.buffer {
            chaperone_flow::Buffer::Keep => bytes.len(),
            chaperone_flow::Buffer::Replace(other) => other.len(),
        }
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Record(source, body) => {
                    self.recorder.add(&self.id, source, self.now, Told::Body(&body), None);
                }
                Effect::Verdict(verdict, command) => {
                    let told = Told::Verdict(&verdict, command.statement());
                    self.recorder.add(&self.id, Source::Guard, self.now, told, None);
                }
                _ => {}
            }
        }
        if let Some(batch) = self.recorder.poll(self.now) {
            self.recorded += batch.bytes.len();
            self.recorder.durable();
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_else(|| "simple".to_owned());
    let count: u32 = arguments.next().map_or(100_000, |text| text.parse().expect("a number of transactions"));
    if mode == "rules" {
        return rules::run(count);
    }
    let mut session = Session::new();
    pgbench::warm_up(&mut session, &mode);
    let begun = Instant::now();
    for number in 0..count {
        // Not so fast that the masking's catalogue gets old.
        session.now.unix_nanos += 5_000_000_000 / u64::from(count);
        pgbench::transaction(&mut session, &mode, number);
    }
    let each = begun.elapsed().as_nanos() / u128::from(count.max(1));
    println!(
        "{mode}: {each} ns a transaction, {} bytes of records",
        session.recorded / count.max(1) as usize
    );
}
