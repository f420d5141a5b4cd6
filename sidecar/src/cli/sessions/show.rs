//! `chaperone sessions show`.

use std::io::{self, Write};

use chaperone_proto::{Body, Record};
use serde_json::json;

use super::{by_time, detail};
use crate::cli::{Answer, Trouble, print_json};
use crate::client::Sidecar;
use crate::clock::{self, Millis};
use crate::http::Detail;
use crate::play::{Happening, render};
use crate::store::Session;
use crate::terminal::{BAD, FAINT, STRONG, one_line, styled};

pub(super) fn run(sidecar: &Sidecar, id: &str, json: bool, out: &mut impl Write) -> Result<Answer, Trouble> {
    let detail = detail(sidecar, id)?;
    let records = by_time(sidecar, &detail.session)?;
    if json {
        let decisions: Vec<_> = records.iter().filter_map(decision).collect();
        return print_json(out, &json!({ "session": detail, "decisions": decisions }));
    }
    let Detail { session, holes } = &detail;
    heading(session, out)?;
    let summary = &session.summary;
    let counts = format!(
        "{} allowed, {} denied, {} held; {} records",
        summary.allowed, summary.denied, summary.held, session.records
    );
    writeln!(out, "{counts}")?;
    for hole in holes {
        writeln!(out, "{}", styled(BAD, hole))?;
    }
    let began = records.first().map_or(0, |record| record.time);
    let mut first = true;
    for record in &records {
        let happening = match &record.body {
            Some(Body::Verdict(verdict)) => Happening::Verdict(verdict.clone()),
            Some(Body::Approval(step)) => Happening::Approval(step.clone()),
            Some(Body::Gap(gap)) => Happening::Gap(gap.missing, gap.why.clone()),
            Some(
                Body::Authenticated(_)
                | Body::Client(_)
                | Body::Closed(_)
                | Body::Opened(_)
                | Body::Server(_),
            )
            | None => continue,
        };
        if std::mem::take(&mut first) {
            writeln!(out)?;
        }
        let nanos = record.time.saturating_sub(began);
        let seconds = std::time::Duration::from_nanos(nanos).as_secs_f64();
        match &happening {
            // A refused login, or a message that is part of a command: there is no text.
            Happening::Verdict(verdict) if !verdict.statement.is_empty() => {
                let prompt = format!("{}=>", summary.database);
                let statement = Happening::Statement { prompt, text: verdict.statement.clone() };
                render(out, seconds, &statement)?;
            }
            _ => {}
        }
        render(out, seconds, &happening)?;
    }
    Ok(Answer::Yes)
}

/// Two lines that say which session this is.
pub(super) fn heading(session: &Session, out: &mut impl Write) -> io::Result<()> {
    let summary = &session.summary;
    let who = match (summary.subject.as_str(), summary.groups.as_slice()) {
        ("", _) => "nobody signed in".to_owned(),
        (subject, []) => subject.to_owned(),
        (subject, groups) => format!("{subject} ({})", groups.join(", ")),
    };
    writeln!(out, "{} {}", styled(STRONG, &session.id), one_line(&who))?;
    let took = clock::duration(session.last_ms.since(session.first_ms));
    let end = match summary.closed_by.as_str() {
        "" if session.silent_since_ms.is_some() => "broken off".to_owned(),
        "" => "still open".to_owned(),
        by => format!("closed by the {by}"),
    };
    let mut line = format!("{} UTC, {took}, {end}", Millis::precise(session.first_ms));
    if !summary.resource.is_empty() {
        line.push_str(&format!("; {}", summary.resource));
    }
    if !summary.role.is_empty() {
        line.push_str(&format!(" as {}, database {}", summary.role, summary.database));
    }
    for (word, value) in [("from", &summary.client), ("with", &summary.application)] {
        if !value.is_empty() {
            line.push_str(&format!(", {word} {value}"));
        }
    }
    writeln!(out, "{}", styled(FAINT, one_line(&line)))
}

fn decision(record: &Record) -> Option<serde_json::Value> {
    match &record.body {
        Some(Body::Verdict(_) | Body::Approval(_) | Body::Gap(_)) => Some(super::play::event(record)),
        _ => None,
    }
}
