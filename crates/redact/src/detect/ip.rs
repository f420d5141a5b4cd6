//! IPv4 and IPv6 addresses.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
    str::FromStr,
};

use super::Text;

/// The longest text of an IPv4 address.
const V4_MAX: usize = 15;
/// The longest text of an IPv6 address.
const V6_MAX: usize = 45;

/// An IPv4 address whose first digit is at `at`.
pub(crate) fn find_v4(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    let first = text.digits_end(at);
    if first - at > 3
        || text.byte(first) != Some(b'.')
        || text.before(at) == Some(b'.')
        || !text.starts_word(at)
    {
        return None;
    }
    let window = Text::new(text.bytes().get(..text.bytes().len().min(at + V4_MAX + 2))?, 0);
    let mut end = window.run_end(at, |byte| byte.is_ascii_digit() || byte == b'.');
    // The full stop of a sentence.
    if text.ends_word(end) {
        while end > at && text.byte(end - 1) == Some(b'.') {
            end -= 1;
        }
    }
    let address = text.bytes().get(at..end).filter(|address| address.len() <= V4_MAX)?;
    Ipv4Addr::from_str(std::str::from_utf8(address).ok()?).ok()?;
    text.ends_word(end).then_some(at..end)
}

/// An IPv6 address around the colon at `at`. `looked` is how far earlier colons have looked in vain: the run of digits
/// and colons up to there is none, and is not read again from each of its colons.
pub(crate) fn find_v6(text: &Text<'_>, at: usize, looked: &mut usize) -> Option<Range<usize>> {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    if at < *looked {
        return None;
    }
    let mut start = at;
    while at - start <= V6_MAX && text.before(start).is_some_and(is_part) {
        start -= 1;
    }
    if text.is_after_escape(start + 1) {
        // The letter of an escape is no digit of the address.
        start += 1;
    }
    *looked = text.run_end(at, is_part);
    let mut end = *looked;
    // The end of a sentence or of a clause.
    while end > start && text.byte(end - 1) == Some(b'.') {
        end -= 1;
    }
    if end >= start + 2 && text.byte(end - 1) == Some(b':') && text.byte(end - 2) != Some(b':') {
        end -= 1;
    }
    let address = text.bytes().get(start..end).filter(|address| address.len() <= V6_MAX);
    let is_address = |address: &[u8]| {
        // `a::b` is likelier a name in a program.
        address.iter().any(u8::is_ascii_digit)
            && std::str::from_utf8(address).is_ok_and(|address| Ipv6Addr::from_str(address).is_ok())
    };
    let found = address.is_some_and(is_address) && text.starts_word(start) && text.ends_word(end);
    found.then_some(start..end)
}
