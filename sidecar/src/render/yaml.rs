//! YAML as it is written for people to review: the same tree gives the same bytes.
//!
//! Text that a reader could misread (escape sequences, letters that reverse the reading order) is never written as it
//! is, but in quotes with everything spelled out.

use serde_json::Value;

use crate::deliver::quoted;
use crate::terminal::safe;

/// A tree whose mappings keep their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Bool(bool),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    Null,
    Number(String),
    Text(String),
}

impl Yaml {
    /// A mapping in this order.
    pub(super) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A list.
    pub(super) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// The same mapping with one more entry, where there is a value.
    pub(super) fn with(self, key: &str, value: Option<Self>) -> Self {
        match (self, value) {
            (Self::Map(mut entries), Some(value)) => {
                entries.push((key.to_owned(), value));
                Self::Map(entries)
            }
            (other, _) => other,
        }
    }

    /// The document.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.block(0, &mut out);
        out
    }

    /// A mapping's entries or a list's items, each on lines of its own.
    fn block(&self, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    out.push_str(&pad);
                    out.push_str(&scalar(key));
                    out.push(':');
                    value.after(indent.saturating_add(2), out);
                }
            }
            Self::List(items) => {
                for item in items {
                    out.push_str(&pad);
                    out.push('-');
                    match item {
                        Self::Map(entries) if !entries.is_empty() => {
                            let mut inner = String::new();
                            let deeper = indent.saturating_add(2);
                            item.block(deeper, &mut inner);
                            out.push(' ');
                            out.push_str(inner.get(deeper..).unwrap_or_default());
                        }
                        other => other.after(indent.saturating_add(2), out),
                    }
                }
            }
            other => {
                out.push_str(&pad);
                out.push_str(&other.inline());
                out.push('\n');
            }
        }
    }

    /// What stands behind a key or a dash.
    fn after(&self, indent: usize, out: &mut String) {
        match self {
            Self::Text(text) if literal(text) => {
                out.push_str(match text.as_bytes() {
                    [.., b'\n', b'\n'] => " |+\n",
                    [.., b'\n'] => " |\n",
                    _ => " |-\n",
                });
                let pad = " ".repeat(indent);
                for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                    if !line.is_empty() {
                        out.push_str(&pad);
                        out.push_str(line);
                    }
                    out.push('\n');
                }
            }
            Self::List(items) if items.iter().any(Self::is_nested) => self.nested(indent, out),
            Self::Map(entries) if !entries.is_empty() => self.nested(indent, out),
            other => {
                out.push(' ');
                out.push_str(&other.inline());
                out.push('\n');
            }
        }
    }

    fn nested(&self, indent: usize, out: &mut String) {
        out.push('\n');
        self.block(indent, out);
    }

    fn is_nested(&self) -> bool {
        match self {
            Self::List(_) | Self::Map(_) => true,
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::Text(_) => false,
        }
    }

    fn inline(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Null => "null".to_owned(),
            Self::Number(number) => number.clone(),
            Self::Text(text) => scalar(text),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::inline).collect::<Vec<_>>().join(", "))
            }
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| format!("{}: {}", scalar(key), value.inline());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u16> for Yaml {
    fn from(number: u16) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<&Value> for Yaml {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::list(items.iter().map(Self::from)),
            Value::Object(fields) => {
                Self::Map(fields.iter().map(|(key, value)| (key.clone(), value.into())).collect())
            }
        }
    }
}

/// Whether text may stand in a block, line by line as it is.
fn literal(text: &str) -> bool {
    let blank = |line: &str| !line.is_empty() && line.trim_matches(' ').is_empty();
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.contains('\t')
        && !text.lines().any(blank)
        && safe(text) == text
}

/// A scalar in one line: plain where no version of YAML takes it for anything but this text.
fn scalar(text: &str) -> String {
    const OTHERS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let first = text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    if first && text.bytes().all(plain) && !OTHERS.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    quoted(text)
}

#[cfg(test)]
mod tests {
    use chaperone_policy::Tree;
    use proptest::prelude::*;

    use super::*;

    fn again(yaml: &Yaml) -> Value {
        let text = yaml.text();
        let tree = Tree::from_text(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        tree.decode().unwrap()
    }

    #[test]
    fn what_people_read_is_plain() {
        let yaml = Yaml::map([
            ("kind", "WasmPlugin".into()),
            ("@type", "type.googleapis.com/a.B".into()),
            ("on", "off".into()),
            ("url", "oci://r/x:1".into()),
            ("env", Yaml::list(["A".into(), "B".into()])),
            ("none", Yaml::list([])),
            ("match", Yaml::list([Yaml::map([("mode", "SERVER".into()), ("port", Yaml::from(5432))])])),
            ("policy", "version: 1\n\nname: x\n".into()),
            ("hidden", "a\u{202e}b\nc".into()),
        ]);
        assert_eq!(
            yaml.text(),
            "kind: WasmPlugin\n\"@type\": type.googleapis.com/a.B\n\"on\": \"off\"\nurl: \"oci://r/x:1\"\n\
             env: [A, B]\nnone: []\nmatch:\n  - mode: SERVER\n    port: 5432\n\
             policy: |\n  version: 1\n\n  name: x\nhidden: \"a\\u202eb\\nc\"\n"
        );
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ \n\ta:#'\"|{}&*!%@`,\\[\\]-]{0,20}",
            "([a-z: #]{0,6}\n){0,5}[a-z ]{0,3}\n{0,3}",
        ]
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            text().prop_map(Value::String),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|number| serde_json::json!(number)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_it_was(value in tree()) {
            // The reader wants no NUL and the like in keys; texts of that kind are values here too.
            let document = serde_json::json!({ "document": value });
            prop_assert_eq!(again(&Yaml::from(&document)), document);
        }
    }
}
