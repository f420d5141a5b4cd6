//! Keys and tokens that say what they are: private keys, JWTs, vendors' API keys.

use std::ops::Range;

use super::Text;

/// A vendor's prefix, and what follows it.
struct Vendor {
    prefix: &'static [u8],
    alphabet: Alphabet,
    /// How many of the alphabet follow; with more than `max` it is something else.
    min: usize,
    max: usize,
}

#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters and digits.
    Alphanumeric,
    /// Capital letters and digits.
    Capital,
    /// Letters, digits, `-`, `_` and `.`, with at least one digit: words joined by hyphens are none.
    Loose,
    /// Letters, digits, `-` and `_`.
    UrlSafe,
}

use Alphabet::{Alphanumeric, Capital, Loose, UrlSafe};

const fn vendor(prefix: &'static [u8], alphabet: Alphabet, min: usize, max: usize) -> Vendor {
    Vendor { prefix, alphabet, min, max }
}

const ANY: usize = usize::MAX;

/// Vendors, whose documents or scanners publish these forms.
const VENDORS: &[Vendor] = &[
    vendor(b"ABIA", Capital, 16, 16),             // AWS, bearer
    vendor(b"ACCA", Capital, 16, 16),             // AWS, context
    vendor(b"AGE-SECRET-KEY-1", Capital, 58, 58), // age
    vendor(b"AIza", UrlSafe, 35, 35),             // Google
    vendor(b"AKIA", Capital, 16, 16),             // AWS
    vendor(b"ASIA", Capital, 16, 16),             // AWS, temporary
    vendor(b"GOCSPX-", UrlSafe, 20, 40),          // Google, OAuth client
    vendor(b"SG.", Loose, 40, ANY),               // SendGrid
    vendor(b"dop_v1_", Alphanumeric, 64, 64),     // DigitalOcean
    vendor(b"dp.pt.", Alphanumeric, 40, 48),      // Doppler
    vendor(b"gho_", Alphanumeric, 36, 255),       // GitHub, OAuth
    vendor(b"ghp_", Alphanumeric, 36, 255),       // GitHub, personal
    vendor(b"ghr_", Alphanumeric, 36, 255),       // GitHub, refresh
    vendor(b"ghs_", Loose, 36, ANY),              // GitHub, server; may be a JWT
    vendor(b"ghu_", Alphanumeric, 36, 255),       // GitHub, user
    vendor(b"github_pat_", UrlSafe, 36, 255),     // GitHub, fine-grained
    vendor(b"glpat-", Loose, 20, ANY),            // GitLab
    vendor(b"hf_", Alphanumeric, 30, 64),         // Hugging Face
    vendor(b"hvs.", UrlSafe, 24, ANY),            // Vault
    vendor(b"npm_", Alphanumeric, 36, 36),        // npm
    vendor(b"pypi-AgE", UrlSafe, 50, ANY),        // PyPI
    vendor(b"rk_live_", Alphanumeric, 10, ANY),   // Stripe, restricted
    vendor(b"rk_test_", Alphanumeric, 10, ANY),
    vendor(b"shpat_", Alphanumeric, 32, 64),    // Shopify
    vendor(b"sk-", Loose, 20, ANY),             // OpenAI, Anthropic and others
    vendor(b"sk_live_", Alphanumeric, 10, ANY), // Stripe
    vendor(b"sk_test_", Alphanumeric, 10, ANY),
    vendor(b"whsec_", Alphanumeric, 24, ANY), // Stripe, webhooks
    vendor(b"xapp-", UrlSafe, 20, ANY),       // Slack, app
    vendor(b"xoxa-", UrlSafe, 10, ANY),       // Slack
    vendor(b"xoxb-", UrlSafe, 10, ANY),
    vendor(b"xoxe-", UrlSafe, 10, ANY),
    vendor(b"xoxe.", Loose, 10, ANY),
    vendor(b"xoxo-", UrlSafe, 10, ANY),
    vendor(b"xoxp-", UrlSafe, 10, ANY),
    vendor(b"xoxr-", UrlSafe, 10, ANY),
    vendor(b"xoxs-", UrlSafe, 10, ANY),
    vendor(b"ya29.", UrlSafe, 20, ANY), // Google, OAuth
];

/// The first two bytes of every secret.
pub(crate) fn beginnings() -> impl Iterator<Item = [u8; 2]> {
    let vendors = VENDORS.iter().filter_map(|vendor| vendor.prefix.first_chunk().copied());
    vendors.chain([*b"--", *b"ey"])
}

/// What has been looked at in vain, so that a long run of beginnings is not looked at again from each of them.
#[derive(Default)]
pub(crate) struct Memo {
    /// Up to here a run of [`Alphabet::Loose`] has no digit.
    no_digit: usize,
    /// Up to here goes the first part of what turned out to be no web token.
    no_token: usize,
}

/// A secret that begins at `at`.
pub(crate) fn find(text: &Text<'_>, at: usize, memo: &mut Memo) -> Option<Range<usize>> {
    let rest = text.bytes().get(at..)?;
    match rest.first()? {
        b'-' => private_key(rest).map(|len| at..at + len),
        _ if !text.starts_word(at) => None,
        b'e' => web_token(text, at, memo).map(|end| at..end),
        _ => VENDORS.iter().filter(|vendor| rest.starts_with(vendor.prefix)).find_map(|vendor| {
            let body = at + vendor.prefix.len();
            let end = if matches!(vendor.alphabet, Loose) {
                loose_end(text, body, memo)?
            } else {
                // One more than the maximum is enough to know that it is something else.
                let window = text.bytes().get(body..)?;
                let window = window.get(..vendor.max.saturating_add(1)).unwrap_or(window);
                body + window.iter().position(|byte| !vendor.alphabet.has(*byte)).unwrap_or(window.len())
            };
            let fits = (vendor.min..=vendor.max).contains(&end.saturating_sub(body));
            (fits && text.ends_word(end)).then_some(at..end)
        }),
    }
}

/// The end of a run of [`Alphabet::Loose`] with a digit in it, without the dots that end a sentence.
fn loose_end(text: &Text<'_>, body: usize, memo: &mut Memo) -> Option<usize> {
    if body < memo.no_digit {
        return None;
    }
    let end = text.run_end(body, |byte| Loose.has(byte));
    if !text.bytes().get(body..end)?.iter().any(u8::is_ascii_digit) {
        memo.no_digit = end;
        return None;
    }
    Some(before_dots(text, end))
}

/// `end` without the dots before it, which end a sentence.
fn before_dots(text: &Text<'_>, mut end: usize) -> usize {
    while end > 0 && text.byte(end - 1) == Some(b'.') {
        end -= 1;
    }
    end
}

impl Alphabet {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Capital => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Loose => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::UrlSafe => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }
}

/// The length of a private key in PEM armour at the start of `rest`. One without an end goes on to the end: a
/// key that is cut off is still a key.
fn private_key(rest: &[u8]) -> Option<usize> {
    let label = rest.strip_prefix(b"-----BEGIN ")?;
    let len = label
        .iter()
        .position(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit() && *byte != b' ')?;
    let (label, after) = label.split_at_checked(len)?;
    let label = label.strip_suffix(b" BLOCK").unwrap_or(label);
    if !label.ends_with(b"PRIVATE KEY") || !after.starts_with(b"-----") {
        return None;
    }
    const END: &[u8] = b"-----END ";
    let body = rest.len() - after.len() + 5;
    // A quote ends the string that the key stands in.
    let key = rest.get(body..)?;
    let key = key.split(|byte| *byte == b'"').next().unwrap_or(key);
    // A quote in a string has its backslash, which stays with it.
    let backslashes = key.iter().rev().take_while(|byte| **byte == b'\\').count();
    let key = key.get(..key.len() - backslashes % 2).unwrap_or(key);
    let end = key.windows(END.len()).position(|window| window == END);
    let Some(end) = end.map(|end| body + end + END.len()) else { return Some(body + key.len()) };
    let name = rest.get(end..)?;
    let close =
        name.iter().position(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit() && *byte != b' ');
    let close = end + close.unwrap_or(name.len());
    let dashes = rest.get(close..)?.iter().take(5).take_while(|byte| **byte == b'-').count();
    Some(close + dashes)
}

/// The end of a JWS or JWE in compact form at `at`: `eyJ…` and two to four more parts, of which the last may be empty.
fn web_token(text: &Text<'_>, at: usize, memo: &mut Memo) -> Option<usize> {
    if at < memo.no_token || !text.bytes().get(at..)?.starts_with(b"eyJ") {
        return None;
    }
    let part = |from| text.run_end(from, |byte| UrlSafe.has(byte));
    let header = part(at);
    let mut end = header;
    let mut parts = 1;
    let mut payload = 0;
    while header - at >= 10 && parts < 5 && text.byte(end) == Some(b'.') {
        let next = part(end + 1);
        if parts == 1 {
            payload = next - (end + 1);
        }
        end = next;
        parts += 1;
    }
    // The second part may be empty in an encrypted token (`dir`), and then three more follow.
    if parts >= 3 && (payload >= 4 || parts == 5) {
        return Some(end);
    }
    memo.no_token = header;
    None
}
