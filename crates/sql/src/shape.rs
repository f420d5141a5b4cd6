//! What a text does whatever its numbers are, so that texts that differ in nothing else are read once.
//!
//! Agents that write values into the text (`… WHERE id = 4711`) never send the same text twice. The shape of such a
//! text has a mark in the place of every whole number. It is read like a text; whoever wants to know a number's
//! value (`WHERE 1`, `id < 5 OR id > 3`) finds none, and then the facts depend on it and the shape has none of its
//! own.
//!
//! A shape is cut with far less care than the scanner's, so it gives up wherever the two could differ: comments,
//! backslashes, dollar quotes, numbers that run into something else.

use std::cell::Cell;

use chaperone_model::facts::Facts;

use crate::limits::Limits;

/// In a shape: a number that is left open. No text of a client has one, for PostgreSQL refuses it everywhere.
const MARK: u8 = 0;
/// What the token of an open number holds.
pub(crate) const OPEN: &str = "\0";
/// The most digits of a number that is left open: below PostgreSQL's `int4` nothing depends on how many there are.
const DIGITS_MOST: usize = 9;

/// Whether it must be looked more closely at a byte.
const fn is_telling(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'\'' | b'"' | b'$' | b'-' | b'/' | b'\\' | 0)
}

thread_local! {
    /// Somebody wanted the value of an open number.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// The value of a number in a text; none where it is open. Everything that looks at one must look through this.
pub(crate) fn value(number: &str) -> Option<&str> {
    if number == OPEN {
        ASKED.set(true);
        return None;
    }
    Some(number)
}

/// A text with its whole numbers left open.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Shape(String);

impl Shape {
    /// The shape of `text`; none where it has no number to leave open, or it cannot be told.
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Self> {
        let mut shape = Vec::with_capacity(text.len());
        let (mut copied, mut at, mut open) = (0_usize, 0_usize, false);
        loop {
            // Most bytes say nothing: they are passed over, and copied with what stands around them.
            let rest = text.get(at..)?;
            let Some(telling) = rest.iter().position(|&byte| is_telling(byte)) else { break };
            at = at.saturating_add(telling);
            let before = at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
            let byte = text.get(at).copied()?;
            let behind = text.get(at.saturating_add(1)..)?;
            let next = behind.first().copied().unwrap_or(b' ');
            match byte {
                b'0'..=b'9' => {
                    let digits =
                        behind.iter().take_while(|digit| digit.is_ascii_digit()).count().saturating_add(1);
                    let end = at.saturating_add(digits);
                    let after = text.get(end).copied().unwrap_or(b' ');
                    if !is_word(before) {
                        if is_word(after) {
                            return None;
                        }
                        if before != b'.' && after != b'.' && digits <= DIGITS_MOST {
                            shape.extend_from_slice(text.get(copied..at)?);
                            shape.push(MARK);
                            (copied, open) = (end, true);
                        }
                    }
                    at = end;
                }
                b'\'' | b'"' => {
                    let length = behind.iter().position(|&other| other == byte)?;
                    if before == b'&' || behind.get(..length)?.contains(&b'\\') {
                        return None;
                    }
                    at = at.saturating_add(length).saturating_add(2);
                }
                b'$' if is_word(before) || next.is_ascii_digit() => at = at.saturating_add(1),
                b'-' if next != b'-' => at = at.saturating_add(1),
                b'/' if next != b'*' => at = at.saturating_add(1),
                _ => return None,
            }
        }
        if !open {
            return None;
        }
        shape.extend_from_slice(text.get(copied..)?);
        // Only ASCII digits were replaced, by an ASCII byte: what is no UTF-8 now was none before.
        String::from_utf8(shape).ok().map(Self)
    }

    /// What every text of this shape does; none where that depends on its numbers, or is not wholly understood.
    #[must_use]
    pub fn read(&self, limits: &Limits) -> Option<Facts> {
        ASKED.set(false);
        let facts = crate::read_text(&self.0, limits);
        let opaque = facts.opaque.is_some() || facts.statements.iter().any(|it| it.opaque.is_some());
        (!ASKED.get() && !opaque && !mentions_mark(&facts)).then_some(facts)
    }

    /// The shape as bytes, to find it by.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Whether a number got into a name: then the facts differ from text to text.
fn mentions_mark(facts: &Facts) -> bool {
    format!("{facts:?}").contains("\\0")
}

/// What a number may not run into; also what a `$` in a name and letters beyond ASCII are.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Option<String> {
        Shape::of(text.as_bytes()).map(|shape| shape.0.replace(OPEN, "?"))
    }

    #[test]
    fn leaves_whole_numbers_open_and_gives_up_where_it_could_be_wrong() {
        let cases = [
            ("select a from t where id = 5", Some("select a from t where id = ?"), "the common case"),
            (
                "select a1, t2.b3 from t2 limit 10",
                Some("select a1, t2.b3 from t2 limit ?"),
                "names keep theirs",
            ),
            ("select 'it''s 5', \"c 5\", 6", Some("select 'it''s 5', \"c 5\", ?"), "quoted ones stay"),
            ("select 1.5, .5, 5., 7", Some("select 1.5, .5, 5., ?"), "only whole ones"),
            ("select $1, 2", Some("select $1, ?"), "parameters stay"),
            ("select 12345678901, 2", Some("select 12345678901, ?"), "long ones are of another type"),
            ("select -5, +6, a[7], (8)", Some("select -?, +?, a[?], (?)"), "whatever stands around them"),
            ("select 1", Some("select ?"), "at the end"),
            ("5", Some("?"), "alone"),
            ("select x'1f', 3", Some("select x'1f', ?"), "a prefix belongs to its string"),
            ("select a", None, "none to leave open"),
            ("select $1", None, "a parameter is none"),
            ("select 1e5, 2", None, "an exponent"),
            ("select 0x1f", None, "a radix"),
            ("select 1_000", None, "an underscore"),
            ("select 5abc", None, "runs into a word"),
            ("select 5 -- 6", None, "a comment"),
            ("select 5 /* 6 */", None, "a comment"),
            ("select $$ 5 $$, 5", None, "a dollar quote"),
            ("select $a$ 5 $a$, 5", None, "a dollar quote with a tag"),
            ("select e'\\'', 5", None, "a backslash"),
            ("select '\\', 5", None, "a backslash in a string"),
            ("select U&'5', 5", None, "unicode escapes"),
            ("select U&\"5\", 5", None, "unicode escapes in a name"),
            ("select '5", None, "an open string"),
            ("select 5\0", None, "a NUL"),
        ];
        for (text, expected, why) in cases {
            assert_eq!(shape(text).as_deref(), expected, "{why}: {text}");
        }
        assert_eq!(Shape::of(b"select '\xff', 5"), None, "no UTF-8");
    }

    #[test]
    fn has_no_facts_of_its_own_where_they_depend_on_a_number() {
        let cases = [
            ("delete from t where id = 5", true, "a value to compare with"),
            ("delete from t where id in (5, 6, 7)", true, "several"),
            ("update t set a = 5 where b between 1 and 2", true, "a range"),
            ("select a from t order by 1 limit 5 offset 6", true, "positions and limits"),
            ("delete from t where 1", false, "a condition by itself"),
            ("delete from t where id < 5 or id > 3", false, "ranges that may cover everything"),
            ("delete from t where id * 0 = 0", false, "what is always the same"),
            ("delete from t where id = 1 or 1 = 1", false, "compared with another"),
            ("explain (analyze 0) delete from t where id = 5", false, "an option"),
            ("do 5", false, "not understood"),
        ];
        for (text, expected, why) in cases {
            let shape = Shape::of(text.as_bytes()).unwrap();
            let facts = shape.read(&Limits::default());
            if expected {
                assert_eq!(facts, Some(crate::read(text.as_bytes(), &Limits::default())), "{why}: {text}");
            } else if let Some(facts) = facts {
                // Where nobody looked at a number it does not matter which it is.
                assert_eq!(facts, crate::read(text.as_bytes(), &Limits::default()), "{why}: {text}");
            }
        }
    }
}
