//! Payment card numbers.

use std::ops::Range;

use super::Text;

/// A card has at most this many digits.
const DIGITS_MAX: usize = 19;

/// Prefixes (of six digits, from and to) and the numbers of digits that issuers use with them.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    // Mir, Mastercard's second range.
    (220_000, 220_499, &[16, 17, 18, 19]),
    (222_100, 272_099, &[16]),
    // Diners Club.
    (300_000, 305_999, &[14, 16, 17, 18, 19]),
    (309_500, 309_599, &[14, 16, 17, 18, 19]),
    (360_000, 369_999, &[14, 16, 17, 18, 19]),
    (380_000, 399_999, &[14, 16, 17, 18, 19]),
    // American Express.
    (340_000, 349_999, &[15]),
    (370_000, 379_999, &[15]),
    // JCB.
    (352_800, 358_999, &[16, 17, 18, 19]),
    // Visa.
    (400_000, 499_999, &[13, 16, 19]),
    // Maestro, RuPay, Elo, Verve.
    (501_800, 501_899, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (502_000, 502_099, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (503_800, 503_899, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (504_175, 504_175, &[16]),
    (506_000, 509_999, &[16, 18, 19]),
    // Mastercard.
    (510_000, 559_999, &[16]),
    (589_300, 589_399, &[12, 13, 14, 15, 16, 17, 18, 19]),
    // Discover, RuPay, Hipercard.
    (600_000, 609_999, &[16, 17, 18, 19]),
    // UnionPay.
    (620_000, 629_999, &[16, 17, 18, 19]),
    // Maestro, Hipercard, Elo, InstaPayment.
    (630_400, 630_499, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (636_000, 639_999, &[16, 17, 18, 19]),
    // Discover.
    (644_000, 659_999, &[16, 17, 18, 19]),
    // Maestro, Troy.
    (675_900, 676_399, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (679_900, 679_999, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (979_200, 979_299, &[16]),
];

/// A card number whose first digit is at `at`: in one piece, or in groups of three to six digits with the same single
/// separator between them.
pub(crate) fn find(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    let end = text.digits_end(at);
    let first = end - at;
    if !matches!(first, 4 | 6 | 12..=DIGITS_MAX) || !text.starts_number(at) {
        return None;
    }
    let mut digits = Digits::default();
    if (12..=DIGITS_MAX).contains(&first) {
        digits.push(text.bytes().get(at..end)?)?;
        return (digits.is_card() && text.ends_number(end) && !in_uuid(text, at)).then_some(at..end);
    }
    digits.push(text.bytes().get(at..end)?)?;
    let separator = text.byte(end).filter(|byte| matches!(byte, b' ' | b'-' | b'.'))?;
    let mut found = None;
    let mut end = end;
    // Each turn takes at least three of at most nineteen digits.
    while text.byte(end) == Some(separator) {
        let group = end + 1;
        let group_end = text.digits_end(group);
        if !(3..=6).contains(&(group_end - group))
            || digits.push(text.bytes().get(group..group_end)?).is_none()
        {
            break;
        }
        end = group_end;
        if digits.is_card() && text.ends_number(end) {
            found = Some(at..end);
        }
    }
    found
}

/// Whether the digits at `at` are the last part of a UUID: `-hhhh-` stands before them.
fn in_uuid(text: &Text<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(6).and_then(|start| text.bytes().get(start..at)) else { return false };
    matches!(before, [b'-', middle @ .., b'-'] if middle.iter().all(u8::is_ascii_hexdigit))
}

/// The digits seen so far.
#[derive(Default)]
struct Digits {
    digits: [u8; DIGITS_MAX],
    len: usize,
}

impl Digits {
    /// Adds digits; says None when they are too many.
    fn push(&mut self, ascii: &[u8]) -> Option<()> {
        let place = self.digits.get_mut(self.len..self.len + ascii.len())?;
        for (place, digit) in place.iter_mut().zip(ascii) {
            *place = digit.wrapping_sub(b'0');
        }
        self.len += ascii.len();
        Some(())
    }

    fn is_card(&self) -> bool {
        let digits = self.digits.get(..self.len).unwrap_or_default();
        let prefix = digits.iter().take(6).fold(0_u32, |prefix, digit| prefix * 10 + u32::from(*digit));
        let known = |(from, to, lens): &(u32, u32, &[usize])| {
            (*from..=*to).contains(&prefix) && lens.contains(&digits.len())
        };
        digits.len() >= 12 && ISSUERS.iter().any(known) && luhn(digits)
    }
}

/// The check of ISO/IEC 7812: every second digit from the right is doubled, and the sum ends in 0.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, double) if double > 9 => double - 9,
                (_, double) => double,
            }
        })
        .sum();
    sum % 10 == 0
}
