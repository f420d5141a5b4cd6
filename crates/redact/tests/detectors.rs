//! Detectors: the vectors, and the laws that hold for any text.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, Instant};

use chaperone_model::mask::{Detector, Transform};
use chaperone_redact::{Detectors, TEXT_MAX};
use proptest::prelude::*;

const ALL: [Detector; 7] = [
    Detector::Card,
    Detector::Email,
    Detector::Iban,
    Detector::IpAddress,
    Detector::Phone,
    Detector::SecretKey,
    Detector::Ssn,
];
const PARTIAL: Transform = Transform::Partial { keep_first: 0, keep_last: 4 };

fn all(transform: Transform) -> Detectors {
    Detectors::new(&ALL.map(|detector| (detector, transform)), [7; 32])
}

struct Vector {
    detector: Detector,
    /// The text, and what of it must be found.
    text: String,
    finds: Vec<String>,
    /// The text with every find redacted.
    masked: String,
    why: String,
}

/// What stands between `⟦` and `⟧` must be found, and nothing else. A `·` is dropped: it is there so that no scanner of
/// repositories takes a made-up key for a real one.
fn vectors() -> Vec<Vector> {
    let file: serde_json::Value = serde_json::from_str(include_str!("vectors/detectors.json")).unwrap();
    let read = |vector: &serde_json::Value| {
        let marked = vector["text"].as_str().unwrap().replace('·', "");
        let mut masked = String::new();
        let mut finds = Vec::new();
        for (place, part) in marked.split(['⟦', '⟧']).enumerate() {
            if place % 2 == 1 {
                finds.push(part.to_owned());
                masked.push_str("[redacted]");
            } else {
                masked.push_str(part);
            }
        }
        Vector {
            detector: serde_json::from_value(vector["detector"].clone()).unwrap(),
            text: marked.replace(['⟦', '⟧'], ""),
            finds,
            masked,
            why: vector["why"].as_str().unwrap().to_owned(),
        }
    };
    file.as_array().unwrap().iter().map(read).collect()
}

#[test]
fn every_vector_is_judged_rightly() {
    let mut wrong = Vec::new();
    for Vector { detector, text, masked, why, .. } in vectors() {
        let detectors = Detectors::new(&[(detector, Transform::Redact)], [7; 32]);
        let got = detectors.mask_text(text.as_bytes()).map(|masked| String::from_utf8(masked).unwrap());
        let expected = (masked != text).then_some(masked);
        if got != expected {
            wrong.push(format!("{detector:?}, {why}: `{text}`\n  expected {expected:?}\n  got      {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_detector_has_vectors_both_ways() {
    for detector in ALL {
        let of = || vectors().into_iter().filter(move |vector| vector.detector == detector);
        assert!(of().filter(|vector| vector.finds.is_empty()).count() >= 3, "{detector:?}");
        assert!(of().filter(|vector| !vector.finds.is_empty()).count() >= 2, "{detector:?}");
    }
}

#[test]
fn an_address_swallows_what_is_found_in_its_local_part() {
    let cases = [
        ("10.0.0.1.bob@example.com x", "[redacted] x"),
        ("john.4111111111111111@example.com", "[redacted]"),
        ("4111111111111111@", "[redacted]@"),
        ("4111111111111111 bob@example.com", "[redacted] [redacted]"),
    ];
    for (text, expected) in cases {
        let masked = all(Transform::Redact).mask_text(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(masked).unwrap(), expected);
    }
}

#[test]
fn an_address_that_reaches_into_a_longer_find_begins_behind_it() {
    let key = ["gh", "p_", &"x1".repeat(50)].concat();
    let masked = all(PARTIAL).mask_text(format!("{key}.bob@example.com").as_bytes()).unwrap();
    let expected = format!("***_{}x1x1.***@******e.com", "*".repeat(96));
    assert_eq!(String::from_utf8(masked).unwrap(), expected);
}

#[test]
fn each_find_has_its_own_transform_and_the_first_of_two_counts() {
    let detectors = Detectors::new(
        &[
            (Detector::Card, PARTIAL),
            (Detector::Email, Transform::Hash),
            (Detector::Ssn, Transform::Null),
            (Detector::Card, Transform::Redact),
        ],
        [7; 32],
    );
    let masked = detectors
        .mask_text(b"4111-1111-1111-1234 is wrong; 4111-1111-1111-1111 bob@x.io 123-45-6789")
        .unwrap();
    let masked = String::from_utf8(masked).unwrap();
    assert!(masked.starts_with("4111-1111-1111-1234 is wrong; ****-****-****-1111 h:"), "{masked}");
    assert!(masked.ends_with(" [redacted]"), "NULL is not possible inside a text: {masked}");
}

#[test]
fn an_empty_set_finds_nothing() {
    let none = Detectors::new(&[], [7; 32]);
    assert!(none.is_empty());
    assert_eq!(none.mask_text(&vec![b'x'; TEXT_MAX + 1]), None);
}

#[test]
fn a_text_over_the_limit_is_hidden_whole() {
    let detectors = all(PARTIAL);
    let mut text = vec![b'x'; TEXT_MAX];
    assert_eq!(detectors.mask_text(&text), None);
    text.push(b'x');
    assert_eq!(detectors.mask_text(&text), Some(b"[redacted]".to_vec()));
    assert_eq!(detectors.mask_json(&text), Some(b"\"[redacted]\"".to_vec()));
}

#[test]
fn json_stays_json() {
    let detectors = all(PARTIAL);
    let json = br#"{"a":4111111111111111,"b":[4111111111111111 , -4111111111111111],"c":"4111111111111111","d":"\nbob@x.io"}"#;
    let masked = detectors.mask_json(json).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&masked).unwrap();
    assert_eq!(value["a"], 0);
    assert_eq!(value["b"].as_array().unwrap().len(), 2);
    assert_eq!(value["c"], "************1111");
    assert_eq!(value["d"].as_str().unwrap().chars().next(), Some('\n'));
    assert_eq!(detectors.mask_json(b"4111111111111111"), Some(b"0".to_vec()));
}

#[test]
fn no_half_of_an_escape_stays_in_json() {
    let long = "x".repeat(60);
    let texts = [
        r"\u0019bob@x.io".to_owned(),
        r"\\u0019bob@x.io".to_owned(),
        r"b\u006fb@x.io".to_owned(),
        r"\u0061@x.io".to_owned(),
        format!(r"\u0061{long}@x.io"),
    ];
    for text in texts {
        for transform in
            [Transform::Redact, Transform::Hash, Transform::Partial { keep_first: 9, keep_last: 2 }]
        {
            let json = format!("[\"{text}\"]");
            let masked = all(transform).mask_json(json.as_bytes()).unwrap();
            let read = serde_json::from_slice::<Vec<String>>(&masked);
            assert!(
                read.is_ok_and(|read| !read[0].contains("b@x")),
                "{text}: {}",
                String::from_utf8_lossy(&masked)
            );
        }
    }
}

#[test]
fn a_key_in_json_within_json_leaves_the_quote_its_backslash() {
    let json = r#"["{\"key\":\"-----BEGIN PRIVATE KEY-----\\nMIIB\",\"n\":1}"]"#;
    let masked = all(Transform::Redact).mask_json(json.as_bytes()).unwrap();
    let read: Vec<String> = serde_json::from_slice(&masked).unwrap();
    assert_eq!(read, [r#"{"key":"[redacted]","n":1}"#]);
}

#[test]
fn no_half_of_a_letter_stays() {
    let masked = all(Transform::Redact).mask_text(r"C:\ünal@example.com".as_bytes()).unwrap();
    assert_eq!(String::from_utf8(masked).unwrap(), r"C:\[redacted]");
}

/// Secrets, look-alikes and pieces of both, joined by one of these.
fn pieces(joints: &[&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let whole = vectors().into_iter().flat_map(|vector| [vec![vector.text], vector.finds].concat());
    let whole: Vec<String> = whole.collect();
    let piece = prop_oneof![
        3 => prop::sample::select(whole.clone()).prop_map(String::into_bytes),
        1 => (prop::sample::select(whole), any::<prop::sample::Index>())
            .prop_map(|(secret, cut)| secret.as_bytes()[..cut.index(secret.len().max(1))].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    let joint = prop::sample::select(joints.to_vec());
    prop::collection::vec((piece, joint), 0..8).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(piece, joint)| [&piece, joint.as_bytes()].concat()).collect()
    })
}

/// Joints that do not end a word, or that begin something.
const CLOSE: &[&str] =
    &["", " ", "\\n", ".", "-", "_", ":", "@", "+", "(", "/", "\"", "é", "1", "a", "eyJ", "sk-", "]", "\\"];
/// Joints that end whatever stands before them.
const APART: &[&str] = &["\n", "\n\n", ",\n", "\"\n", "\t\n"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any bytes: no panic, and what is said to be found changes the text.
    #[test]
    fn any_text_is_searched(text in pieces(CLOSE)) {
        for transform in [Transform::Redact, PARTIAL] {
            let detectors = all(transform);
            let masked = detectors.mask_text(&text);
            prop_assert_eq!(detectors.finds(&text), masked.is_some());
            prop_assert_ne!(masked.as_ref(), Some(&text));
            prop_assert_eq!(detectors.mask_json(&text).is_some(), masked.is_some());
            if let (Some(masked), true, PARTIAL) = (masked, text.is_ascii(), transform) {
                prop_assert_eq!(masked.len(), text.len(), "a part is lost or shown twice");
            }
        }
    }

    /// Nothing is found in what was hidden.
    #[test]
    fn what_is_hidden_stays_hidden(text in pieces(APART)) {
        let detectors = all(Transform::Redact);
        if let Some(masked) = detectors.mask_text(&text) {
            let again = detectors.mask_text(&masked).map(|again| String::from_utf8_lossy(&again).into_owned());
            prop_assert_eq!(again, None, "{:?} {:?}", String::from_utf8_lossy(&text), String::from_utf8_lossy(&masked));
        }
    }

    /// A secret between spaces is found whatever the text around it, and nothing of it is left.
    #[test]
    fn a_planted_secret_never_comes_out(
        before in "[a-z ,;\n\"'{}=]{0,40}",
        after in "[a-z ,;\n\"'{}=]{0,40}",
        secret in prop::sample::select(vectors().into_iter().flat_map(|vector| vector.finds).collect::<Vec<_>>()),
    ) {
        let text = format!("{before}\n{secret}\n{after}");
        for transform in [Transform::Redact, Transform::Null, Transform::Hash, PARTIAL] {
            let masked = all(transform).mask_text(text.as_bytes()).expect("nothing found");
            let masked = String::from_utf8(masked).unwrap();
            prop_assert!(!masked.contains(&secret), "{}", masked);
            prop_assert!(masked.starts_with(&before), "{}", masked);
            prop_assert_eq!(all(transform).mask_text(masked.as_bytes()), None, "twice: {}", masked);
        }
    }

    /// Text without any digit, sign or prefix that a detector waits for is left alone.
    #[test]
    fn plain_text_is_left_alone(text in "[bcfijklmoqtuvz ,;\n]{0,200}") {
        prop_assert_eq!(all(Transform::Redact).mask_text(text.as_bytes()), None);
    }
}

/// Texts that would make a careless search look at the same bytes again and again.
#[test]
fn time_is_linear_on_hostile_texts() {
    let motifs = [
        "eyJ-",
        "eyJ.",
        "eyJaaaaaaaaa.",
        "eyJaaaaaaaaa.aaaa-",
        "sk-",
        "sk-a.",
        "AIza-",
        "github_pat_",
        "xoxb-",
        "glpat-sk-",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----\n",
        "-",
        "@",
        "a@",
        "@a",
        "a@a.",
        ".",
        ":",
        "1:",
        "a:",
        "1.",
        "1 ",
        "1-",
        "4111 ",
        "4111-",
        "4111.",
        "+1",
        "+1 ",
        "+123 ",
        "(",
        "(415) ",
        "415-",
        "DE89",
        "DE89 ",
        "DE8",
        "1",
        "0",
        "a",
        "é",
        "\u{3000}@",
        "\\n",
        "\\",
        "123-45-",
        " ",
        "12:",
        "::",
        "::1",
        "AKIA",
    ];
    let detectors = all(Transform::Redact);
    let size = 1 << 16;
    for motif in motifs {
        // A tail that lets a run end in something else, on which a token may hang.
        for tail in ["", "aaaaaaaaaaaaaaa.aaaaaaaaaaaa ", " \"", "@"] {
            let text = [motif.repeat(size / motif.len()), tail.to_owned()].concat();
            let start = Instant::now();
            let _ = detectors.mask_text(text.as_bytes());
            let took = start.elapsed();
            assert!(took < Duration::from_secs(2), "`{motif}` {tail:?} took {took:?}");
        }
    }
    for motif in ["eyJ-", "sk-"] {
        let text = [motif.repeat(size / 8), ".".to_owned(), "a".repeat(size / 2)].concat();
        let start = Instant::now();
        let _ = detectors.mask_text(text.as_bytes());
        assert!(start.elapsed() < Duration::from_secs(2), "{motif}");
    }
}
