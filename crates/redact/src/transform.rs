//! What is shown in the place of a value.

use chaperone_model::mask::Transform;

use crate::key::Key;

/// What [`Transform::Redact`] shows in the place of a text.
pub const REDACTED: &str = "[redacted]";

/// A hidden value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Masked {
    /// These bytes stand in its place.
    Bytes(Vec<u8>),
    /// SQL NULL stands in its place.
    Null,
}

/// Hides a text as a whole. It need not be valid UTF-8; what comes out is, unless nothing was hidden.
#[must_use]
pub fn apply(transform: Transform, value: &[u8], key: &Key) -> Masked {
    match transform {
        Transform::Null => Masked::Null,
        Transform::Hash | Transform::Partial { .. } | Transform::Redact => {
            let mut out = Vec::new();
            write(transform, value, key, &mut out);
            Masked::Bytes(out)
        }
    }
}

/// Appends the hidden `value`, where NULL is not possible.
pub(crate) fn write(transform: Transform, value: &[u8], key: &Key, out: &mut Vec<u8>) {
    match transform {
        Transform::Hash => out.extend_from_slice(key.hash(value).as_bytes()),
        Transform::Null | Transform::Redact => out.extend_from_slice(REDACTED.as_bytes()),
        Transform::Partial { keep_first, keep_last } => {
            partial(value, keep_first.into(), keep_last.into(), out)
        }
    }
}

/// Whether a character stays as it is, so that the value's shape can be recognised. None of these needs an escape in
/// JSON, in an array's text, or in COPY's.
const fn is_separator(letter: char) -> bool {
    matches!(letter, ' ' | '-' | '.' | '@' | '/' | ':' | '_' | '+' | '(' | ')')
}

/// The characters of `value`; a byte that is not UTF-8 counts as one that is always hidden.
fn letters(value: &[u8]) -> impl Iterator<Item = Option<char>> {
    value
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars().map(Some).chain(chunk.invalid().iter().map(|_| None)))
}

/// Hides all but the first and last few letters and digits. `*` counts as a letter, so that a value that is hidden
/// already stays as it is. At least a third is hidden: a value too short for that is hidden whole, and so is one
/// that has nothing but separators.
fn partial(value: &[u8], keep_first: usize, keep_last: usize, out: &mut Vec<u8>) {
    let is_letter = |letter: Option<char>| letter.is_none_or(|letter| !is_separator(letter));
    let count = letters(value).filter(|letter| is_letter(*letter)).count();
    let kept = keep_first.saturating_add(keep_last);
    let (first, last) =
        if kept.saturating_mul(3) <= count.saturating_mul(2) { (keep_first, keep_last) } else { (0, 0) };
    let mut seen = 0;
    for letter in letters(value) {
        let shown = match letter {
            Some(separator) if !is_letter(letter) && count > 0 => Some(separator),
            _ => {
                let near = seen < first || seen >= count.saturating_sub(last);
                seen += 1;
                // Quotes, backslashes and the like are never shown: they would have to be escaped.
                letter.filter(|letter| near && letter.is_alphanumeric())
            }
        };
        let mut buffer = [0; 4];
        out.extend_from_slice(shown.unwrap_or('*').encode_utf8(&mut buffer).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &[u8], keep_first: u8, keep_last: u8) -> String {
        let partial = Transform::Partial { keep_first, keep_last };
        let Masked::Bytes(bytes) = apply(partial, value, &Key::new([1; 32])) else { panic!() };
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn partial_keeps_separators_and_ends() {
        let cases: [(&[u8], u8, u8, &str, &str); 12] = [
            (b"4111-1111-1111-1234", 0, 4, "****-****-****-1234", "separators stay"),
            (
                b"4111 1111 1111 1234",
                6,
                4,
                "4111 11** **** 1234",
                "first six and last four, as cards are shown",
            ),
            (b"bob@example.com", 1, 0, "b**@*******.***", "an address keeps its shape"),
            (b"1234", 0, 4, "****", "too short: all of it would show"),
            (b"12345", 0, 4, "*****", "too short: nearly all of it would show"),
            (b"123456", 0, 4, "**3456", "a third is hidden"),
            ("héllo wörld".as_bytes(), 2, 1, "hé*** ****d", "letters are characters, not bytes"),
            (b"ab\xff\xfecdef", 1, 1, "a******f", "bytes that are no UTF-8 are hidden"),
            (b"---", 0, 0, "***", "separators alone are the value itself"),
            (b"a\"b\\cdefgh", 4, 1, "a*b******h", "what would need an escape never shows"),
            (b"", 1, 1, "", "nothing stays nothing"),
            (b"secret", 255, 255, "******", "large numbers do not overflow"),
        ];
        for (value, first, last, expected, why) in cases {
            assert_eq!(shown(value, first, last), expected, "{why}");
            assert_eq!(shown(expected.as_bytes(), first, last), expected, "twice: {why}");
        }
    }

    #[test]
    fn the_others_show_nothing_of_the_value() {
        let key = Key::new([1; 32]);
        assert_eq!(apply(Transform::Null, b"secret", &key), Masked::Null);
        assert_eq!(apply(Transform::Redact, b"secret", &key), Masked::Bytes(b"[redacted]".to_vec()));
        let hash = apply(Transform::Hash, b"secret", &key);
        assert_eq!(hash, apply(Transform::Hash, b"secret", &key));
        assert_ne!(hash, apply(Transform::Hash, b"secreT", &key));
        assert_ne!(hash, apply(Transform::Hash, b"secret", &Key::new([2; 32])));
        let Masked::Bytes(hash) = hash else { panic!() };
        assert!(hash.starts_with(b"h:") && hash.len() == 18);
    }
}
