//! JSON values to a [`Tree`], and a tree to its canonical JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Entry, MAX_DOCUMENT_DEPTH, Node, Tree};

impl From<Node> for Tree {
    fn from(node: Node) -> Self {
        Self { node, at: None }
    }
}

/// None where it is nested too deeply.
pub(super) fn tree(value: Value, depth: usize) -> Option<Tree> {
    if depth > MAX_DOCUMENT_DEPTH {
        return None;
    }
    let inner = depth.saturating_add(1);
    let node = match value {
        Value::Null => Node::Null,
        Value::Bool(value) => Node::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Node::Integer(integer),
            None => float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Node::Text(text),
        Value::Array(items) => {
            Node::List(items.into_iter().map(|item| tree(item, inner)).collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let entry = |(key, value)| tree(value, inner).map(|value| Entry { key, at: None, value });
            Node::Map(members.into_iter().map(entry).collect::<Option<_>>()?)
        }
    };
    Some(node.into())
}

/// A double that is a whole number is that number: `Struct` knows only doubles.
fn float(value: f64) -> Node {
    /// Beyond this a double no longer tells whole numbers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        // Rust has no checked conversion; the range was checked in the line above.
        return Node::Integer(value as i64);
    }
    Node::Float(value)
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Node::Bool(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Node::Integer(value).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or_else(|_| float(value as f64), Node::Integer).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(float(value).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Node::Text(value.to_owned()).into())
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Node::Null.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some((key, value)) = access.next_entry::<String, Tree>()? {
            super::check_key(&entries, &key).map_err(A::Error::custom)?;
            entries.push(Entry { key, at: None, value });
        }
        Ok(Node::Map(entries).into())
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

/// Depth is bounded when a tree is made.
pub(super) fn write_canonical(tree: &Tree, out: &mut String) {
    match &tree.node {
        Node::Null => out.push_str("null"),
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Integer(value) => out.push_str(&value.to_string()),
        Node::Float(value) => match float(*value) {
            Node::Integer(value) => out.push_str(&value.to_string()),
            _ => out.push_str(&Value::from(*value).to_string()),
        },
        Node::Text(text) => write_text(text, out),
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Node::Map(entries) => {
            let mut present: Vec<_> = entries.iter().filter(|entry| entry.value.node != Node::Null).collect();
            present.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for (index, entry) in present.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(&entry.key, out);
                out.push(':');
                write_canonical(&entry.value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}
