//! Values of the document that are written as one word.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::verbs::{CLASSES, NAMES, VerbSet};

/// A length of time in seconds, written `90s`, `5m`, `2h` or `1d`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Duration(pub(crate) u64);

/// `true`, where `false` would say nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct True;

/// A verb or a class of verbs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerbTerm(pub(crate) VerbSet);

// === impl Duration ===

impl Duration {
    fn read(text: &str) -> Option<Self> {
        let unit = text.chars().next_back()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let number = text.strip_suffix(unit)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number.parse::<u64>().ok()?.checked_mul(seconds).map(Self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as `30s`, `5m`, `2h` or `1d`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
                Duration::read(text).ok_or_else(|| {
                    E::custom(format!("`{text}` is not a time such as `30s`, `5m`, `2h` or `1d`"))
                })
            }
        }
        deserializer.deserialize_str(Words)
    }
}

// === impl True ===

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? {
            Ok(Self)
        } else {
            Err(D::Error::custom("only `true` has a meaning here; leave it out instead"))
        }
    }
}

// === impl VerbTerm ===

impl<'de> Deserialize<'de> for VerbTerm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let term = String::deserialize(deserializer)?;
        VerbSet::named(&term).map(Self).ok_or_else(|| {
            let classes: Vec<_> = CLASSES.iter().map(|(name, _)| format!("`{name}`")).collect();
            let lower = term.to_ascii_lowercase();
            let hint =
                if NAMES.iter().any(|(_, name)| *name == lower) { "; write it in small letters" } else { "" };
            D::Error::custom(format!(
                "`{term}` is neither a verb nor a class of verbs ({}){hint}",
                classes.join(", ")
            ))
        })
    }
}

#[cfg(any(feature = "schema", test))]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{CLASSES, Duration, NAMES, True, VerbTerm};

    impl JsonSchema for Duration {
        fn schema_name() -> Cow<'static, str> {
            "Duration".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "description": "A time: `30s`, `5m`, `2h`, `1d`.", "type": "string", "pattern": "^[0-9]+[smhd]$" })
        }
    }

    impl JsonSchema for True {
        fn schema_name() -> Cow<'static, str> {
            "True".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "const": true })
        }
    }

    impl JsonSchema for VerbTerm {
        fn schema_name() -> Cow<'static, str> {
            "Verb".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let classes = CLASSES.iter().map(|(name, _)| *name);
            let names: Vec<_> = classes.chain(NAMES.iter().map(|(_, name)| *name)).collect();
            json_schema!({ "description": "A verb, or a class of verbs.", "type": "string", "enum": names })
        }
    }
}

/// A kind of value that is found by its look.
// Stands in for the model's type, which knows no schema; a test holds them together.
#[cfg(any(feature = "schema", test))]
#[derive(schemars::JsonSchema, serde::Serialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Detector")]
#[cfg_attr(not(test), expect(dead_code, reason = "only its shape is used"))]
pub(crate) enum DetectorName {
    Card,
    Email,
    Iban,
    IpAddress,
    Phone,
    SecretKey,
    Ssn,
}

/// What is shown in the place of a value.
// Stands in for the model's type, which knows no schema; a test holds them together.
#[cfg(any(feature = "schema", test))]
#[derive(schemars::JsonSchema, serde::Serialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
#[schemars(rename = "Transform")]
#[cfg_attr(not(test), expect(dead_code, reason = "only its shape is used"))]
pub(crate) enum TransformTerm {
    /// A keyed digest: equal values look equal.
    Hash,
    /// NULL where the place allows it.
    Null,
    /// All letters and digits but the first and last few become `*`.
    Partial {
        /// How many stay at the start.
        #[schemars(default)]
        keep_first: u8,
        /// How many stay at the end.
        #[schemars(default)]
        keep_last: u8,
    },
    /// `[redacted]`.
    Redact,
}

#[cfg(test)]
mod tests {
    use chaperone_model::mask::{Detector, Transform};

    use super::*;

    #[test]
    fn durations() {
        assert_eq!(Duration::read("90s"), Some(Duration(90)));
        assert_eq!(Duration::read("2d"), Some(Duration(172_800)));
        for text in [
            "",
            "5",
            "m",
            "-1s",
            "+1s",
            "1 s",
            "1w",
            "1.5h",
            "99999999999999999999s",
            "18446744073709551615m",
        ] {
            let read = Duration::read(text);
            assert_eq!(read, None, "{text}");
        }
    }

    #[test]
    fn the_schemas_stand_ins_are_the_models_types() {
        use DetectorName as Name;
        for name in
            [Name::Card, Name::Email, Name::Iban, Name::IpAddress, Name::Phone, Name::SecretKey, Name::Ssn]
        {
            let json = serde_json::to_value(name).unwrap();
            let model: Detector = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(model).unwrap(), json);
        }
        for term in [
            TransformTerm::Hash,
            TransformTerm::Null,
            TransformTerm::Partial { keep_first: 1, keep_last: 2 },
            TransformTerm::Redact,
        ] {
            let json = serde_json::to_value(term).unwrap();
            let model: Transform = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(model).unwrap(), json);
        }
    }
}
