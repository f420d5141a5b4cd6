//! The schema for editors, and that the file is the generated one.

use std::{env, fs};

use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/schema.json");

#[test]
fn the_schema_in_policies_is_this_one() {
    let mut current = serde_json::to_string_pretty(&schema()).unwrap();
    current.push('\n');
    if env::var_os("UPDATE").is_some() {
        fs::write(FILE, &current).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(written == current, "policies/schema.json has drifted: UPDATE=1 cargo test -p chaperone-policy");
}

/// The reader of documents names the fields by hand; here they are held against the schema.
#[test]
fn every_field_of_the_schema_is_read() {
    let schema = schema();
    let fields = schema["properties"].as_object().unwrap();
    assert!(fields.len() >= 9);
    for field in fields.keys() {
        let error = crate::Policy::from_text(&format!("{field}: 1.5")).unwrap_err().to_string();
        assert!(!error.contains("unknown field"), "{field}: {error}");
    }
    assert_eq!(schema["additionalProperties"], json!(false));
}
