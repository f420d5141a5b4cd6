//! The part of OpenAPI's schemas that CustomResourceDefinitions are written in, strictly: a field that a schema does not
//! have is an error, and so is a keyword that this does not know. Rules in CEL (`x-kubernetes-validations`) are not run.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "tests")]

use regex::Regex;
use serde_json::{Map, Value};

/// What is wrong with an object, by the definition of its kind.
pub(crate) fn problems(definition: &Value, object: &Value) -> Vec<String> {
    let version = object["apiVersion"].as_str().unwrap().rsplit_once('/').unwrap().1;
    assert_eq!(definition["spec"]["names"]["kind"], object["kind"]);
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let version = versions.iter().find(|known| known["name"] == version).expect("the version is served");
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    // Every kind has these, said or not.
    for field in ["apiVersion", "kind"] {
        schema["properties"][field] = serde_json::json!({ "type": "string" });
    }
    schema["properties"]["metadata"] =
        serde_json::json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let mut problems = Vec::new();
    check(&schema, object, "", &mut problems);
    problems
}

fn check(schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    let mut wrong = |why: String| problems.push(format!("{at}: {why}"));
    let schema = schema.as_object().unwrap();
    if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
        return;
    }
    let number = |limit: &Value| limit.as_f64().unwrap();
    let size = |limit: &Value| usize::try_from(limit.as_u64().unwrap()).unwrap();
    for (keyword, limit) in schema {
        let fits = match (keyword.as_str(), value) {
            ("type", _) => is(limit.as_str().unwrap(), value),
            ("enum", _) => limit.as_array().unwrap().contains(value),
            ("minimum", Value::Number(found)) => found.as_f64().unwrap() >= number(limit),
            ("maximum", Value::Number(found)) => found.as_f64().unwrap() <= number(limit),
            ("minLength", Value::String(text)) => text.chars().count() >= size(limit),
            ("maxLength", Value::String(text)) => text.chars().count() <= size(limit),
            ("pattern", Value::String(text)) => Regex::new(limit.as_str().unwrap()).unwrap().is_match(text),
            ("maxItems", Value::Array(items)) => items.len() <= size(limit),
            ("maxProperties", Value::Object(fields)) => fields.len() <= size(limit),
            ("required", Value::Object(fields)) => {
                limit.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
            }
            ("oneOf", _) => limit.as_array().unwrap().iter().filter(|one| accepts(one, value)).count() == 1,
            ("anyOf", _) => limit.as_array().unwrap().iter().any(|one| accepts(one, value)),
            ("not", _) => !accepts(limit, value),
            (
                "additionalProperties"
                | "default"
                | "description"
                | "format"
                | "items"
                | "maxItems"
                | "maxLength"
                | "maxProperties"
                | "maximum"
                | "minLength"
                | "minimum"
                | "nullable"
                | "pattern"
                | "properties"
                | "required"
                | "x-kubernetes-list-map-keys"
                | "x-kubernetes-list-type"
                | "x-kubernetes-preserve-unknown-fields"
                | "x-kubernetes-validations",
                _,
            ) => true,
            (stranger, _) => panic!("{at}: the keyword `{stranger}` is not known here"),
        };
        if !fits {
            wrong(format!(
                "{keyword} {limit} does not hold for {}",
                value.to_string().chars().take(80).collect::<String>()
            ));
        }
    }
    match value {
        Value::Object(fields) => within(schema, fields, at, problems),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{at}[{place}]"), problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn within(schema: &Map<String, Value>, fields: &Map<String, Value>, at: &str, problems: &mut Vec<String>) {
    let any = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    for (name, value) in fields {
        let at = format!("{at}.{name}");
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        match known.or_else(|| schema.get("additionalProperties")) {
            Some(schema) => check(schema, value, &at, problems),
            None if any => {}
            None => problems.push(format!("{at}: there is no such field")),
        }
    }
}

/// For `oneOf`, `anyOf` and `not`, which in these definitions only ask which fields are there.
fn accepts(schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, limit)| match keyword.as_str() {
        "required" => {
            limit.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
        }
        "anyOf" => limit.as_array().unwrap().iter().any(|one| accepts(one, value)),
        "not" => !accepts(limit, value),
        stranger => panic!("the keyword `{stranger}` is not known here"),
    })
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        stranger => panic!("the type `{stranger}` is not known here"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let definition = serde_json::json!({ "spec": { "names": { "kind": "K" }, "versions": [{ "name": "v1", "schema": {
        "openAPIV3Schema": { "type": "object", "properties": { "spec": { "type": "object", "required": ["a"], "properties": {
            "a": { "type": "string", "enum": ["x"], "maxLength": 3 },
            "b": { "type": "array", "items": { "type": "integer", "minimum": 1 } },
            "c": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        } } } } } }] } });
    let of = |spec: Value| {
        problems(&definition, &serde_json::json!({ "apiVersion": "g/v1", "kind": "K", "spec": spec }))
    };
    assert_eq!(of(serde_json::json!({ "a": "x", "b": [1], "c": { "any": 1 } })), Vec::<String>::new());
    for bad in [
        serde_json::json!({}),
        serde_json::json!({ "a": "y" }),
        serde_json::json!({ "a": 1 }),
        serde_json::json!({ "a": "x", "b": [0] }),
        serde_json::json!({ "a": "x", "b": ["1"] }),
        serde_json::json!({ "a": "x", "d": 1 }),
    ] {
        assert!(!of(bad.clone()).is_empty(), "{bad}");
    }
}
