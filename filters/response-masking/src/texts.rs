//! Errors, notices, notifications and settings: their texts quote values.

use chaperone_model::Reason;
use chaperone_pgwire::server::{Fields, NotificationResponse, ParameterStatus, field, write};
use chaperone_pgwire::{Frame, tag};
use chaperone_redact::Detectors;

use crate::plan::Plan;
use crate::quoting::is_nested;

/// Shown for a text that may quote a hidden column.
const WITHHELD: &str = "[redacted]: the server's message may quote a masked column";

/// Shown for the payload of a notification.
const REDACTED: &[u8] = b"[redacted]";

/// Settings that the server tells of and that can hold no value of a table: each has a few, or is the server's own.
const OF_FEW_VALUES: [&[u8]; 10] = [
    b"DateStyle",
    b"IntervalStyle",
    b"client_encoding",
    b"default_transaction_read_only",
    b"in_hot_standby",
    b"integer_datetimes",
    b"is_superuser",
    b"server_encoding",
    b"server_version",
    b"standard_conforming_strings",
];

/// Classes of SQLSTATE whose texts speak of the transaction or of the server, never of values in tables.
const WITHOUT_VALUES: [&[u8]; 5] = [b"08", b"25", b"40", b"53", b"57"];

/// What the analysis of a statement finds wrong with its text. Functions raise the same codes while they run, about
/// names that they took from rows (`notes::regclass`); only analysis tells a position in the text.
/// Syntax errors are not among them: the guard has read the statement, so that one is rather of a text that a function
/// was given (`card::regtype`), and PostgreSQL tells a position then too.
const OF_ANALYSIS: [&[u8]; 10] =
    [b"42702", b"42703", b"42725", b"42803", b"42804", b"42846", b"42883", b"42P01", b"42P02", b"42P10"];

/// Whether a text cannot quote a value of a table.
fn is_harmless(fields: &Fields<'_>) -> bool {
    let code = fields.find(field::CODE).unwrap_or_default();
    let class = code.get(..2).unwrap_or_default();
    let of_analysis = OF_ANALYSIS.contains(&code) && fields.find(field::POSITION).is_some();
    // Whoever raises an error chooses its code, and a trigger's or a function's tells that it was within one.
    (of_analysis || code == b"42501" || WITHOUT_VALUES.contains(&class)) && !is_nested(fields)
}

/// Whether the answer to a FETCH, a CLOSE or an EXECUTE is that the name in it stands for nothing.
pub(crate) fn is_of_a_name(frame: &Frame<'_>) -> bool {
    Fields::read(frame.body()).is_ok_and(|fields| {
        let code = fields.find(field::CODE).unwrap_or_default();
        (code == b"34000" || code == b"26000") && fields.find(field::CONTEXT).is_none()
    })
}

/// What is shown in the place of a text; none where it is shown as it is.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Text {
    Replaced(Vec<u8>),
    /// It cannot be read, so that it cannot be shown.
    Withheld(Reason),
}

/// An ErrorResponse or NoticeResponse. `exposed`: it may quote a hidden column, whatever that looks like.
pub(crate) fn response(plan: &Plan, frame: &Frame<'_>, exposed: bool) -> Option<Text> {
    let Ok(fields) = Fields::read(frame.body()) else {
        return Some(Text::Withheld(Reason::ProtocolViolation));
    };
    let withhold = exposed && !is_harmless(&fields);
    let mut changed = false;
    let mut shown: Vec<(u8, Vec<u8>)> = Vec::new();
    for (letter, text) in fields.iter() {
        let text = match letter {
            field::SEVERITY
            | field::SEVERITY_PLAIN
            | field::CODE
            | field::POSITION
            | field::INTERNAL_POSITION => None,
            // File, line, routine; schema, table, column, type, constraint.
            b'F' | b'L' | b'R' | b's' | b't' | b'c' | b'd' | b'n' => None,
            field::MESSAGE if withhold => Some(WITHHELD.as_bytes().to_vec()),
            _ if withhold => {
                changed = true;
                continue;
            }
            _ => plan.detectors.as_ref().and_then(|detectors| detectors.mask_text(text)),
        }
        .inspect(|_| changed = true)
        .unwrap_or_else(|| text.to_vec());
        shown.push((letter, text));
    }
    if !changed {
        return None;
    }
    let mut out = Vec::new();
    let fields = shown.iter().map(|(letter, text)| (*letter, text.as_slice()));
    let written = if frame.tag == tag::server::ERROR_RESPONSE {
        write::error_response(&mut out, fields)
    } else {
        write::notice_response(&mut out, fields)
    };
    Some(written.map_or(Text::Withheld(Reason::MaskUnsupported), |()| Text::Replaced(out)))
}

/// A NotificationResponse. Where columns are hidden nothing of its payload is shown: whatever session has sent it, and
/// that may be a trigger of a table, it may be a whole row.
pub(crate) fn notification(plan: &Plan, frame: &Frame<'_>) -> Option<Text> {
    let Ok(notification) = NotificationResponse::read(frame.body()) else {
        return Some(Text::Withheld(Reason::ProtocolViolation));
    };
    let payload = if plan.hides_columns() {
        (!notification.payload.is_empty()).then(|| REDACTED.to_vec())?
    } else {
        plan.detectors.as_ref()?.mask_text(notification.payload)?
    };
    // The writers have no such message, as nobody but a server sends one.
    let mut out = vec![frame.tag, 0, 0, 0, 0];
    out.extend(notification.pid.to_be_bytes());
    for text in [notification.channel, payload.as_slice()] {
        out.extend_from_slice(text);
        out.push(0);
    }
    let Ok(length) = i32::try_from(out.len() - 1) else {
        return Some(Text::Withheld(Reason::MaskUnsupported));
    };
    if let Some(place) = out.get_mut(1..5) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Some(Text::Replaced(out))
}

/// A ParameterStatus. `touched`: a statement of the session had to do with hidden columns, so that a setting may have
/// got a value of them.
pub(crate) fn setting(plan: &Plan, frame: &Frame<'_>, touched: bool) -> Option<Text> {
    let Ok(status) = ParameterStatus::read(frame.body()) else {
        return Some(Text::Withheld(Reason::ProtocolViolation));
    };
    if OF_FEW_VALUES.contains(&status.name) {
        return None;
    }
    if touched && plan.hides_columns() {
        return Some(Text::Withheld(Reason::MaskCarryRefused));
    }
    let value = plan.detectors.as_ref()?.mask_text(status.value)?;
    let mut out = Vec::new();
    let written = write::parameter_status(&mut out, status.name, &value);
    Some(written.map_or(Text::Withheld(Reason::MaskUnsupported), |()| Text::Replaced(out)))
}

/// A piece of COPY data in text or CSV form.
pub(crate) fn copied(detectors: &Detectors, frame: &Frame<'_>) -> Option<Text> {
    let masked = detectors.mask_text(frame.body())?;
    let mut out = Vec::new();
    let written = write::copy_data(&mut out, &masked);
    Some(written.map_or(Text::Withheld(Reason::MaskUnsupported), |()| Text::Replaced(out)))
}
