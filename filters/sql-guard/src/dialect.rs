//! How the session reads texts, by what the server reports of it.
//!
//! The guard reads texts as PostgreSQL does where strings are standard and the encoding is UTF-8; identity asks for both
//! at the start. A rule may let a client change either, and a function may do so unseen. The server reports both
//! settings whenever they change, so what it reads otherwise than the guard is told apart from what all read alike: a
//! text without a backslash is the same with either kind of strings, one of ASCII letters in every encoding.

use chaperone_model::facts::{Effect, Facts};
use chaperone_pgwire::server::ParameterStatus;

/// Settings that decide how a text is read, and which the server reports.
const REPORTED: [&str; 2] = ["client_encoding", "standard_conforming_strings"];

/// A setting whose name a statement computes.
const COMPUTED: &str = "*";

/// What the server has reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    standard_strings: bool,
    utf8: bool,
    /// A command that changes either went to the server, and what came of it is not known.
    unsure: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { standard_strings: true, utf8: true, unsure: false }
    }
}

impl Dialect {
    /// The server reports a setting.
    pub(crate) fn reported(&mut self, body: &[u8]) {
        let Ok(status) = ParameterStatus::read(body) else { return };
        match status.name {
            b"client_encoding" => self.utf8 = status.value.eq_ignore_ascii_case(b"UTF8"),
            b"standard_conforming_strings" => self.standard_strings = status.value == b"on",
            _ => {}
        }
    }

    /// Everything that was sent is done, and what it changed was reported.
    pub(crate) const fn settled(&mut self) {
        self.unsure = false;
    }

    /// A text goes to the server.
    pub(crate) fn runs(&mut self, facts: &Facts) {
        // What cannot be read may do that too.
        self.unsure |= facts.is_opaque() || changes(facts);
    }

    /// Whether the guard reads the text as the server will.
    pub(crate) fn is_read_alike(&self, text: &[u8], facts: &Facts) -> bool {
        let unsure = self.unsure || changes(facts);
        let standard = self.standard_strings && !unsure;
        let utf8 = self.utf8 && !unsure;
        (standard || !text.contains(&b'\\')) && (utf8 || text.is_ascii())
    }
}

/// Whether a text may change how those behind it are read, and the rest of itself.
fn changes(facts: &Facts) -> bool {
    facts.statements.iter().flat_map(|statement| &statement.effects).any(|effect| match effect {
        Effect::Setting(name) => name == COMPUTED || REPORTED.contains(&name.as_str()),
        Effect::CopyIn
        | Effect::CopyOut
        | Effect::File
        | Effect::Prepared(_)
        | Effect::Program
        | Effect::SwitchRole
        | Effect::Unnamed(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use chaperone_pgwire::server::write;

    use super::*;

    fn status(name: &str, value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write::parameter_status(&mut out, name.as_bytes(), value.as_bytes()).unwrap();
        out.split_off(5)
    }

    fn facts(text: &str) -> Facts {
        chaperone_sql::read(text.as_bytes(), &chaperone_sql::Limits::default())
    }

    #[test]
    fn what_all_read_alike_is_told_from_the_rest() {
        let plain = Facts::default();
        let (ascii, backslash, umlaut) = (&b"select 'a'"[..], &b"select 'a\\b'"[..], "select 'ä'".as_bytes());
        let alike =
            |dialect: &Dialect| [ascii, backslash, umlaut].map(|text| dialect.is_read_alike(text, &plain));
        let mut dialect = Dialect::default();
        assert_eq!(alike(&dialect), [true; 3]);
        dialect.reported(&status("standard_conforming_strings", "off"));
        assert_eq!(alike(&dialect), [true, false, true]);
        dialect.reported(&status("client_encoding", "SJIS"));
        assert_eq!(alike(&dialect), [true, false, false]);
        dialect.reported(&status("standard_conforming_strings", "on"));
        dialect.reported(&status("client_encoding", "utf8"));
        assert_eq!(alike(&dialect), [true; 3]);
        dialect.runs(&facts("select set_config(a, b, false) from t"));
        assert_eq!(alike(&dialect), [true, false, false], "until it is known what came of it");
        dialect.settled();
        assert_eq!(alike(&dialect), [true; 3]);
        dialect.runs(&facts("set work_mem = 1"));
        assert_eq!(alike(&dialect), [true; 3]);
    }

    #[test]
    fn a_text_that_changes_it_itself_must_be_read_alike_to_its_end() {
        let text = "set standard_conforming_strings = off; select 'a\\b'";
        assert!(!Dialect::default().is_read_alike(text.as_bytes(), &facts(text)));
        let text = "set client_encoding = 'SJIS'; select 'ä'";
        assert!(!Dialect::default().is_read_alike(text.as_bytes(), &facts(text)));
        let text = "set standard_conforming_strings = off";
        assert!(Dialect::default().is_read_alike(text.as_bytes(), &facts(text)));
    }
}
