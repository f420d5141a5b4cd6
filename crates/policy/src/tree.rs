//! A document as a tree that knows its lines: what YAML text, JSON text and Envoy's `Struct` have in common.

mod decode;
mod json;
mod yaml;

use chaperone_model::Digest;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Position};

/// Longest text that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// Deepest nesting of lists and mappings.
pub const MAX_DOCUMENT_DEPTH: usize = 32;
/// Most keys of one mapping.
pub const MAX_DOCUMENT_KEYS: usize = 1_000;
/// Most values, keys included, in one document.
pub const MAX_DOCUMENT_NODES: usize = 100_000;

/// A document, or a part of one, with its place in the text.
///
/// Anchors, aliases, tags, repeated keys and several documents in one text are refused: a policy says what
/// it says where it says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    pub(crate) node: Node,
    pub(crate) at: Option<Position>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Bool(bool),
    Float(f64),
    Integer(i64),
    List(Vec<Tree>),
    Map(Vec<Entry>),
    Null,
    Text(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Option<Position>,
    pub(crate) value: Tree,
}

impl Tree {
    /// Reads YAML or JSON text.
    ///
    /// # Errors
    /// When the text is neither, or exceeds a limit of this module.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_DOCUMENT_BYTES {
            let message = format!("the document is larger than {MAX_DOCUMENT_BYTES} bytes");
            return Err(Error::one(None, message));
        }
        // JSON is nearly, but not quite, YAML (surrogate escapes, tabs): what JSON's own reader takes is JSON.
        let json = text.trim_start().starts_with('{').then(|| serde_json::from_str::<Self>(text));
        match json {
            Some(Ok(tree)) => tree.within_limits(),
            // What is wrong with it, or that it is YAML's own flow style, YAML's reader tells with its line.
            Some(Err(_)) | None => yaml::read(text),
        }
    }

    /// Takes a JSON value, such as Envoy's `Struct` becomes. Text stands for the document in that text.
    ///
    /// # Errors
    /// When the value exceeds a limit of this module.
    pub fn from_json(value: Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => Self::from_text(&text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                json::tree(value, 0).ok_or_else(too_deep)?.within_limits()
            }
        }
    }

    /// Decodes the tree as any type; errors name line and field.
    ///
    /// # Errors
    /// When the tree is not such a value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(decode::Reader::new(self)).map_err(|error| error.at_or(self.at).into())
    }

    /// Takes the value of a key out of a mapping, so that two readers can share one document.
    pub fn take(&mut self, key: &str) -> Option<Self> {
        let Node::Map(entries) = &mut self.node else { return None };
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index).value)
    }

    /// The text, where the tree is nothing but text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            Node::Bool(_) | Node::Float(_) | Node::Integer(_) | Node::List(_) | Node::Map(_) | Node::Null => {
                None
            }
        }
    }

    /// SHA-256 over a canonical form: JSON without spaces, keys sorted, null members left out, whole numbers
    /// as integers. So YAML, JSON and `Struct` of one document agree; the order of lists counts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut canonical = String::new();
        json::write_canonical(self, &mut canonical);
        Digest(Sha256::digest(canonical).into())
    }

    fn within_limits(self) -> Result<Self, Error> {
        let mut nodes = 0_usize;
        let mut open = vec![(&self, 1_usize)];
        while let Some((tree, depth)) = open.pop() {
            nodes = nodes.saturating_add(1);
            match &tree.node {
                Node::List(items) => open.extend(items.iter().map(|item| (item, depth.saturating_add(1)))),
                Node::Map(entries) => {
                    nodes = nodes.saturating_add(entries.len());
                    open.extend(entries.iter().map(|entry| (&entry.value, depth.saturating_add(1))));
                }
                Node::Bool(_) | Node::Float(_) | Node::Integer(_) | Node::Null | Node::Text(_) => {}
            }
            if depth > MAX_DOCUMENT_DEPTH {
                return Err(too_deep());
            }
            if nodes > MAX_DOCUMENT_NODES {
                return Err(Error::one(
                    None,
                    format!("the document has more than {MAX_DOCUMENT_NODES} values"),
                ));
            }
        }
        Ok(self)
    }
}

/// Whether one more key may go into a mapping. Each is compared with all before it, so their number is bounded.
fn check_key(entries: &[Entry], key: &str) -> Result<(), String> {
    if entries.len() >= MAX_DOCUMENT_KEYS {
        return Err(format!("a mapping has more than {MAX_DOCUMENT_KEYS} keys"));
    }
    if entries.iter().any(|entry| entry.key == key) {
        return Err(format!("`{key}` is given twice"));
    }
    Ok(())
}

fn too_deep() -> Error {
    Error::one(None, format!("the document is nested deeper than {MAX_DOCUMENT_DEPTH}"))
}
