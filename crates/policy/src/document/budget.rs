//! Budgets as people write them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::terms::Duration;

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a budget")]
pub(crate) struct Budget {
    /// What messages and records call it; unique among rules, masks and budgets.
    pub(crate) id: String,
    /// For the people who own the policy.
    #[serde(default)]
    #[expect(dead_code, reason = "read by people; part of the digest through the tree")]
    pub(crate) description: Option<String>,
    /// For the caller: what is wrong. The limit is added.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// For the caller: what to do about it. When it is free again is added.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    /// Any of these callers; `*` stands for any letters.
    #[serde(default)]
    pub(crate) subjects: Option<Vec<String>>,
    /// None of these callers.
    #[serde(default)]
    pub(crate) except_subjects: Option<Vec<String>>,
    /// Members of any of these groups.
    #[serde(default)]
    pub(crate) groups: Option<Vec<String>>,
    /// Members of none of these groups.
    #[serde(default)]
    pub(crate) except_groups: Option<Vec<String>>,
    /// Any of these resources.
    #[serde(default)]
    pub(crate) resources: Option<Vec<String>>,
    /// Any of these roles.
    #[serde(default)]
    pub(crate) roles: Option<Vec<String>>,
    /// Any of these databases.
    #[serde(default)]
    pub(crate) databases: Option<Vec<String>>,
    /// Whose use is counted together.
    pub(crate) per: Per,
    /// How long it lasts, from the first that is counted; then it begins anew. The whole session where nothing is said.
    #[serde(default)]
    pub(crate) window: Option<Duration>,
    /// Most statements that are run.
    #[serde(default)]
    #[cfg_attr(any(feature = "schema", test), schemars(range(min = 1)))]
    pub(crate) statements: Option<u64>,
    /// Most statements that write: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY into a table.
    #[serde(default)]
    #[cfg_attr(any(feature = "schema", test), schemars(range(min = 1)))]
    pub(crate) writes: Option<u64>,
    /// Most rows of results.
    #[serde(default)]
    #[cfg_attr(any(feature = "schema", test), schemars(range(min = 1)))]
    pub(crate) rows: Option<u64>,
    /// Most bytes of results.
    #[serde(default)]
    pub(crate) bytes: Option<Size>,
}

/// Whose use of a budget is counted together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Every session by itself.
    Session,
    /// All sessions of one subject of one issuer.
    Subject,
}

/// A number of bytes, written `500`, `64KB`, `100MB` or `1GB`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size(pub(crate) u64);

/// Units from the largest, in bytes.
const UNITS: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("B", 1)];

impl Size {
    fn read(text: &str) -> Option<Self> {
        let (number, unit) =
            UNITS.into_iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number.parse::<u64>().ok()?.checked_mul(unit).map(Self)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, unit): &(&str, u64)| self.0 >= *unit && self.0 % unit == 0;
        match UNITS.into_iter().find(whole) {
            Some((name, unit)) => write!(f, "{} {name}", self.0 / unit),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes such as `64KB`, `100MB` or `1GB`")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Size, E> {
                u64::try_from(number)
                    .map(Size)
                    .map_err(|_| E::custom(format!("`{number}` is less than nothing")))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                Size::read(text).ok_or_else(|| {
                    E::custom(format!("`{text}` is not a number of bytes such as `64KB`, `100MB` or `1GB`"))
                })
            }
        }
        deserializer.deserialize_any(Words)
    }
}

#[cfg(any(feature = "schema", test))]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::Size;

    impl JsonSchema for Size {
        fn schema_name() -> Cow<'static, str> {
            "Size".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "A number of bytes: `500`, `64KB`, `100MB`, `1GB`; a KB has 1,000.",
                "anyOf": [
                    { "type": "integer", "minimum": 1 },
                    { "type": "string", "pattern": "^[0-9]+(B|KB|MB|GB)$" }
                ]
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes, shown) in [
            ("500B", 500, "500 B"),
            ("64KB", 64_000, "64 KB"),
            ("100MB", 100_000_000, "100 MB"),
            ("1GB", 1_000_000_000, "1 GB"),
            ("1500KB", 1_500_000, "1500 KB"),
        ] {
            assert_eq!(Size::read(text), Some(Size(bytes)), "{text}");
            assert_eq!(Size(bytes).to_string(), shown);
        }
        assert_eq!(Size(0).to_string(), "0 B");
        for text in ["", "B", "KB", "5", "-1KB", "1.5MB", "1 MB", "1mb", "1TB", "99999999999999999999B"] {
            assert_eq!(Size::read(text), None, "{text}");
        }
        assert_eq!(Size::read("18446744073709551615GB"), None);
    }
}
