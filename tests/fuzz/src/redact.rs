//! Detectors, and the masking of values of PostgreSQL's types.
//!
//! Laws: nothing panics; a planted secret does not come out of any value that is looked into; what comes out is as well
//! formed as what went in: UTF-8, JSON, a number, a binary value of its type's size.

use chaperone_model::mask::{Detector, Transform};
use chaperone_pgwire::server::{DataRow, write};
use chaperone_redact::{Detectors, Format, Key, Masked, Pattern, mask_value};

use crate::input::Input;

const KEY: [u8; 32] = [7; 32];

/// Secrets with the detectors that find them; none can be a part of another.
const SECRETS: [(Detector, &str); 7] = [
    (Detector::Card, "4111111111111111"),
    (Detector::Email, "ada.byron@shop.example.com"),
    (Detector::Iban, "DE89370400440532013000"),
    (Detector::IpAddress, "192.168.17.33"),
    (Detector::Phone, "+44 20 7946 0958"),
    (Detector::SecretKey, "AKIAIOSFODNN7EXAMPLE"),
    (Detector::Ssn, "219-09-9999"),
];

const PATTERNS: [&str; 5] = [r#"[":,\\]"#, r"\bEMP-\d{6}\b", "(?i)[a-f]{2,9}$", r"[^\s]{200}", r"[\]}]"];

/// Types that hold text, JSON, bytes, numbers, addresses, arrays, times, and one that nobody knows.
const TYPES: [u32; 18] =
    [25, 1043, 19, 114, 3802, 17, 20, 23, 1700, 701, 869, 1009, 1016, 1114, 16, 2950, 2249, 99_999];

fn transform(byte: u8) -> Transform {
    match byte % 4 {
        0 => Transform::Redact,
        1 => Transform::Hash,
        2 => Transform::Null,
        _ => Transform::Partial { keep_first: byte >> 2 & 3, keep_last: byte >> 4 & 3 },
    }
}

/// The target.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let transform = transform(input.byte());
    let detectors = Detectors::new(&SECRETS.map(|(detector, _)| (detector, transform)), KEY);
    // Patterns that may find JSON's own signs, and nearly anything.
    let patterns = input.byte();
    let patterns = PATTERNS.iter().enumerate().filter(|(place, _)| patterns >> place & 1 == 1);
    let patterns: Vec<_> =
        patterns.map(|(_, text)| (Pattern::new(text).expect("a pattern"), transform)).collect();
    let detectors = detectors.with_patterns(&patterns);
    let mut row: Vec<Option<Vec<u8>>> = Vec::new();
    while !input.is_empty() && row.len() < 16 {
        let (_, secret) = input.pick(&SECRETS).unwrap_or((Detector::Card, "4111111111111111"));
        let oid = input.pick(&TYPES).unwrap_or(25);
        let plan = input.byte();
        let format = if plan & 1 == 0 { Format::Text } else { Format::Binary };
        let (before, after) = (input.chunk(), input.chunk());
        let value = if plan & 2 == 0 {
            planted(oid, format, before, secret, after)
        } else {
            [before, after].concat()
        };
        // What stands there without being meant need not be found: in a decimal, say.
        let is_planted = plan & 2 == 0 && count(&value, secret) <= 1;
        row.push(found(&detectors, oid, format, &value, secret, is_planted));
        row.push(named(transform, oid, format, &value, secret));
        texts(&detectors, &value);
    }
    let mut out = Vec::new();
    write::data_row(&mut out, row.iter().map(Option::as_deref)).expect("few values");
    let read = DataRow::read(out.get(5..).unwrap_or_default()).expect("a row that was just written");
    assert!(read.values().eq(row.iter().map(Option::as_deref)), "a row changes");
}

/// A value of the type that holds the secret between words that do not touch it.
fn planted(oid: u32, format: Format, before: &[u8], secret: &str, after: &[u8]) -> Vec<u8> {
    let text = [before, b" is ", secret.as_bytes(), b" or ", after].concat();
    match (oid, format) {
        (114, _) | (3802, Format::Text) => json_of(&text),
        (3802, Format::Binary) => [&b"\x01"[..], &json_of(&text)].concat(),
        (17, Format::Text) => {
            let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\x{hex}").into_bytes()
        }
        _ => text,
    }
}

fn json_of(text: &[u8]) -> Vec<u8> {
    serde_json::json!({ "a": [String::from_utf8_lossy(text), 1, null] }).to_string().into_bytes()
}

fn shows(bytes: &[u8], secret: &str) -> bool {
    count(bytes, secret) > 0
}

fn count(bytes: &[u8], secret: &str) -> usize {
    bytes.windows(secret.len()).filter(|window| *window == secret.as_bytes()).count()
}

/// Whether detectors look into values of this type and format at all.
fn is_searched(oid: u32, format: Format) -> bool {
    match oid {
        16 | 1114 | 2950 => false,
        20 | 23 | 701 | 1700 | 869 => format == Format::Text,
        _ => true,
    }
}

/// A value of a column that the policy does not name. What would be shown of it.
fn found(
    detectors: &Detectors,
    oid: u32,
    format: Format,
    value: &[u8],
    secret: &str,
    is_planted: bool,
) -> Option<Vec<u8>> {
    let masked = detectors.mask_value(oid, format, value).ok()?;
    let shown = masked.clone().unwrap_or_else(|| value.to_vec());
    if is_planted && is_searched(oid, format) {
        assert!(
            !shows(&shown, secret),
            "type {oid}, {format:?}: `{}` shows {secret}",
            String::from_utf8_lossy(&shown)
        );
    }
    if let Some(masked) = masked {
        well_formed(oid, format, value, &masked);
    }
    Some(shown)
}

/// A value of a column that the policy names.
fn named(transform: Transform, oid: u32, format: Format, value: &[u8], secret: &str) -> Option<Vec<u8>> {
    match mask_value(transform, oid, format, value, &Key::new(KEY)).ok()? {
        Masked::Null => None,
        Masked::Bytes(masked) => {
            assert!(!shows(&masked, secret), "type {oid}, {format:?} shows {secret}");
            well_formed(oid, format, value, &masked);
            Some(masked)
        }
    }
}

fn well_formed(oid: u32, format: Format, value: &[u8], masked: &[u8]) {
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    let text = std::str::from_utf8(masked);
    assert!(text.is_ok() || format == Format::Binary || std::str::from_utf8(value).is_err(), "no UTF-8");
    match (oid, format) {
        (114, _) | (3802, Format::Text) => assert!(!json(value) || json(masked), "no JSON"),
        (3802, Format::Binary) => {
            let rest = |bytes: &'_ [u8]| bytes.strip_prefix(b"\x01").is_some_and(json);
            assert!(!rest(value) || rest(masked), "no jsonb");
        }
        (20 | 701 | 1114, Format::Binary) => assert_eq!(masked.len(), 8),
        (23, Format::Binary) => assert_eq!(masked.len(), 4),
        (16, Format::Binary) => assert_eq!(masked.len(), 1),
        (2950, Format::Binary) => assert_eq!(masked.len(), 16),
        (20 | 23 | 701 | 1700, Format::Text) => assert_eq!(text, Ok("0")),
        (17, Format::Text) => assert!(masked.starts_with(b"\\x")),
        _ => {}
    }
}

/// Texts that are no values: errors, notices, COPY.
fn texts(detectors: &Detectors, text: &[u8]) {
    let masked = detectors.mask_text(text);
    assert_eq!(masked.is_some(), detectors.finds(text), "found, and not hidden");
    if let (Some(masked), Ok(_)) = (&masked, std::str::from_utf8(text)) {
        assert!(std::str::from_utf8(masked).is_ok(), "no UTF-8");
    }
}
