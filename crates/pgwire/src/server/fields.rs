//! The fields of errors and notices, read and written.

use std::fmt;

use crate::{
    read::{ReadError, Reader},
    tag::server as tag,
    write::fixed,
};

/// The letters of the fields that Chaperone writes or looks at.
pub mod field {
    /// The severity, translated.
    pub const SEVERITY: u8 = b'S';
    /// The severity, never translated.
    pub const SEVERITY_PLAIN: u8 = b'V';
    /// The SQLSTATE.
    pub const CODE: u8 = b'C';
    /// The message.
    pub const MESSAGE: u8 = b'M';
    /// More about it.
    pub const DETAIL: u8 = b'D';
    /// What to do about it.
    pub const HINT: u8 = b'H';
    /// Where in the statement, in characters.
    pub const POSITION: u8 = b'P';
    /// Where in a statement that the server itself made.
    pub const INTERNAL_POSITION: u8 = b'p';
    /// The statement that the server itself made.
    pub const INTERNAL_QUERY: u8 = b'q';
    /// The context: a stack of calls.
    pub const CONTEXT: u8 = b'W';
    /// The schema of what the error is about.
    pub const SCHEMA: u8 = b's';
    /// The table that the error is about.
    pub const TABLE: u8 = b't';
}

/// The longest text of a field that Chaperone writes, in bytes. What is longer is cut, and ends in `…`.
pub const FIELD_MAX: usize = 8 << 10;

/// The fields of an `ErrorResponse` or `NoticeResponse`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Fields<'a> {
    /// INVARIANT: letters, each with a text and its NUL; no terminator.
    bytes: &'a [u8],
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// The command failed.
    Error,
    /// The session ends.
    Fatal,
    /// For the user to know.
    Notice,
    /// For the user to mind.
    Warning,
}

/// An error or notice of Chaperone's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrorFields<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// The SQLSTATE: five letters and digits. Anything else is sent as `XX000`.
    pub code: &'a str,
    /// What happened.
    pub message: &'a str,
    /// More about it.
    pub detail: Option<&'a str>,
    /// What to do about it.
    pub hint: Option<&'a str>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    /// Reads the body of an `ErrorResponse` or `NoticeResponse`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let start = reader;
        loop {
            let end = reader;
            if reader.u8()? == 0 {
                return reader.finish().map(|()| Self { bytes: start.up_to(&end) });
            }
            reader.text()?;
        }
    }

    /// Each letter and text, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || Some((reader.u8().ok()?, reader.text().ok()?)))
    }

    /// The text of the first field with this letter.
    #[must_use]
    pub fn find(&self, letter: u8) -> Option<&'a [u8]> {
        self.iter().find(|(known, _)| *known == letter).map(|(_, text)| text)
    }
}

impl fmt::Debug for Fields<'_> {
    /// Shows the SQLSTATE only: texts may quote values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", String::from_utf8_lossy(self.find(field::CODE).unwrap_or_default()))
    }
}

// === impl Severity ===

impl Severity {
    /// As PostgreSQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        }
    }
}

// === impl ErrorFields ===

impl ErrorFields<'_> {
    /// The whole `ErrorResponse`.
    #[must_use]
    pub fn to_error(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_error(&mut out);
        out
    }

    /// The whole `NoticeResponse`.
    #[must_use]
    pub fn to_notice(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_notice(&mut out);
        out
    }

    /// Appends the `ErrorResponse`.
    pub fn write_error(&self, out: &mut Vec<u8>) {
        fixed(out, tag::ERROR_RESPONSE, &self.body());
    }

    /// Appends the `NoticeResponse`.
    pub fn write_notice(&self, out: &mut Vec<u8>) {
        fixed(out, tag::NOTICE_RESPONSE, &self.body());
    }

    /// The fields; bounded, since each of the three texts is.
    fn body(&self) -> Vec<u8> {
        let valid = self.code.len() == 5 && self.code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let code = if valid { self.code } else { "XX000" };
        let severity = self.severity.as_str();
        let fields = [
            (field::SEVERITY, Some(severity)),
            (field::SEVERITY_PLAIN, Some(severity)),
            (field::CODE, Some(code)),
            (field::MESSAGE, Some(self.message)),
            (field::DETAIL, self.detail),
            (field::HINT, self.hint),
        ];
        let mut body = Vec::new();
        for (letter, text) in fields {
            let Some(text) = text else { continue };
            body.push(letter);
            put_sanitised(&mut body, text);
            body.push(0);
        }
        body.push(0);
        body
    }
}

/// Appends `text` without NULs, cut at a character's border so that it has at most [`FIELD_MAX`] bytes.
fn put_sanitised(out: &mut Vec<u8>, text: &str) {
    const CUT: &str = "…";
    let start = out.len();
    let mut buffer = [0; 4];
    // Where to go back to when the text turns out to be too long.
    let mut fits = start;
    for letter in text.chars().filter(|letter| *letter != '\0') {
        let letter = letter.encode_utf8(&mut buffer).as_bytes();
        let len = out.len() - start + letter.len();
        if len > FIELD_MAX {
            out.truncate(fits);
            out.extend_from_slice(CUT.as_bytes());
            return;
        }
        out.extend_from_slice(letter);
        if len <= FIELD_MAX - CUT.len() {
            fits = out.len();
        }
    }
}
