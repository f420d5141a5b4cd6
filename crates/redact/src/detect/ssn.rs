//! United States social security numbers.

use std::ops::Range;

use super::Text;

/// A number `AAA-GG-SSSS` whose first digit is at `at`; hyphens, spaces or dots, the same twice. Nine digits in one piece
/// are not taken for one: too much else looks so.
pub(crate) fn find(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    let end = at.checked_add(11)?;
    let &[a, b, c, first, d, e, second, f, g, h, i] = text.bytes().get(at..end)?.first_chunk::<11>()?;
    let digits = [a, b, c, d, e, f, g, h, i];
    if !matches!(first, b'-' | b' ' | b'.') || first != second || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if !text.starts_number(at) || !text.ends_number(end) {
        return None;
    }
    // A longer string of the same kind goes on.
    if text.byte(end) == Some(first) && first != b' ' && text.is_digit(end + 1) {
        return None;
    }
    // Never issued: area 000, 666 and 9xx, group 00, serial 0000.
    let impossible = [a, b, c] == *b"000"
        || [a, b, c] == *b"666"
        || a == b'9'
        || [d, e] == *b"00"
        || [f, g, h, i] == *b"0000";
    (!impossible).then_some(at..end)
}
