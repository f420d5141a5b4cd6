//! Patterns of a policy's own beside the detectors.
#![expect(clippy::unwrap_used, reason = "tests")]

use chaperone_model::mask::{Detector, Transform};
use chaperone_redact::{Detectors, Format, Pattern};
use proptest::prelude::*;

const PARTIAL: Transform = Transform::Partial { keep_first: 3, keep_last: 2 };
const TEXT: u32 = 25;
const JSONB: u32 = 3802;

fn patterns(patterns: &[(&str, Transform)]) -> Detectors {
    let patterns: Vec<_> =
        patterns.iter().map(|(text, transform)| (Pattern::new(text).unwrap(), *transform)).collect();
    Detectors::new(&[(Detector::Email, PARTIAL)], [7; 32]).with_patterns(&patterns)
}

fn masked(detectors: &Detectors, text: &str) -> String {
    detectors
        .mask_text(text.as_bytes())
        .map_or_else(|| text.to_owned(), |masked| String::from_utf8(masked).unwrap())
}

#[test]
fn finds_are_hidden_by_their_own_transform() {
    let detectors =
        patterns(&[(r"\bEMP-\d{6}\b", PARTIAL), ("(?i)shop_live_[a-z0-9]{4,64}", Transform::Redact)]);
    for (text, expected) in [
        ("see EMP-123456.", "see EMP-****56."),
        ("EMP-1234567 and XEMP-123456 are none", "EMP-1234567 and XEMP-123456 are none"),
        ("a SHOP_LIVE_abcd1234, b", "a [redacted], b"),
        ("EMP-123456\tEMP-654321\nEMP-111111", "EMP-****56\tEMP-****21\nEMP-****11"),
        ("bob@example.com is EMP-123456", "bob@*******.*om is EMP-****56"),
        ("żółw EMP-123456 龜", "żółw EMP-****56 龜"),
    ] {
        assert_eq!(masked(&detectors, text), expected);
    }
    assert!(!detectors.is_empty());
    assert!(detectors.finds(b"EMP-123456") && !detectors.finds(b"EMP-12345"));
}

#[test]
fn where_finds_overlap_all_of_them_is_hidden() {
    let detectors = patterns(&[("user=[a-z]{1,9}@", Transform::Hash), ("[a-z]{3}=", PARTIAL)]);
    assert_eq!(masked(&detectors, "x user=bob@example.com y"), "x [redacted] y");
    let same = patterns(&[("abcdef", PARTIAL), ("efghij", PARTIAL)]);
    assert_eq!(masked(&same, "-abcdefghij-"), "-abc*****ij-");
    let alone = Detectors::new(&[], [7; 32]).with_patterns(&[(Pattern::new("ab").unwrap(), PARTIAL)]);
    assert!(!alone.is_empty(), "a set of patterns alone");
}

#[test]
fn rows_of_copy_data_stay_rows() {
    let greedy = patterns(&[(r"[\s\S]{1,200}", Transform::Redact)]);
    assert_eq!(masked(&greedy, "1\tada\n2\tbob\n"), "[redacted]\t[redacted]\n[redacted]\t[redacted]\n");
}

#[test]
fn numbers_and_binary_values_are_as_with_detectors() {
    let detectors = patterns(&[("77[0-9]{4}", PARTIAL)]);
    let value = |oid, format, value: &[u8]| detectors.mask_value(oid, format, value).unwrap();
    assert_eq!(value(TEXT, Format::Binary, b"no 771234"), Some(b"no ******".to_vec()));
    assert_eq!(value(1016, Format::Text, b"{771234,1}"), Some(b"{}".to_vec()), "int8[]");
    assert_eq!(value(TEXT, Format::Text, b"no 7712"), None);
}

/// Anything that a pattern may find in JSON, its own signs included.
const RUDE: [&str; 6] =
    [r#""[a-z]{1,3}"#, r"\\[nu].{2}", "[:,]", "true|null", "[0-9]{1,2}", r#"[\]}"]{1,2}"#];

proptest! {
    #[test]
    fn json_stays_json_and_nothing_found_is_shown(
        text in ".{0,20}", number in any::<i64>(), rude in prop::sample::select(&RUDE[..]), ascii in any::<bool>(),
    ) {
        let value = serde_json::json!({ "abc": text, "n": [number, true, null, "EMP-123456"], "\n\u{1}": "xyz" });
        let mut json = value.to_string();
        if ascii {
            json = json.replace('n', "\\u006e").replace("\\u006eull", "null");
            prop_assume!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        }
        let detectors = patterns(&[(rude, PARTIAL), (r"EMP-\d{6}", Transform::Redact)]);
        let out = detectors.mask_value(JSONB, Format::Text, json.as_bytes()).unwrap().unwrap();
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
        prop_assert!(!String::from_utf8_lossy(&out).contains("EMP-123456"));
    }

    #[test]
    fn a_planted_value_is_hidden_in_any_text(before in "\\PC{0,40}", after in "\\PC{0,40}") {
        let detectors = patterns(&[(r"EMP-\d{6}", Transform::Redact)]);
        let text = format!("{before}EMP-123456{after}");
        prop_assert!(!masked(&detectors, &text).contains("EMP-123456"), "{}", text);
    }
}
