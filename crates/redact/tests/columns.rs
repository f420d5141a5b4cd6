//! Values by their PostgreSQL type: what stands in their place can be read as the same type.
#![expect(clippy::panic, reason = "tests")]

use chaperone_model::mask::{Detector, Transform};
use chaperone_redact::{
    Detectors,
    Format::{self, Binary, Text},
    Key, Masked, Unsupported, mask_value,
};
use proptest::prelude::*;

const PARTIAL: Transform = Transform::Partial { keep_first: 0, keep_last: 4 };
const CARD: &[u8] = b"4111111111111111";
/// As PostgreSQL sends 4111111111111111 in binary: four digits of base 10,000, the first one counting 10,000 cubed.
const CARD_NUMERIC: &[u8] = &[0, 4, 0, 3, 0, 0, 0, 0, 0x10, 0x0f, 4, 0x57, 4, 0x57, 4, 0x57];

fn bytes(transform: Transform, type_oid: u32, format: Format, value: &[u8]) -> Vec<u8> {
    match mask_value(transform, type_oid, format, value, &Key::new([7; 32])) {
        Ok(Masked::Bytes(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

fn detectors() -> Detectors {
    let kinds = [Detector::Card, Detector::Email, Detector::IpAddress];
    Detectors::new(&kinds.map(|kind| (kind, Transform::Redact)), [7; 32])
}

#[test]
fn constants_are_what_the_type_accepts() {
    // Name, OID, text, binary.
    let cases: [(&str, u32, &str, &[u8]); 16] = [
        ("bool", 16, "f", &[0]),
        ("bytea", 17, "\\x", &[]),
        ("int2", 21, "0", &[0, 0]),
        ("int4", 23, "0", &[0; 4]),
        ("int8", 20, "0", &[0; 8]),
        ("float4", 700, "0", &[0; 4]),
        ("float8", 701, "0", &[0; 8]),
        ("numeric", 1700, "0", &[0; 8]),
        ("date", 1082, "2000-01-01", &[0; 4]),
        ("timestamp", 1114, "2000-01-01 00:00:00", &[0; 8]),
        ("timestamptz", 1184, "2000-01-01 00:00:00+00", &[0; 8]),
        ("interval", 1186, "00:00:00", &[0; 16]),
        ("inet", 869, "0.0.0.0", &[2, 32, 0, 4, 0, 0, 0, 0]),
        ("text[]", 1009, "{}", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]),
        ("int8[]", 1016, "{}", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]),
        ("uuid", 2950, "00000000-0000-0000-0000-000000000000", &[0; 16]),
    ];
    for (name, oid, text, binary) in cases {
        for transform in [Transform::Redact, PARTIAL] {
            assert_eq!(bytes(transform, oid, Text, b"17"), text.as_bytes(), "{name}");
            assert_eq!(bytes(transform, oid, Binary, b"17"), binary, "{name}");
        }
    }
}

#[test]
fn texts_are_transformed_and_unknown_types_in_text_format_too() {
    for oid in [25, 1043, 1042, 19, 142, 99_999] {
        assert_eq!(bytes(PARTIAL, oid, Text, CARD), b"************1111");
        assert_eq!(bytes(Transform::Redact, oid, Text, CARD), b"[redacted]");
    }
    assert_eq!(bytes(PARTIAL, 25, Binary, CARD), b"************1111");
}

#[test]
fn what_cannot_be_hidden_is_refused() {
    let key = Key::new([7; 32]);
    for oid in [99_999, 2249, 3614] {
        let refused = Err(Unsupported { type_oid: oid, format: Binary });
        assert_eq!(mask_value(PARTIAL, oid, Binary, CARD, &key), refused);
        assert_eq!(mask_value(Transform::Null, oid, Binary, CARD, &key), Ok(Masked::Null));
        assert_eq!(detectors().mask_value(oid, Binary, b"..a@b.co").unwrap_err().type_oid, oid);
        assert_eq!(detectors().mask_value(oid, Binary, b"nothing"), Ok(None));
    }
    assert!(mask_value(PARTIAL, 3802, Binary, b"\x02{}", &key).is_err(), "a jsonb version to come");
    assert!(detectors().mask_value(3802, Binary, b"").is_err());
}

#[test]
fn json_becomes_a_json_string() {
    let json = br#"{"a": "b\"c", "d": [1, 2]}"#;
    for transform in [Transform::Redact, Transform::Hash, Transform::Partial { keep_first: 9, keep_last: 4 }]
    {
        for (oid, format, prefix) in
            [(114, Text, ""), (114, Binary, ""), (3802, Text, ""), (3802, Binary, "\x01")]
        {
            let value = [prefix.as_bytes(), json].concat();
            let masked = bytes(transform, oid, format, &value);
            let masked = masked.strip_prefix(prefix.as_bytes()).unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(masked).unwrap();
            assert!(parsed.is_string());
        }
    }
}

#[test]
fn uuids_hash_the_same_in_both_formats() {
    let text = b"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11";
    let binary = 0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11_u128.to_be_bytes();
    let hashed = String::from_utf8(bytes(Transform::Hash, 2950, Text, text)).unwrap();
    let digits = u128::from_str_radix(&hashed.replace('-', ""), 16).unwrap();
    assert_eq!(bytes(Transform::Hash, 2950, Binary, &binary), digits.to_be_bytes());
    assert_eq!(hashed.as_bytes().get(14), Some(&b'8'), "version 8: {hashed}");
    assert_ne!(bytes(Transform::Hash, 2950, Binary, &[1; 16]), digits.to_be_bytes());
}

#[test]
fn detectors_look_into_values_by_type() {
    type Case = (&'static str, u32, Format, &'static [u8], Option<&'static [u8]>);
    let cases: [Case; 19] = [
        ("text", 25, Text, b"a@b.co!", Some(b"[redacted]!")),
        ("text, binary", 25, Binary, b"a@b.co!", Some(b"[redacted]!")),
        ("an unknown type in text", 99_999, Text, b"a@b.co", Some(b"[redacted]")),
        ("nothing in it", 25, Text, b"hello", None),
        ("int8, text", 20, Text, CARD, Some(b"0")),
        ("int8, binary", 20, Binary, b"\x00\x0e\x9b\x08\xa5\x68\xf1\xc7", Some(&[0; 8])),
        ("int8, another number", 20, Binary, &[0, 0, 0, 0, 0, 0, 0, 7], None),
        ("int8 of the wrong size", 20, Binary, &[0; 7], None),
        ("numeric, text", 1700, Text, CARD, Some(b"0")),
        ("numeric, binary", 1700, Binary, CARD_NUMERIC, Some(&[0; 8])),
        ("int4 cannot hold a card", 23, Binary, &[0x40; 4], None),
        ("jsonb", 3802, Binary, b"\x01{\"a\":4111111111111111}", Some(b"\x01{\"a\":0}")),
        ("text[]", 1009, Text, b"{x,a@b.co}", Some(b"{x,[redacted]}")),
        ("text[], binary", 1009, Binary, b"....a@b.co", Some(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25])),
        ("int8[]", 1016, Text, b"{1,4111111111111111}", Some(b"{}")),
        ("inet", 869, Text, b"10.0.0.1", Some(b"0.0.0.0")),
        ("inet, binary", 869, Binary, &[2, 32, 0, 4, 10, 0, 0, 1], Some(&[2, 32, 0, 4, 0, 0, 0, 0])),
        ("bytea, text", 17, Text, b"\\x6140622e636f", Some(b"\\x")),
        ("timestamps are not looked at", 1114, Text, b"2024-01-01 00:00:00", None),
    ];
    for (why, oid, format, value, expected) in cases {
        let masked = detectors().mask_value(oid, format, value).unwrap();
        assert_eq!(masked.as_deref(), expected, "{why}");
    }
}

proptest! {
    /// Whatever the type and the value: no panic, the value's text does not come out, and both formats are understood
    /// or refused.
    #[test]
    fn no_value_comes_out(oid in 0_u32..6000, binary: bool, value in "[a-z0-9]{8,24}") {
        let format = if binary { Binary } else { Text };
        for transform in [Transform::Redact, Transform::Hash, Transform::Null, PARTIAL] {
            if let Ok(Masked::Bytes(masked)) = mask_value(transform, oid, format, value.as_bytes(), &Key::new([7; 32])) {
                prop_assert!(!masked.windows(value.len()).any(|window| window == value.as_bytes()));
            }
        }
    }

    /// Any bytes under any type, as a server gone mad might send them.
    #[test]
    fn garbage_does_not_panic(oid in 0_u32..6000, binary: bool, value: Vec<u8>) {
        let format = if binary { Binary } else { Text };
        let _ = mask_value(Transform::Hash, oid, format, &value, &Key::new([7; 32]));
        let _ = mask_value(PARTIAL, oid, format, &value, &Key::new([7; 32]));
        let _ = detectors().mask_value(oid, format, &value);
    }

    /// A binary numeric is read as PostgreSQL writes it.
    #[test]
    fn a_card_is_found_in_any_numeric_type(bin in 400_000_u64..=499_999, rest in 0_u64..1_000_000_000) {
        let body = bin * 1_000_000_000 + rest;
        let number = (0..10).map(|check| body * 10 + check);
        let found: Vec<u64> = number.filter(|n| detectors().finds(n.to_string().as_bytes())).collect();
        prop_assert_eq!(found.len(), 1, "one check digit is right");
        let card = found.first().copied().unwrap();
        let groups = [card / 10_u64.pow(12), card / 10_u64.pow(8) % 10_000, card / 10_000 % 10_000, card % 10_000];
        // PostgreSQL leaves zeros at the end out.
        let len = groups.iter().rposition(|group| *group != 0).unwrap() + 1;
        let mut numeric = vec![0, u8::try_from(len).unwrap(), 0, 3, 0, 0, 0, 0];
        numeric.extend(groups.iter().take(len).flat_map(|group| u16::try_from(*group).unwrap().to_be_bytes()));
        prop_assert_eq!(detectors().mask_value(1700, Binary, &numeric), Ok(Some(vec![0; 8])));
        prop_assert_eq!(detectors().mask_value(20, Binary, &card.to_be_bytes()), Ok(Some(vec![0; 8])));
    }
}
