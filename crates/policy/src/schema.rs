//! The JSON Schema of the document, for editors and for checks without Chaperone.

use serde_json::{Value, json};

use crate::document::Document;

/// The JSON Schema of a policy document.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    if let Value::Object(members) = &mut schema {
        members.insert("title".to_owned(), json!("Chaperone policy"));
    }
    schema
}

#[cfg(test)]
mod tests;
