//! Strings and quoted names: plain, escaped, Unicode, bits, dollar quotes, continued over lines.

use chaperone_model::facts::Opaque;
use sqlparser::tokenizer::{Token, Word};

use super::{Scanner, is_name_part, is_name_start, is_space, name, unterminated};

/// How the inside of a string is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Escapes {
    /// `E'…'`.
    Backslash,
    /// `B'…'`.
    Bits,
    /// `X'…'`.
    Hex,
    /// `'…'` and `N'…'`.
    Plain,
    /// `U&'…'`.
    Unicode,
}

impl Scanner<'_> {
    pub(super) fn string(&mut self, prefix: usize, escapes: Escapes) -> Result<(), Opaque> {
        let mut value = Vec::new();
        self.at = self.at.saturating_add(prefix);
        loop {
            self.string_part(escapes, &mut value)?;
            // Strings with only white space that has a line end between them are one string, read in one mode.
            let Some(next) = self.continuation() else { break };
            self.at = next;
        }
        let value = String::from_utf8_lossy(&value).into_owned();
        let token = match escapes {
            Escapes::Bits => Token::SingleQuotedByteStringLiteral(value),
            Escapes::Hex => Token::HexStringLiteral(value),
            Escapes::Unicode => {
                let escape = self.escape_character()?;
                Token::SingleQuotedString(unicode(&value, escape)?)
            }
            Escapes::Backslash | Escapes::Plain => Token::SingleQuotedString(value),
        };
        self.push(token)
    }

    /// Reads from an opening quote past the closing one.
    fn string_part(&mut self, escapes: Escapes, value: &mut Vec<u8>) -> Result<(), Opaque> {
        self.at = self.at.saturating_add(1);
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(unterminated("string")),
                (Some(b'\''), Some(b'\'')) => {
                    value.push(b'\'');
                    self.at = self.at.saturating_add(2);
                }
                (Some(b'\''), _) => {
                    self.at = self.at.saturating_add(1);
                    return Ok(());
                }
                (Some(b'\\'), Some(escaped)) if escapes == Escapes::Backslash => {
                    self.at = self.at.saturating_add(2);
                    self.escape(escaped, value);
                }
                (Some(byte), _) => {
                    value.push(byte);
                    self.at = self.at.saturating_add(1);
                }
            }
        }
    }

    /// The value of an escape in `E'…'`; the character behind the backslash is already passed.
    fn escape(&mut self, escaped: u8, value: &mut Vec<u8>) {
        match escaped {
            b'b' => value.push(0x08),
            b'f' => value.push(0x0C),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'0'..=b'7' => {
                let mut code = u32::from(escaped.saturating_sub(b'0'));
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek(0) else { break };
                    code = code.saturating_mul(8).saturating_add(u32::from(digit.saturating_sub(b'0')));
                    self.at = self.at.saturating_add(1);
                }
                value.push(u8::try_from(code & 0xFF).unwrap_or_default());
            }
            b'x' => match self.hex(2) {
                Some(code) => value.push(u8::try_from(code).unwrap_or_default()),
                None => value.push(escaped),
            },
            b'u' | b'U' => {
                let code = self.hex(if escaped == b'u' { 4 } else { 8 });
                let decoded = code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                value.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => value.push(other),
        }
    }

    fn hex(&mut self, most: usize) -> Option<u32> {
        let mut code = None;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|byte| char::from(byte).to_digit(16)) else { break };
            code = Some(code.unwrap_or(0_u32).wrapping_mul(16).wrapping_add(digit));
            self.at = self.at.saturating_add(1);
        }
        code
    }

    /// Where the quote is that continues the string just read.
    fn continuation(&self) -> Option<usize> {
        let mut at = self.at;
        let mut line_end = false;
        loop {
            match self.byte(at)? {
                byte if is_space(byte) => line_end |= byte == b'\n' || byte == b'\r',
                b'-' if self.byte(at.saturating_add(1)) == Some(b'-') => {
                    at = self.run(at, |byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b'\'' if line_end => return Some(at),
                _ => return None,
            }
            at = at.saturating_add(1);
        }
    }

    pub(super) fn quoted_name(&mut self, prefix: usize, escaped: bool) -> Result<(), Opaque> {
        let start = self.at.saturating_add(prefix).saturating_add(1);
        self.at = start;
        let mut doubled = false;
        let end = loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(unterminated("quoted name")),
                (Some(b'"'), Some(b'"')) => {
                    doubled = true;
                    self.at = self.at.saturating_add(2);
                }
                (Some(b'"'), _) => break self.at,
                (Some(_), _) => self.at = self.at.saturating_add(1),
            }
        };
        self.at = end.saturating_add(1);
        let raw = self.slice(start, end);
        let mut value = if doubled { raw.replace("\"\"", "\"") } else { raw.to_owned() };
        if escaped {
            let escape = self.escape_character()?;
            value = unicode(&value, escape)?;
        }
        let value = name(&value, false);
        self.push(Token::Word(Word {
            value,
            quote_style: Some('"'),
            keyword: sqlparser::keywords::Keyword::NoKeyword,
        }))
    }

    /// Behind `U&'…'` or `U&"…"`: the character that escapes in it, by `UESCAPE '!'` or else a backslash.
    fn escape_character(&mut self) -> Result<char, Opaque> {
        let malformed = || Opaque::Unparsable("malformed UESCAPE".to_owned());
        let behind = self.at;
        self.skip_blank()?;
        let end = self.run(self.at, is_name_part);
        if !self.slice(self.at, end).eq_ignore_ascii_case("uescape") {
            self.at = behind;
            return Ok('\\');
        }
        self.at = end;
        self.skip_blank()?;
        let (Some(b'\''), Some(escape), Some(b'\'')) = (self.peek(0), self.peek(1), self.peek(2)) else {
            return Err(malformed());
        };
        self.at = self.at.saturating_add(3);
        let escape = char::from(escape);
        let known = escape.is_ascii_graphic() && !escape.is_ascii_hexdigit() && !"+'\"".contains(escape);
        // `'!'''` and `'!'` with more on the next line are longer.
        if !known || self.peek(0) == Some(b'\'') || self.continuation().is_some() {
            return Err(malformed());
        }
        Ok(escape)
    }

    /// A parameter (`$1`) or a dollar quote (`$tag$ … $tag$`).
    pub(super) fn dollar(&mut self) -> Result<(), Opaque> {
        let start = self.at;
        let after = start.saturating_add(1);
        if matches!(self.byte(after), Some(b'0'..=b'9')) {
            let end = self.run(after, |byte| byte.is_ascii_digit());
            if self.byte(end).is_some_and(is_name_part) {
                return Err(Opaque::Construct("parameter that runs into a word".to_owned()));
            }
            self.at = end;
            return self.push(Token::Placeholder(self.slice(start, end).to_owned()));
        }
        let mut tag_end = after;
        if self.byte(after).is_some_and(is_name_start) {
            tag_end = self.run(after, |byte| is_name_part(byte) && byte != b'$');
        }
        if self.byte(tag_end) != Some(b'$') {
            return Err(Opaque::Unparsable("unexpected character".to_owned()));
        }
        let body = tag_end.saturating_add(1);
        let tag = self.slice(start, body);
        let Some(length) = self.text.get(body..).and_then(|rest| rest.find(tag)) else {
            return Err(unterminated("dollar-quoted string"));
        };
        let end = body.saturating_add(length);
        self.at = end.saturating_add(tag.len());
        self.push(Token::SingleQuotedString(self.slice(body, end).to_owned()))
    }
}

/// Decodes `\XXXX`, `\+XXXXXX` and `\\`, of the backslash or another character.
fn unicode(raw: &str, escape: char) -> Result<String, Opaque> {
    let malformed = || Opaque::Unparsable("malformed unicode escape".to_owned());
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut high = None;
    while let Some(position) = rest.find(escape) {
        if high.is_some() && position > 0 {
            return Err(malformed());
        }
        value.push_str(rest.get(..position).unwrap_or_default());
        rest = rest.get(position.saturating_add(1)..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(escape) {
            if high.is_some() {
                return Err(malformed());
            }
            value.push(escape);
            rest = after;
            continue;
        }
        let (digits, length) = match rest.strip_prefix('+') {
            Some(after) => (after, 6),
            None => (rest, 4),
        };
        let hex = digits.get(..length).ok_or_else(malformed)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(malformed());
        }
        rest = digits.get(length..).unwrap_or_default();
        let code = u32::from_str_radix(hex, 16).map_err(|_| malformed())?;
        match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => high = Some(code),
            (Some(first), 0xDC00..=0xDFFF) => {
                let joined = 0x1_0000_u32
                    .saturating_add(first.saturating_sub(0xD800).saturating_mul(0x400))
                    .saturating_add(code.saturating_sub(0xDC00));
                value.push(char::from_u32(joined).ok_or_else(malformed)?);
            }
            (None, 1..) => value.push(char::from_u32(code).ok_or_else(malformed)?),
            _ => return Err(malformed()),
        }
    }
    if high.is_some() {
        return Err(malformed());
    }
    value.push_str(rest);
    Ok(value)
}
