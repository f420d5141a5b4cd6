//! What the client is told while its command waits.

use chaperone_pgwire::server::{ErrorFields, Severity};

use crate::hold::Hold;

/// That people are asked: with the approval's id, at once.
pub(crate) fn waiting(hold: &Hold) -> Vec<u8> {
    let terms = hold.note.verdict.hold.as_ref();
    let approvers = terms.map(|terms| terms.approvers.join(" or ")).unwrap_or_default();
    let expires_in = terms.map_or(0, |terms| terms.expires_in);
    let rule = hold.note.verdict.rule.as_ref().map_or("", |rule| rule.as_str());
    let said = hold.note.verdict.message.trim_end_matches('.');
    notice(
        &format!("chaperone: waiting for approval {}", hold.id),
        &format!("Rule {rule}: {said}. Asked: {approvers}. Expires in {expires_in} s."),
        &format!("An approver can run: chaperone approvals approve {} --by NAME. Ctrl-C cancels.", hold.id),
    )
}

/// That the sidecar does not answer, and that the command is not lost yet.
pub(crate) fn silence(hold: &Hold) -> Vec<u8> {
    notice(
        &format!("chaperone: the approval service does not answer ({})", hold.id),
        &format!("The command waits and asks again for {} s; after that it is refused.", hold.grace / 1000),
        "Wait, or end the session: a cancel reaches the command only when the service answers again.",
    )
}

fn notice(message: &str, detail: &str, hint: &str) -> Vec<u8> {
    ErrorFields { severity: Severity::Notice, code: "00000", message, detail: Some(detail), hint: Some(hint) }
        .to_notice()
}
