//! Requests for approval as people read them.

use std::io::Write;

use anstyle::Style;

use crate::approval::{StateName, View};
use crate::cli::{Answer, Trouble};
use crate::clock::{self, Millis};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, Table, WAITING, cut, one_line, safe, styled};

fn style(state: StateName) -> Style {
    match state {
        StateName::Approved => GOOD,
        StateName::Pending => WAITING,
        StateName::Rejected => BAD,
        StateName::Cancelled | StateName::Expired => FAINT,
    }
}

pub(super) fn list(out: &mut impl Write, views: &[View], state: &str, now: Millis) -> Result<(), Trouble> {
    if views.is_empty() {
        let what = if state == "pending" { "nothing waits for approval" } else { "there is none" };
        writeln!(out, "{what}")?;
        return Ok(());
    }
    let mut table = Table::new(&["ID", "STATE", "WHO", "WHERE", "RULE", "WHEN", "STATEMENT"]).shrinking(&[
        "STATEMENT",
        "RULE",
        "WHO",
        "WHERE",
    ]);
    for view in views {
        let request = &view.request;
        let plain = |text: String| (Style::new(), text);
        table.row(vec![
            (STRONG, view.id.to_string()),
            (style(view.state), state_text(view)),
            plain(cut(&one_line(&request.subject), 24)),
            plain(cut(&one_line(&format!("{}/{}", request.resource, request.role)), 24)),
            plain(cut(&one_line(&request.rule), 24)),
            plain(when(view, now)),
            plain(cut(&one_line(&request.statement), 70)),
        ]);
    }
    table.print(out)?;
    Ok(())
}

fn state_text(view: &View) -> String {
    let state = view.state.as_str();
    match view.state {
        StateName::Pending if view.request.count > 1 => {
            format!("{state} {}/{}", view.approved_by.len(), view.request.count)
        }
        _ => state.to_owned(),
    }
}

fn when(view: &View, now: Millis) -> String {
    let seconds = |seconds: u64| Millis::default().plus_seconds(seconds);
    match view.decided_at {
        None => format!("expires in {}", clock::duration(seconds(view.expires_at).since(now))),
        Some(at) => format!("{} ago", clock::duration(now.since(seconds(at)))),
    }
}

pub(super) fn one(out: &mut impl Write, view: &View, now: Millis) -> Result<Answer, Trouble> {
    let request = &view.request;
    let time = |seconds: u64| format!("{} UTC", Millis::default().plus_seconds(seconds));
    let groups =
        if request.groups.is_empty() { String::new() } else { format!(" ({})", request.groups.join(", ")) };
    let place = format!("{} as {}, database {}", request.resource, request.role, request.database);
    let people = format!("{} of: {}", request.count, request.approvers.join(", "));
    let mut lines = vec![
        ("request", styled(STRONG, &view.id)),
        ("state", styled(style(view.state), format!("{} ({})", state_text(view), when(view, now)))),
        ("who", safe(&format!("{}{groups}", request.subject))),
        ("where", safe(&place)),
        ("session", safe(&request.session)),
        ("rule", safe(&request.rule)),
        ("message", safe(&request.message)),
        ("approvers", safe(&people)),
        ("approved by", safe(&view.approved_by.join(", "))),
        ("decided by", safe(&view.decided_by)),
        ("reason", safe(&view.reason)),
        ("asked", time(view.created_at)),
        ("expires", time(view.expires_at)),
        ("decided", view.decided_at.map(time).unwrap_or_default()),
        ("used", if view.redeemed { "yes".to_owned() } else { String::new() }),
        ("digest", safe(&request.digest)),
        ("policy", safe(&request.policy)),
    ];
    lines.retain(|(_, value)| !value.is_empty());
    for (name, value) in lines {
        writeln!(out, "{} {value}", styled(FAINT, format!("{name:>11}")))?;
    }
    writeln!(out, "\n{}", safe(&request.statement))?;
    if request.statement_omitted > 0 {
        let more = format!("({} more bytes are not shown)", request.statement_omitted);
        writeln!(out, "{}", styled(WAITING, more))?;
    }
    Ok(Answer::Yes)
}
