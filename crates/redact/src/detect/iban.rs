//! International bank account numbers.

use std::ops::Range;

use super::Text;

/// Countries of the SWIFT registry and the lengths of their numbers.
const LENGTHS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// A number whose check digits begin at `at`, two letters after its start: in one piece, or with single spaces or
/// hyphens between its parts.
pub(crate) fn find(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2)?;
    let country = [text.before(at - 1)?.to_ascii_uppercase(), text.before(at)?.to_ascii_uppercase()];
    if !country.iter().all(u8::is_ascii_uppercase) || !text.starts_word(start) || !text.is_digit(at + 1) {
        return None;
    }
    let (_, len) = LENGTHS.iter().find(|(known, _)| **known == country)?;
    let mut remainders = Remainder(0);
    let mut left = *len;
    let mut end = start;
    let mut head = [0; 4];
    // At most 33 letters and digits, and a separator before each.
    while left > 0 {
        let mut byte = text.byte(end)?;
        if matches!(byte, b' ' | b'-') && left < *len {
            end += 1;
            byte = text.byte(end)?;
        }
        let byte = byte.to_ascii_uppercase();
        if !byte.is_ascii_alphanumeric() {
            return None;
        }
        // The first four letters and digits go to the end.
        match head.get_mut(usize::from(*len - left)) {
            Some(place) => *place = byte,
            None => remainders.push(byte),
        }
        left -= 1;
        end += 1;
    }
    head.iter().for_each(|byte| remainders.push(*byte));
    (remainders.0 == 1 && text.ends_word(end)).then_some(start..end)
}

/// The remainder, modulo 97, of the number read so far; a letter stands for two digits, A for 10.
struct Remainder(u32);

impl Remainder {
    fn push(&mut self, byte: u8) {
        self.0 = match byte {
            b'0'..=b'9' => self.0 * 10 + u32::from(byte - b'0'),
            _ => self.0 * 100 + u32::from(byte.wrapping_sub(b'A')) + 10,
        } % 97;
    }
}
