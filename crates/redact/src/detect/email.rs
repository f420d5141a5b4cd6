//! E-mail addresses.

use std::ops::Range;

use super::Text;

/// The longest local part (RFC 5321).
const LOCAL_MAX: usize = 64;
/// The longest domain (RFC 5321).
const DOMAIN_MAX: usize = 255;

/// An address whose `@` is at `at`. It may reach back over the last find: `10.0.0.1.bob@example.com` is one address.
pub(crate) fn find(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    let start = local_start(text.bytes(), at);
    let end = domain_end(text.bytes(), at + 1)?;
    (start < at).then_some(start..end)
}

/// Where the local part before `at` begins.
fn local_start(bytes: &[u8], at: usize) -> usize {
    let mut start = at;
    while let Some(previous) = start.checked_sub(1) {
        let Some(byte) = bytes.get(previous) else { break };
        let plain = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'&' | b'#' | b'~' | b'!' | b'$' | b'^'
            );
        let len = if plain { 1 } else { letter_before(bytes, start).unwrap_or(0) };
        if len == 0 || at - start + len > LOCAL_MAX {
            break;
        }
        start -= len;
    }
    if let Some(escape) = unicode_escape_around(bytes, start) {
        return escape;
    }
    // What cannot begin an address: a quote or dot before it, the letter of an escape such as `\n`.
    let is_ascii = bytes.get(start).is_some_and(u8::is_ascii);
    if bytes.get(..start).is_some_and(|before| before.ends_with(b"\\")) && is_ascii && start < at {
        start += 1;
    }
    while start < at && matches!(bytes.get(start), Some(b'.' | b'\'' | b'&' | b'#' | b'!' | b'$')) {
        start += 1;
    }
    start
}

/// Where the escape such as `\u0019` begins that `at` is inside of. It is a letter like any other, so it is hidden whole: half
/// of one is no JSON.
fn unicode_escape_around(bytes: &[u8], at: usize) -> Option<usize> {
    const LEN: usize = 6;
    (1..LEN).filter_map(|back| at.checked_sub(back)).find(|start| {
        let before = bytes.get(..*start).unwrap_or_default();
        let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        backslashes % 2 == 0
            && bytes.get(*start..).is_some_and(|rest| {
                rest.starts_with(b"\\u")
                    && rest.get(2..LEN).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            })
    })
}

/// Where the domain that begins at `start` ends: at least two labels, the last one not a number.
fn domain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    let mut label = start;
    let mut found = None;
    while end - start < DOMAIN_MAX {
        match bytes.get(end) {
            Some(byte) if byte.is_ascii_alphanumeric() => end += 1,
            Some(b'-') if end > label => end += 1,
            Some(byte) if !byte.is_ascii() => match letter_at(bytes, end) {
                Some(len) => end += len,
                None => break,
            },
            Some(b'.') if end > label => {
                found = top_level(bytes, start, label, end).or(found);
                end += 1;
                label = end;
            }
            _ => break,
        }
    }
    top_level(bytes, start, label, end).or(found)
}

/// `end`, if the label from `label` on may end a domain.
fn top_level(bytes: &[u8], start: usize, label: usize, end: usize) -> Option<usize> {
    let name = bytes.get(label..end)?;
    let trimmed = name.strip_suffix(b"-").unwrap_or(name);
    let good = trimmed.len() >= 2
        && (trimmed.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
            || trimmed.starts_with(b"xn--"));
    (good && label > start).then(|| label + trimmed.len())
}

/// The length of the letter beyond ASCII at `at`; None for punctuation and for what is no UTF-8.
fn letter_at(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let len = match rest.first()? {
        // U+0080 to U+00BF: Latin-1 punctuation, apart from three letters.
        0xc2 => return None,
        0xc3..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let letter = rest.get(..len).and_then(|letter| std::str::from_utf8(letter).ok())?;
    // U+2000 to U+2BFF: punctuation and symbols. U+3000 to U+303F: CJK punctuation.
    let code = u32::from(letter.chars().next()?);
    (!matches!(code, 0x2000..=0x2bff | 0x3000..=0x303f)).then_some(len)
}

/// The length of the letter beyond ASCII that ends before `end`.
fn letter_before(bytes: &[u8], end: usize) -> Option<usize> {
    (2..=4).find(|len| end.checked_sub(*len).is_some_and(|at| letter_at(bytes, at) == Some(*len)))
}
