//! The schema for editors: that the file is the generated one, and that each field of it is described.

use std::collections::BTreeSet;
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

/// Each field, and each word that one may have, is in the code of the page's section about it.
#[test]
fn every_field_of_the_schema_is_described() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md")).unwrap();
    let schema = schema();
    for (field, of_field) in schema["properties"].as_object().unwrap() {
        let sections = page.split("\n## ").skip(1);
        let mut about =
            sections.filter(|section| words(section.lines().next().unwrap()).contains(field.as_str()));
        let section = about.next().unwrap_or_else(|| panic!("docs/policy.md has no section about `{field}`"));
        let described = words(section);
        let mut fields = BTreeSet::from([field.clone()]);
        collect(&schema, of_field, &mut BTreeSet::new(), &mut fields);
        let missing: Vec<_> = fields.iter().filter(|it| !described.contains(it.as_str())).collect();
        assert!(missing.is_empty(), "docs/policy.md, the section about `{field}`, does not have {missing:?}");
    }
}

/// The words in the text's code.
fn words(text: &str) -> BTreeSet<&str> {
    let code = text.split('`').skip(1).step_by(2);
    code.flat_map(|code| code.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_-".contains(letter)))
        .collect()
}

/// The names of fields in a schema, and the words that they may have.
fn collect(root: &Value, schema: &Value, seen: &mut BTreeSet<String>, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                if seen.insert(reference.to_owned()) {
                    collect(root, root.pointer(reference.trim_start_matches('#')).unwrap(), seen, names);
                }
            }
            let fields = members.get("properties").and_then(Value::as_object);
            names.extend(fields.iter().flat_map(|fields| fields.keys().cloned()));
            let values = members.get("enum").and_then(Value::as_array);
            let values = values.into_iter().flatten().chain(members.get("const"));
            names.extend(values.filter_map(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(root, member, seen, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(root, item, seen, names)),
        _ => {}
    }
}
