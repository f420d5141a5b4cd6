//! JSON as a security boundary wants it: a member named twice is an error, and so is nesting without end.
//!
//! Two readers of a text with a duplicate member may each see another value; `serde_json` alone keeps the last.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u32 = 16;

/// The members of an object.
pub(crate) type Object = BTreeMap<String, Json>;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`, `true` or `false`: nothing here asks which.
    Constant,
    /// `[...]`.
    List(Vec<Self>),
    /// Any number. Times, the only numbers of interest, are exact in 53 bits.
    Number(f64),
    /// `{...}`.
    Object(Object),
    /// A string.
    Text(String),
}

/// Why a text is not JSON as it is wanted here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Error {
    /// An object names a member twice.
    Duplicate,
    /// Not JSON, not UTF-8, nested too deeply, or followed by something.
    Malformed,
}

impl Json {
    /// The string, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Constant | Self::List(_) | Self::Number(_) | Self::Object(_) => None,
        }
    }
}

/// Reads a text that is one object and nothing else.
pub(crate) fn read_object(bytes: &[u8]) -> Result<Object, Error> {
    let duplicate = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Seed { depth: 0, duplicate: &duplicate }.deserialize(&mut reader);
    match value {
        Ok(Json::Object(object)) if reader.end().is_ok() => Ok(object),
        Err(_) if duplicate.get() => Err(Error::Duplicate),
        Ok(_) | Err(_) => Err(Error::Malformed),
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: u32,
    duplicate: &'a Cell<bool>,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth: self.depth.saturating_add(1), ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Constant)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Constant)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers beyond 53 bits are out of every accepted range")]
    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers beyond 53 bits are out of every accepted range")]
    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut object = Object::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                self.duplicate.set(true);
                return Err(A::Error::custom("a member is named twice"));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_at_any_depth_and_under_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
            r#"{"":0,"":0}"#,
        ] {
            assert_eq!(read_object(text.as_bytes()), Err(Error::Duplicate), "{text}");
        }
        assert!(read_object(br#"{"a":{"a":1},"A":2}"#).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: u32| {
            let lists = usize::try_from(depth - 1).unwrap();
            format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists))
        };
        assert!(read_object(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(read_object(nested(MAX_DEPTH + 1).as_bytes()), Err(Error::Malformed));
        assert_eq!(read_object(nested(100_000).as_bytes()), Err(Error::Malformed));
    }

    #[test]
    fn what_is_no_single_object_is_malformed() {
        for text in [
            &b""[..],
            b"[]",
            b"null",
            b"\"a\"",
            b"{} {}",
            b"{}x",
            b"{\"a\":1e999}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":NaN}",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
        ] {
            assert_eq!(read_object(text), Err(Error::Malformed), "{}", String::from_utf8_lossy(text));
        }
    }
}
