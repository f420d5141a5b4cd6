//! `chaperone sessions play`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use chaperone_model::Digest;
use chaperone_proto::{Body, Record, VerdictRecord};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{by_time, detail, show};
use crate::chain::source_name;
use crate::cli::span::span;
use crate::cli::{Answer, Trouble};
use crate::client::Sidecar;
use crate::play::{Transcript, render};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which session.
    id: String,
    /// So many times as fast.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// All at once; so it is too where the output is no terminal.
    #[arg(long)]
    instant: bool,
    /// Never wait longer than this for the next thing to happen.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = span)]
    idle: Duration,
}

pub(super) fn run(
    sidecar: &Sidecar,
    args: &Args,
    json: bool,
    out: &mut impl Write,
) -> Result<Answer, Trouble> {
    if !(args.speed.is_finite() && args.speed > 0.0) {
        return Err(Trouble::Other("--speed must be greater than 0".to_owned()));
    }
    let session = detail(sidecar, &args.id)?.session;
    let records = by_time(sidecar, &session)?;
    if json {
        // One object a line, for programs.
        for record in &records {
            writeln!(out, "{}", event(record))?;
        }
        return Ok(Answer::Yes);
    }
    show::heading(&session, out)?;
    writeln!(out)?;
    let instant = args.instant || !std::io::stdout().is_terminal();
    let began = records.first().map_or(0, |record| record.time);
    let mut before = began;
    let mut transcript = Transcript::new();
    for record in &records {
        let happenings = transcript.push(record);
        if happenings.is_empty() {
            continue;
        }
        if !instant {
            out.flush()?;
            let gap = Duration::from_nanos(record.time.saturating_sub(before));
            let pause = gap.min(Duration::from_secs(86_400)).div_f64(args.speed.max(1e-3));
            std::thread::sleep(pause.min(args.idle));
        }
        before = record.time;
        let seconds = Duration::from_nanos(record.time.saturating_sub(began)).as_secs_f64();
        for happening in happenings {
            render(out, seconds, &happening)?;
        }
    }
    Ok(Answer::Yes)
}

pub(super) fn event(record: &Record) -> Value {
    let (kind, body) = match &record.body {
        Some(Body::Approval(step)) => {
            let body = json!({"id": step.id, "state": step.state, "by": step.by, "reason": step.reason});
            ("approval", body)
        }
        Some(Body::Authenticated(who)) => (
            "authenticated",
            json!({
                "subject": who.subject, "groups": who.groups, "issuer": who.issuer, "role": who.role,
                "database": who.database, "application": who.application, "expires_at": who.expires_at
            }),
        ),
        Some(Body::Client(payload)) => ("client", bytes(&payload.bytes, payload.omitted)),
        Some(Body::Closed(closed)) => ("closed", json!({ "by": closed.by })),
        Some(Body::Gap(gap)) => ("gap", json!({ "missing": gap.missing, "why": gap.why })),
        Some(Body::Opened(opened)) => (
            "opened",
            json!({"client": opened.client, "resource": opened.resource, "protocol": opened.protocol}),
        ),
        Some(Body::Server(payload)) => ("server", bytes(&payload.bytes, payload.omitted)),
        Some(Body::Verdict(verdict)) => (
            "verdict",
            json!({
                "decision": verdict.decision, "reason": verdict.reason, "rule": verdict.rule,
                "message": verdict.message, "digest": digest(verdict), "policy": verdict.policy,
                "shadow": verdict.shadow, "statement": verdict.statement
            }),
        ),
        None => ("unknown", Value::Null),
    };
    json!({
        "time_ns": record.time, "source": source_name(record.source), "seq": record.seq,
        "kind": kind, "body": body
    })
}

/// The filter leaves it out where the statement is whole.
fn digest(verdict: &VerdictRecord) -> String {
    if verdict.digest.is_empty() && !verdict.statement.is_empty() {
        Digest(Sha256::digest(verdict.statement.as_bytes()).into()).to_hex()
    } else {
        verdict.digest.clone()
    }
}

fn bytes(bytes: &[u8], omitted: u64) -> Value {
    use base64::Engine as _;
    json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes), "omitted": omitted })
}
