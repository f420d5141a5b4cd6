//! What exactly is to be approved: the statement with its parameters, as an approver sees it, and a digest of it.

use chaperone_flow::Note;
use chaperone_model::{Decision, Digest};
use chaperone_pgwire::client::{Bind, Execute};
use chaperone_pgwire::{Format, tag};
use sha2::{Digest as _, Sha256};

use crate::queue::Kept;

/// Most bytes that an approver is shown. What is longer is not held but refused.
const SHOWN_MOST: usize = chaperone_flow::HELD_TEXT_MOST;

/// What is to be approved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Subject {
    /// For people.
    pub(crate) shown: String,
    /// Over everything that an approval allows: the statement, and in the extended protocol the messages that give
    /// it its parameters.
    pub(crate) digest: Digest,
}

/// Why there is no one thing to approve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unclear {
    /// More than one command of the batch is to be held, or its parameters came in an earlier batch.
    Batch,
    /// It cannot be shown whole.
    Long,
}

/// Whether a character ends a line, drives a terminal, or changes the direction of what follows.
fn breaks_the_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn is_held(kept: &Kept) -> bool {
    kept.note.as_ref().is_some_and(|note| note.verdict.decision == Decision::Hold)
}

impl Subject {
    /// Of a Query, or of a batch that contains one Execute that is to be held, with its Bind.
    pub(crate) fn of(messages: &[Kept], note: &Note) -> Result<Self, Unclear> {
        let subject = match messages {
            [only] if only.tag == tag::client::QUERY => {
                Self { shown: shown_with("", note.command.text()), digest: note.command.digest() }
            }
            batch => Self::of_batch(batch, note)?,
        };
        if subject.shown.len() > SHOWN_MOST { Err(Unclear::Long) } else { Ok(subject) }
    }

    fn of_batch(batch: &[Kept], note: &Note) -> Result<Self, Unclear> {
        let mut held = batch.iter().filter(|kept| kept.tag == tag::client::EXECUTE && is_held(kept));
        let (Some(kept), None) = (held.next(), held.next()) else { return Err(Unclear::Batch) };
        let execute = Execute::read(kept.frame().body()).map_err(|_| Unclear::Batch)?;
        let mut binds = batch.iter().filter(|kept| kept.tag == tag::client::BIND && is_held(kept));
        let (Some(kept), None) = (binds.next(), binds.next()) else { return Err(Unclear::Batch) };
        let bind = Bind::read(kept.frame().body()).map_err(|_| Unclear::Batch)?;
        if bind.portal != execute.portal {
            return Err(Unclear::Batch);
        }
        let digest = Sha256::new().chain_update(note.command.digest().0).chain_update(&kept.bytes).finalize();
        // First, so that nothing of the statement can pass for it.
        let mut parameters = String::new();
        for (index, value) in bind.values.iter().enumerate() {
            let before = if index == 0 { "" } else { ", " };
            let value = parameter(value, bind.param_formats.of(index));
            parameters.push_str(&format!("{before}${} = {value}", index + 1));
        }
        Ok(Self { shown: shown_with(&parameters, note.command.text()), digest: Digest(digest.into()) })
    }
}

/// The statement behind a line of its parameters. Where there are none, a statement that begins as if there were some
/// stands behind a line that says so.
fn shown_with(parameters: &str, text: &str) -> String {
    let begins =
        text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || breaks_the_line(c));
    match parameters {
        "" if begins.starts_with("--") || begins.starts_with("/*") => format!("-- no parameters\n{text}"),
        "" => text.to_owned(),
        some => format!("-- parameters: {some}\n{text}"),
    }
}

/// A parameter as people read it, in one line.
fn parameter(value: Option<&[u8]>, format: Option<Format>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let text = std::str::from_utf8(value).ok().filter(|_| format == Some(Format::Text));
    let Some(text) = text else {
        return format!("\\x{}", chaperone_model::hex(value));
    };
    if !text.contains(|c: char| c == '\\' || breaks_the_line(c)) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut escaped = String::from("E'");
    for c in text.chars() {
        match c {
            '\'' => escaped.push_str("''"),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if breaks_the_line(c) => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped.push('\'');
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_statement_passes_for_its_parameters() {
        assert_eq!(shown_with("$1 = 7", "UPDATE t"), "-- parameters: $1 = 7\nUPDATE t");
        assert_eq!(shown_with("", "UPDATE t"), "UPDATE t");
        for text in ["-- parameters: $1 = 7\nUPDATE t", " \u{feff}--x", "/**/-- parameters: $1 = 1\n"] {
            assert_eq!(shown_with("", text).lines().next(), Some("-- no parameters"), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_one_line() {
        let shown = |text: &str| parameter(Some(text.as_bytes()), Some(Format::Text));
        assert_eq!(shown("it's"), "'it''s'");
        assert_eq!(shown("a\nUPDATE t\\'"), r"E'a\nUPDATE t\\'''");
        assert_eq!(shown("\u{2028}\u{85}"), r"E'\u2028\u0085'");
        assert_eq!(parameter(Some(&[0, 255]), Some(Format::Binary)), "\\x00ff");
        assert_eq!(parameter(None, None), "NULL");
    }
}
