//! What all objects of Kubernetes have: a name, labels, annotations, and a size that it can store.

use super::yaml::Yaml;
use super::{Document, Source};
use crate::terminal::one_line;

/// What `kubectl apply` can keep of an object in its annotation, in bytes: more needs `--server-side`.
const MAX_CLIENT_SIDE: usize = 256 << 10;
/// What Kubernetes stores of an object, where its store is as it comes.
const MAX_OBJECT: usize = 3 << 19;

/// What the objects are called.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Vec<(String, String)>,
}

/// What an object is attached to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    group: String,
    kind: String,
    name: String,
}

impl Target {
    /// Reads `KIND/NAME` of a kind that is known, or `GROUP/KIND/NAME`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('/').collect();
        let (group, kind, name) = match parts.as_slice() {
            [kind @ ("Gateway" | "GatewayClass"), name] => ("gateway.networking.k8s.io", *kind, *name),
            ["Service", name] => ("", "Service", *name),
            ["ServiceEntry", name] => ("networking.istio.io", "ServiceEntry", *name),
            [group, kind, name] => (*group, *kind, *name),
            _ => {
                return Err(
                    "expected Gateway/NAME, GatewayClass/NAME, Service/NAME or GROUP/KIND/NAME".to_owned()
                );
            }
        };
        let word = kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name(name)
            || !(group.is_empty() || is_name(group))
            || kind.is_empty()
            || kind.len() > 63
            || !word
        {
            return Err(format!("`{text}` is no object of Kubernetes"));
        }
        Ok(Self { group: group.to_owned(), kind: kind.to_owned(), name: name.to_owned() })
    }

    /// Whether it is a `Gateway`, or the class of several that are merged.
    pub(super) fn is_gateway(&self) -> bool {
        self.group == "gateway.networking.k8s.io"
    }

    /// Its kind and name.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    pub(super) fn yaml(&self) -> Yaml {
        Yaml::map([
            ("group", self.group.as_str().into()),
            ("kind", self.kind.as_str().into()),
            ("name", self.name.as_str().into()),
        ])
    }
}

impl Object {
    /// An object, which tells in its annotations which policy it is of.
    pub(super) fn document(
        &self,
        source: &Source,
        (version, kind): (&str, &str),
        suffix: &str,
        comments: &[String],
        spec: Yaml,
    ) -> Result<Document, String> {
        let name = if suffix.is_empty() { self.name.clone() } else { format!("{}-{suffix}", self.name) };
        let labels =
            || Yaml::Map(self.labels.iter().map(|(key, value)| (key.clone(), text(value))).collect());
        let annotations = Yaml::map([
            ("chaperone/policy", source.policy.name().into()),
            ("chaperone/digest", Yaml::Text(source.digest())),
        ]);
        let metadata = Yaml::map([("name", name.as_str().into())])
            .with("namespace", self.namespace.as_deref().map(text))
            .with("labels", (!self.labels.is_empty()).then(labels))
            .with(
                "annotations",
                Some(annotations.with("chaperone/revision", source.revision.as_deref().map(text))),
            );
        let object = Yaml::map([
            ("apiVersion", version.into()),
            ("kind", kind.into()),
            ("metadata", metadata),
            ("spec", spec),
        ]);
        let mut whole = String::new();
        for comment in comments {
            whole.push_str(format!("# {}", one_line(comment)).trim_end());
            whole.push('\n');
        }
        whole.push_str(&object.text());
        if whole.len() > MAX_OBJECT {
            let why = "more than Kubernetes stores (1.5 MiB); a smaller policy, or the fused module, fits";
            return Err(format!("{kind} `{name}` has {} bytes: {why}", whole.len()));
        }
        Ok(Document { file: format!("{}-{name}.yaml", kind.to_lowercase()), text: whole })
    }
}

/// What is to be known of the size of documents.
pub(super) fn size_note(documents: &[Document]) -> Option<String> {
    documents.iter().find(|document| document.text.len() > MAX_CLIENT_SIDE).map(|document| {
        let file = &document.file;
        format!("{file} is too large for `kubectl apply` alone (256 KiB); use `kubectl apply --server-side`")
    })
}

fn text(text: &str) -> Yaml {
    text.into()
}

/// Whether it is a name of an object: parts of small letters, digits and `-`, with dots between.
pub(crate) fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// Whether it is a label: `PREFIX/NAME` or `NAME`, and a value.
pub(crate) fn is_label(key: &str, value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let word = |word: &str| {
        word.len() <= 63
            && word.bytes().all(inner)
            && edge(word.bytes().next())
            && edge(word.bytes().next_back())
    };
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_name) && word(name) && (value.is_empty() || word(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_targets_are_those_of_kubernetes() {
        assert!(is_name("chaperone-fused") && is_name("a.b"));
        assert!(["", "A", "-a", "a-", "a..b", "a_b", &"a".repeat(254)].iter().all(|name| !is_name(name)));
        assert!(is_label("app.kubernetes.io/name", "chaperone") && is_label("app", ""));
        assert!(
            !is_label("app", "a b")
                && !is_label("", "x")
                && !is_label("A/b", "x")
                && !is_label("a", &"x".repeat(64))
        );
        let gateway = Target::read("Gateway/eg").unwrap();
        assert!(gateway.is_gateway());
        assert_eq!(Target::read("gateway.networking.k8s.io/Gateway/eg"), Ok(gateway));
        assert!(
            ["eg", "Pod/x", "Gateway/", "Gateway/A", "a/b/c/d"]
                .iter()
                .all(|text| Target::read(text).is_err())
        );
    }
}
