//! From happenings to lines, in psql's look, with what Chaperone decided in between.

use std::io::{self, Write};

use anstyle::Style;
use chaperone_proto::{Approval, Authenticated, Opened, VerdictRecord};

use super::{Direction, Happening, Report};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WAITING, one_line, safe, styled};

/// Writes one happening, `seconds` after the session began.
pub(crate) fn render(out: &mut impl Write, seconds: f64, happening: &Happening) -> io::Result<()> {
    let stamp = styled(FAINT, format!("{seconds:>9.3}"));
    let (style, lines) = lines(happening);
    for (index, line) in lines.iter().enumerate() {
        let margin = if index == 0 { stamp.as_str() } else { "         " };
        let line = if style == Style::new() { line.clone() } else { styled(style, line) };
        writeln!(out, "{}", format!("{margin}  {line}").trim_end())?;
    }
    Ok(())
}

fn lines(happening: &Happening) -> (Style, Vec<String>) {
    match happening {
        Happening::Approval(step) => approval(step),
        Happening::Authenticated(who) => (FAINT, vec![authenticated(who)]),
        Happening::Closed(by) => (FAINT, vec![format!("closed by the {}", one_line(by))]),
        Happening::Copied(Direction::In, bytes) => (FAINT, vec![format!("sends {bytes} bytes of COPY data")]),
        Happening::Copied(Direction::Out, bytes) => (FAINT, vec![format!("gets {bytes} bytes of COPY data")]),
        Happening::Gap(missing, why) => {
            (BAD, vec![format!("{missing} record(s) lost here: {}", one_line(why))])
        }
        Happening::Note(text) => (FAINT, indented("", text)),
        Happening::Opened(opened) => (FAINT, vec![connected(opened)]),
        Happening::Report(report) => (report_style(report), report_lines(report)),
        Happening::Rows(grid) => (Style::new(), grid.lines()),
        Happening::Statement { prompt, text } => (STRONG, indented(&format!("{} ", one_line(prompt)), text)),
        Happening::Tag(tag) => (Style::new(), vec![one_line(tag)]),
        Happening::Verdict(verdict) => verdict_lines(verdict),
    }
}

/// A text of several lines, its first behind `prefix` and the others below it.
fn indented(prefix: &str, text: &str) -> Vec<String> {
    let text = safe(text).replace('\t', "    ");
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim_end().split('\n') {
        let margin = if lines.is_empty() { prefix.to_owned() } else { " ".repeat(prefix.chars().count()) };
        lines.push(format!("{margin}{line}"));
    }
    lines
}

fn connected(opened: &Opened) -> String {
    one_line(&format!("connected from {} to {}", opened.client, opened.resource))
}

fn authenticated(who: &Authenticated) -> String {
    let groups = if who.groups.is_empty() { String::new() } else { format!(" ({})", who.groups.join(", ")) };
    one_line(&format!("signed in: {}{groups} as {} on {}", who.subject, who.role, who.database))
}

fn report_style(report: &Report) -> Style {
    match report.severity.as_str() {
        "ERROR" | "FATAL" | "PANIC" => BAD,
        _ => WAITING,
    }
}

fn report_lines(report: &Report) -> Vec<String> {
    let mut lines = indented(&format!("{}:  ", one_line(&report.severity)), &report.message);
    for (name, text) in [("DETAIL:  ", &report.detail), ("HINT:  ", &report.hint)] {
        if !text.is_empty() {
            lines.extend(indented(name, text));
        }
    }
    // psql does not show the code, but who reads a recording wants it.
    if report_style(report) == BAD {
        if let Some(first) = lines.first_mut() {
            first.push_str(&format!(" ({})", one_line(&report.code)));
        }
    }
    lines
}

fn verdict_lines(verdict: &VerdictRecord) -> (Style, Vec<String>) {
    let (style, word) = match verdict.decision.as_str() {
        "allow" => (GOOD, "allowed"),
        "hold" => (WAITING, "held"),
        _ => (BAD, "denied"),
    };
    let mut line = format!("▸ {word}");
    if !verdict.rule.is_empty() {
        line.push_str(&format!(" by rule `{}`", one_line(&verdict.rule)));
    }
    if word != "allowed" {
        line.push_str(&format!(" [{}]", one_line(&verdict.reason)));
        if !verdict.message.is_empty() {
            line.push_str(&format!(": {}", one_line(&verdict.message)));
        }
    }
    if !verdict.shadow.is_empty() {
        line.push_str(&format!(" (shadow: would be {})", one_line(&verdict.shadow)));
    }
    (style, vec![line])
}

fn approval(step: &Approval) -> (Style, Vec<String>) {
    let (style, what) = match step.state.as_str() {
        "pending" => (WAITING, "waits for approval".to_owned()),
        "approved" => (GOOD, "approved".to_owned()),
        "rejected" => (BAD, "rejected".to_owned()),
        "refused" => (BAD, "ended: refused".to_owned()),
        "unavailable" => (BAD, "ended: the approval service could not be reached".to_owned()),
        other => (BAD, one_line(other)),
    };
    let mut line = format!("▸ request {} {what}", one_line(&step.id));
    if !step.by.is_empty() {
        line.push_str(&format!(" by {}", one_line(&step.by)));
    }
    if !step.reason.is_empty() {
        line.push_str(&format!(": {}", one_line(&step.reason)));
    }
    (style, vec![line])
}
