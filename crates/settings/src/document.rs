//! The configuration as people write it.

use chaperone_flow::{Budget, Limits as FlowLimits, RecorderLimits};
use chaperone_pgwire::FrameLimits;
use chaperone_policy::{Policy, Tree};
use chaperone_proto::struct_to_json;
use serde::Deserialize;

use crate::Error;

pub(crate) struct Document {
    pub(crate) resource: String,
    pub(crate) sidecar: Sidecar,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
}

/// Everything but `policy`, which is an object, or text that holds YAML or JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    resource: String,
    sidecar: Sidecar,
    #[serde(default)]
    limits: Limits,
    /// Says nothing: it makes a configuration another one than an earlier one with the same policy.
    #[serde(default, rename = "revision")]
    _revision: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sidecar {
    pub(crate) cluster: String,
    #[serde(default)]
    pub(crate) token_env: Option<String>,
    #[serde(default = "timeout_default")]
    pub(crate) timeout_ms: u64,
}

const fn timeout_default() -> u64 {
    5_000
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Largest message of the client, in bytes.
    client_message: u32,
    /// Largest message of the server, in bytes.
    server_message: u32,
    /// Bytes of records that wait for the sidecar, for all sessions of a VM.
    record_buffer: usize,
    /// Bytes that all sessions of a VM keep together.
    pub(crate) session_memory: usize,
    /// Longest age of an unsent record, in milliseconds.
    record_delay_ms: u64,
    /// How long a lost sidecar is waited for while a command is held.
    pub(crate) sidecar_grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let recorder = RecorderLimits::default();
        Self {
            client_message: FrameLimits::MESSAGE_MAX,
            server_message: FrameLimits::MESSAGE_MAX,
            record_buffer: recorder.bytes_most,
            session_memory: Budget::DEFAULT_MOST,
            record_delay_ms: recorder.batch_age,
            sidecar_grace_ms: 30_000,
        }
    }
}

impl Limits {
    pub(crate) fn frames(&self) -> FlowLimits {
        let of =
            |message_max| FrameLimits { message_max, copy_data_max: message_max, ..FrameLimits::default() };
        FlowLimits { client: of(self.client_message), server: of(self.server_message) }
    }

    pub(crate) fn recorder(&self) -> RecorderLimits {
        RecorderLimits {
            bytes_most: self.record_buffer,
            batch_age: self.record_delay_ms,
            ..RecorderLimits::default()
        }
    }
}

pub(crate) fn read(bytes: &[u8]) -> Result<Document, Error> {
    let mut tree = tree(bytes)?;
    let Some(policy) = tree.take("policy") else {
        return Err(Error::Form("field `policy` is missing".to_owned()));
    };
    let rest: Rest = tree.decode().map_err(|error| Error::Form(error.to_string()))?;
    let policy = match policy.as_text() {
        Some(text) => Policy::from_text(text),
        None => Policy::from_tree(&policy),
    };
    let policy = policy.map_err(Error::Policy)?;
    Ok(Document { resource: rest.resource, sidecar: rest.sidecar, limits: rest.limits, policy })
}

/// A binary `Struct` first: it begins with a line feed and a length, and no text that means anything decodes as one.
fn tree(bytes: &[u8]) -> Result<Tree, Error> {
    if let Ok(json) = struct_to_json(bytes) {
        if json.as_object().is_some_and(|fields| !fields.is_empty()) {
            return Tree::from_json(json).map_err(|error| Error::Form(error.to_string()));
        }
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Error::Form("neither JSON, YAML nor a Struct".to_owned()))?;
    Tree::from_text(text).map_err(|error| Error::Form(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
resource: shop
sidecar: { cluster: side }
policy:
  version: 1
  name: shop
  resources: []
  rules: []
";

    #[test]
    fn text_and_text_in_text_are_the_same() {
        let nested = read(TEXT.as_bytes()).unwrap();
        let inner = "{version: 1, name: shop, resources: [], rules: []}";
        let text = format!("resource: shop\nsidecar: {{ cluster: side }}\npolicy: |\n  {inner}\n");
        let quoted = read(text.as_bytes()).unwrap();
        assert_eq!(nested.policy.digest(), quoted.policy.digest());
        assert_eq!((nested.resource.as_str(), nested.sidecar.cluster.as_str()), ("shop", "side"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let of = |text: &str| match read(text.as_bytes()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("`{text}` was accepted"),
        };
        assert!(of("resource: shop").contains("policy"));
        assert!(of(&TEXT.replace("resource:", "resuorce:")).contains("resuorce"));
        assert!(of(&TEXT.replace("rules", "ruels")).contains("ruels"));
        assert!(of("- 1").contains("policy"));
        assert!(read(b"\xff\xff").is_err());
    }
}
