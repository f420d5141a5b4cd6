//! Telephone numbers, in the international form (`+49 30 1234567`) or the North American one (`(415) 555-0123`).
//! Ten digits in one piece are not taken for one: too much else looks so.

use std::ops::Range;

use super::Text;

/// An international number whose `+` is at `at`: 8 to 15 digits (E.164), with at most two separators in a row.
pub(crate) fn find_international(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    if !text.starts_word(at)
        || matches!(text.before(at), Some(b'+' | b')'))
        || !matches!(text.byte(at + 1)?, b'1'..=b'9')
    {
        return None;
    }
    let mut count = 0;
    let mut end = None;
    // The separators between the parts that were taken, and how many of them are a single dot.
    let mut gaps = 0;
    let mut dots = 0;
    let mut gap: &[u8] = b"";
    let mut next = at + 1;
    // Each turn takes at least one of at most fifteen digits.
    loop {
        let digits_end = text.digits_end(next);
        count += digits_end - next;
        if count > 15 || digits_end == next || !text.ends_word(digits_end) {
            break;
        }
        gaps += usize::from(!gap.is_empty());
        dots += usize::from(gap == b".");
        if count >= 8 {
            end = Some(digits_end);
        }
        next = text.run_end(digits_end, is_separator);
        gap = text.bytes().get(digits_end..next)?;
        if gap.is_empty() || gap.len() > 2 {
            break;
        }
    }
    // With a single dot it is a signed decimal.
    end.filter(|_| (gaps, dots) != (1, 1)).map(|end| at..end)
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')')
}

/// A North American number whose first digit or parenthesis is at `at`, with or without the leading 1.
pub(crate) fn find_north_american(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    if !text.starts_number(at) {
        return None;
    }
    let mut next = at;
    if text.byte(next) == Some(b'1') && matches!(text.byte(next + 1), Some(b' ' | b'-' | b'.')) {
        next += 2;
    }
    let open = text.byte(next) == Some(b'(');
    next += usize::from(open);
    next = exchange(text, next)?;
    let first = text.byte(next)?;
    match (open, first) {
        (true, b')') => {
            next += 1;
            next += usize::from(matches!(text.byte(next), Some(b' ' | b'-')));
        }
        (false, b' ' | b'-' | b'.' | b'/') => next += 1,
        _ => return None,
    }
    next = exchange(text, next)?;
    let second = text.byte(next)?;
    // With dots it is all dots, or else some list of decimals.
    if !matches!(second, b' ' | b'-' | b'.') || (first == b'.') != (second == b'.') {
        return None;
    }
    next += 1;
    let end = text.digits_end(next);
    let more = matches!(text.byte(end), Some(b'-' | b'.')) && text.is_digit(end + 1);
    (end - next == 4 && text.ends_word(end) && !more).then_some(at..end)
}

/// Three digits that can be an area or an exchange: the first is 2 to 9, and they are not a service code like 911.
fn exchange(text: &Text<'_>, at: usize) -> Option<usize> {
    let end = at.checked_add(3)?;
    match text.bytes().get(at..end)? {
        [b'2'..=b'9', b'1', b'1'] => None,
        [b'2'..=b'9', b'0'..=b'9', b'0'..=b'9'] if !text.is_digit(end) => Some(end),
        _ => None,
    }
}
