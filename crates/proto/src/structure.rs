//! Envoy's `google.protobuf.Struct` plugin configuration, which arrives as binary protobuf, to JSON.

use std::collections::BTreeMap;

use prost::{DecodeError, Message, Oneof};
use serde_json::{Map, Number, Value as Json};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 64;

#[derive(Clone, PartialEq, Message)]
struct Struct {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kind {
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
    #[prost(message, tag = "5")]
    Struct(Struct),
    #[prost(message, tag = "6")]
    List(List),
}

/// Reads a binary `Struct` as a JSON object.
///
/// Whole numbers come back as integers: `Struct` knows only doubles, a policy means counts.
///
/// # Errors
/// When the bytes are not a `Struct`, or it is nested deeper than 64.
pub fn struct_to_json(bytes: &[u8]) -> Result<Json, DecodeError> {
    // prost's own recursion limit (100) has bounded the tree before ours is walked.
    let decoded = Struct::decode(bytes)?;
    #[expect(deprecated, reason = "prost offers no other way to make a DecodeError")]
    object(decoded, 0).ok_or_else(|| DecodeError::new("nested deeper than 64"))
}

fn object(value: Struct, depth: usize) -> Option<Json> {
    let fields = value.fields.into_iter().map(|(name, value)| Some((name, json(value, depth + 1)?)));
    Some(Json::Object(fields.collect::<Option<Map<_, _>>>()?))
}

fn json(value: Value, depth: usize) -> Option<Json> {
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match value.kind {
        None | Some(Kind::Null(_)) => Json::Null,
        Some(Kind::Number(number)) => number_json(number),
        Some(Kind::Text(text)) => Json::String(text),
        Some(Kind::Bool(bool)) => Json::Bool(bool),
        Some(Kind::Struct(value)) => object(value, depth)?,
        Some(Kind::List(list)) => {
            let values = list.values.into_iter().map(|value| json(value, depth + 1));
            Json::Array(values.collect::<Option<Vec<_>>>()?)
        }
    })
}

fn number_json(number: f64) -> Json {
    /// 2⁵³: up to here a double holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2⁵³, so exact")]
        return Json::Number(Number::from(number as i64));
    }
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    #[test]
    fn reads_every_kind() {
        let list =
            List { values: vec![value(Kind::Number(5.0)), value(Kind::Number(0.5)), value(Kind::Null(0))] };
        let fields = [("a", Kind::Text("x".into())), ("b", Kind::Bool(true)), ("c", Kind::List(list))];
        let message = Struct { fields: fields.into_iter().map(|(n, k)| (n.to_owned(), value(k))).collect() };
        let json = struct_to_json(&message.encode_to_vec()).unwrap();
        assert_eq!(json, serde_json::json!({"a": "x", "b": true, "c": [5, 0.5, null]}));
    }

    #[test]
    fn refuses_what_is_no_struct_and_what_is_too_deep() {
        assert!(struct_to_json(b"\xff\xff\xff").is_err());
        let mut deep = Struct::default();
        for _ in 0..500 {
            deep = Struct { fields: [("d".to_owned(), value(Kind::Struct(deep)))].into() };
        }
        assert!(struct_to_json(&deep.encode_to_vec()).is_err());
    }
}
