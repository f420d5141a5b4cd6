//! The reading of SQL.
//!
//! Laws: nothing panics; how a text is spelled (blanks, comments, the case of words) does not change its facts; facts are
//! bounded by the text; more text never makes an understood statement out of one that was not.

use chaperone_model::facts::{Facts, Opaque};
use chaperone_sql::{Limits, read};

use crate::input::Input;

/// The facts of a text, as JSON, have at most this many bytes for each of its own, and a little.
const FACTS_FOR_A_BYTE: usize = 64;
const FACTS_FOR_NOTHING: usize = 4096;

/// The target.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let spelling = input.byte();
    let text = input.rest();
    let facts = read(text, &Limits::default());
    let size = serde_json::to_string(&facts).map_or(usize::MAX, |json| json.len());
    let most = text.len() * FACTS_FOR_A_BYTE + FACTS_FOR_NOTHING;
    assert!(size <= most, "{size} bytes of facts for {} bytes of text", text.len());
    if let Ok(text) = std::str::from_utf8(text) {
        same_spelled_otherwise(text, &facts, spelling);
    }
}

fn same_spelled_otherwise(text: &str, facts: &Facts, spelling: u8) {
    let framed = format!(" /* a /* nested */ one */\n{text}\n-- the end");
    assert_same(facts, &framed);
    if let Some(other) = respelled(text, spelling) {
        assert_same(facts, &other);
    }
}

fn assert_same(facts: &Facts, other: &str) {
    let spelled = read(other.as_bytes(), &Limits::default());
    if is_limit(facts) || is_limit(&spelled) {
        return;
    }
    assert_eq!(without_words(facts), without_words(&spelled), "spelled as {other:?}");
}

fn is_limit(facts: &Facts) -> bool {
    let limits = |opaque: &Option<Opaque>| matches!(opaque, Some(Opaque::Limit(_)));
    limits(&facts.opaque) || facts.statements.iter().any(|statement| limits(&statement.opaque))
}

/// The facts without the words in which something is not understood: they quote the text.
fn without_words(facts: &Facts) -> Facts {
    let without = |opaque: &Option<Opaque>| {
        opaque.as_ref().map(|opaque| match opaque {
            Opaque::Construct(_) => Opaque::Construct(String::new()),
            Opaque::Encoding => Opaque::Encoding,
            Opaque::Limit(which) => Opaque::Limit(which.clone()),
            Opaque::Unparsable(_) => Opaque::Unparsable(String::new()),
        })
    };
    let mut facts = facts.clone();
    facts.opaque = without(&facts.opaque);
    for statement in &mut facts.statements {
        statement.opaque = without(&statement.opaque);
    }
    facts
}

/// Where a byte of a text stands.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Bare,
    Name,
    Text,
}

/// The text with other blanks and words in another case; none where this would need more than a glance at the lexical
/// rules: dollar quotes, backslashes, comments.
fn respelled(text: &str, spelling: u8) -> Option<String> {
    const BLANKS: [&str; 4] = [" \t", "\n", " /* ; drop table x /* ' */ */ ", " -- ; \"\n"];
    if text.contains(['\\', '$', '\0']) || text.contains("--") || text.contains("/*") {
        return None;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut place = Place::Bare;
    let mut turn = usize::from(spelling);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (place, letter) {
            (Place::Bare, ' ' | '\t' | '\n' | '\r' | '\u{c}') => {
                let mut blank = letter.to_string();
                while let Some(more) =
                    letters.next_if(|next| matches!(next, ' ' | '\t' | '\n' | '\r' | '\u{c}'))
                {
                    blank.push(more);
                }
                // Two strings are one with a line break between them, and an error without.
                if out.ends_with('\'') && letters.peek() == Some(&'\'') {
                    out.push_str(&blank);
                } else {
                    out.push_str(BLANKS.get(turn % BLANKS.len()).unwrap_or(&" "));
                }
                turn = turn.wrapping_mul(5).wrapping_add(1);
                continue;
            }
            (Place::Bare, '\'') => place = Place::Text,
            (Place::Bare, '"') => place = Place::Name,
            (Place::Text, '\'') | (Place::Name, '"') => place = Place::Bare,
            (Place::Bare, 'a'..='z' | 'A'..='Z') if turn & 1 == 1 => {
                turn = turn.wrapping_add(1);
                out.push(char::from(u8::try_from(letter).ok()? ^ 0x20));
                continue;
            }
            (Place::Bare | Place::Name | Place::Text, _) => {}
        }
        turn = turn.wrapping_add(usize::from(letter.is_ascii_alphabetic()));
        out.push(letter);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blanks_and_case_change() {
        let other = respelled("select 'It''s  x', \"A  b\" from T", 0).unwrap();
        assert!(other.contains("'It''s  x'") && other.contains("\"A  b\""), "{other}");
        assert_ne!(other, "select 'It''s  x', \"A  b\" from T");
        assert_eq!(respelled("select '\\'", 0), None);
        assert!(respelled("select 'a'\n 'b'", 0).unwrap().contains("'a'\n 'b'"));
    }
}
