//! `chaperone sessions`.

mod play;
mod show;

use std::io::Write;
use std::time::Duration;

use anstyle::Style;
use chaperone_proto::{Body, Message, Record, Source, VerdictRecord};
use clap::Subcommand;
use serde::Deserialize;

use super::{Answer, Trouble, print_json};
use crate::chain::{Fault, Link, Verifier};
use crate::client::{Error as ClientError, Place, Sidecar, segment};
use crate::clock;
use crate::http::{Detail, Page};
use crate::store::{Session, Told};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, Table, WAITING, cut, one_line, styled};

/// See what agents did: list, show, play, verify.
///
/// Needs CHAPERONE_OPERATOR_TOKEN. ID is a session's id, the beginning of it, or `last`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The latest sessions; exit code 1 when there are none.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// One session: who, when, every verdict and every approval.
    Show {
        /// Which session.
        id: String,
    },
    /// The session as the agent saw it.
    Play(play::Args),
    /// Check that nothing was altered, removed or lost; exit code 1 when it is not whole.
    Verify {
        /// Which session.
        id: String,
    },
}

#[derive(Debug, Deserialize)]
struct List {
    sessions: Vec<Session>,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let sidecar = Sidecar::at(&args.place)?;
    match &args.command {
        Command::List { limit } => list(&sidecar, *limit, args.json, out),
        Command::Show { id } => show::run(&sidecar, id, args.json, out),
        Command::Play(play) => play::run(&sidecar, play, args.json, out),
        Command::Verify { id } => verify(&sidecar, id, args.json, out),
    }
}

fn list(sidecar: &Sidecar, limit: u32, json: bool, out: &mut impl Write) -> Result<Answer, Trouble> {
    let sessions = latest(sidecar, limit)?;
    let answer = if sessions.is_empty() { Answer::No } else { Answer::Yes };
    if json {
        print_json(out, &sessions)?;
        return Ok(answer);
    }
    if sessions.is_empty() {
        writeln!(out, "no session is recorded")?;
        return Ok(answer);
    }
    let heads = ["SESSION", "BEGAN (UTC)", "TOOK", "WHO", "WHERE", "ALLOW", "DENY", "HOLD", "STATE"];
    let mut table = Table::new(&heads).shrinking(&["WHO", "WHERE", "SESSION"]);
    for session in &sessions {
        let summary = &session.summary;
        let plain = |text: String| (Style::new(), text);
        let who = if summary.subject.is_empty() { "(not signed in)" } else { &summary.subject };
        let place = match (summary.resource.as_str(), summary.role.as_str()) {
            ("", "") => "-".to_owned(),
            (resource, "") => resource.to_owned(),
            (resource, role) => format!("{resource}/{role}"),
        };
        let coloured = |count: u64, style| (if count > 0 { style } else { FAINT }, count.to_string());
        let (style, state) = match (summary.lost, summary.closed_by.as_str()) {
            (1.., _) => (BAD, "records lost"),
            _ if session.silent_since_ms.is_some() => (BAD, "broken off"),
            (0, "") => (GOOD, "open"),
            (0, _) => (FAINT, "closed"),
        };
        table.row(vec![
            (STRONG, cut(session.id.as_str(), 14)),
            plain(session.first_ms.to_minute()),
            plain(clock::duration(session.last_ms.since(session.first_ms))),
            plain(cut(&one_line(who), 24)),
            plain(cut(&one_line(&place), 24)),
            plain(summary.allowed.to_string()),
            coloured(summary.denied, BAD),
            coloured(summary.held, WAITING),
            (style, state.to_owned()),
        ]);
    }
    table.print(out)?;
    Ok(answer)
}

/// How long records may be on their way: whoever has just left a session means that one by `last`.
const ON_THE_WAY: Duration = Duration::from_millis(300);

pub(super) fn detail(sidecar: &Sidecar, id: &str) -> Result<Detail, Trouble> {
    // As `list` shortens it.
    let id = id.trim_end_matches('…');
    if id == "last" {
        std::thread::sleep(ON_THE_WAY);
    }
    Ok(sidecar.get(&format!("/v1/sessions/{}", segment(id)))?)
}

/// Walks through all records in the order of the chain.
fn each_link(
    sidecar: &Sidecar,
    session: &Session,
    mut each: impl FnMut(Link) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut after = 0;
    loop {
        let page: Page = sidecar.get(&format!("/v1/sessions/{}/records?after={after}", session.id))?;
        for record in &page.records {
            let link = record.link();
            let unknown = || ClientError::Unknown(format!("record {} is not well formed", record.position));
            each(link.ok_or_else(unknown)?)?;
        }
        match page.next {
            // A page that does not get on would be asked for for ever.
            Some(next) if next > after => after = next,
            _ => return Ok(()),
        }
    }
}

/// The latest sessions.
pub(super) fn latest(sidecar: &Sidecar, limit: u32) -> Result<Vec<Session>, Trouble> {
    let List { sessions } = sidecar.get(&format!("/v1/sessions?limit={limit}"))?;
    Ok(sessions)
}

/// What sql-guard decided in a session, in order, with the times of the records.
pub(super) fn verdicts(sidecar: &Sidecar, session: &Session) -> Result<Vec<(u64, VerdictRecord)>, Trouble> {
    let of_guard = |record: Record| match record.body {
        Some(Body::Verdict(verdict)) if record.source == i32::from(Source::Guard) => {
            Some((record.time, verdict))
        }
        _ => None,
    };
    Ok(by_time(sidecar, session)?.into_iter().filter_map(of_guard).collect())
}

/// All records by time; those of one filter stay in its own order.
fn by_time(sidecar: &Sidecar, session: &Session) -> Result<Vec<Record>, Trouble> {
    let mut records = Vec::new();
    each_link(sidecar, session, |link| {
        // What cannot be read is for `verify` to tell.
        records.extend(Record::decode(link.body.as_slice()).ok());
        Ok(())
    })?;
    // A clock that was set back does not change the order in which one filter spoke.
    Ok(in_order(records))
}

/// By time; but a clock that was set back does not change the order in which one filter spoke.
fn in_order(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| (record.source, record.seq));
    let (mut source, mut latest) = (0, 0);
    let mut timed = Vec::with_capacity(records.len());
    for record in records {
        latest = if record.source == source { record.time.max(latest) } else { record.time };
        source = record.source;
        timed.push((latest, record));
    }
    timed.sort_by_key(|(time, _)| *time);
    timed.into_iter().map(|(_, record)| record).collect()
}

fn verify(sidecar: &Sidecar, id: &str, json: bool, out: &mut impl Write) -> Result<Answer, Trouble> {
    let Detail { session, .. } = detail(sidecar, id)?;
    let head = session.head().ok_or_else(|| ClientError::Unknown("the head is no digest".to_owned()))?;
    let mut verifier = Verifier::new(session.id.clone());
    let (mut told, mut last) = (Told::default(), head.records);
    each_link(sidecar, &session, |link| {
        last = last.max(link.position);
        // What came after the head was read is not judged.
        if link.position <= head.records {
            verifier.push(&link).iter().for_each(|record| told.add(record));
        }
        Ok(())
    })?;
    let mut report = verifier.finish(head);
    if last > head.records {
        // The session may have gone on meanwhile.
        let now = detail(sidecar, session.id.as_str())?.session.records;
        if last > now {
            report.add(Fault::Added { first: now.saturating_add(1), last });
        }
    }
    if !report.closed && session.summary.has_ended() {
        report.add(Fault::EndMissing);
    }
    told.differences(&session).into_iter().for_each(|field| report.add(Fault::Summary { field }));
    if let Some(since) = session.silent_since_ms {
        report.add(Fault::BrokenOff { since });
    }
    let answer = if report.is_whole() { Answer::Yes } else { Answer::No };
    if json {
        let whole = report.is_whole();
        let value = serde_json::json!({
            "session": session.id, "whole": whole, "head": session.head, "report": report
        });
        print_json(out, &value)?;
        return Ok(answer);
    }
    let state = match (session.silent_since_ms, report.closed) {
        (Some(_), false) => "broken off",
        (_, true) => "closed",
        (None, false) => "still open",
    };
    if report.is_whole() {
        let whole = styled(GOOD, "whole");
        writeln!(
            out,
            "{} is {whole}: {} records, {state}, head {}",
            session.id, report.records, session.head
        )?;
    } else {
        let broken = styled(BAD, "not whole");
        writeln!(out, "{} is {broken}: {} records, {state}", session.id, report.records)?;
        for fault in &report.faults {
            writeln!(out, "  {}", one_line(&fault.to_string()))?;
        }
        if report.more_faults > 0 {
            writeln!(out, "  and {} more faults", report.more_faults)?;
        }
    }
    if report.omitted > 0 {
        writeln!(out, "{} bytes were left out by the recorder's limits", report.omitted)?;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use chaperone_proto::Source;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_changes_no_order() {
        let record =
            |source: Source, seq, time| Record { source: source.into(), seq, time, ..Record::default() };
        let mixed = vec![
            record(Source::Tap, 3, 12),
            record(Source::Tap, 1, 10),
            record(Source::Guard, 1, 11),
            record(Source::Tap, 2, 5),
            record(Source::Guard, 2, 13),
        ];
        let ordered: Vec<_> =
            in_order(mixed).into_iter().map(|record| (record.source(), record.seq)).collect();
        let (tap, guard) = (Source::Tap, Source::Guard);
        assert_eq!(ordered, [(tap, 1), (tap, 2), (guard, 1), (tap, 3), (guard, 2)]);
    }
}
