//! The configuration as people write it.

use chaperone_flow::{Limits as FlowLimits, RecorderLimits};
use chaperone_pgwire::FrameLimits;
use chaperone_policy::Policy;
use chaperone_proto::struct_to_json;
use serde::Deserialize;
use serde_json::Value;

use crate::Error;

pub(crate) struct Document {
    pub(crate) resource: String,
    pub(crate) sidecar: Sidecar,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    resource: String,
    sidecar: Sidecar,
    #[serde(default)]
    limits: Limits,
    /// An object, or text that holds YAML or JSON.
    policy: Value,
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
            record_delay_ms: recorder.batch_age,
            sidecar_grace_ms: 30_000,
        }
    }
}

impl Limits {
    pub(crate) fn frames(&self) -> FlowLimits {
        let of = |message_max| FrameLimits { message_max, copy_data_max: message_max, ..FrameLimits::default() };
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
    let value = value(bytes)?;
    let raw: Raw = serde_json::from_value(value).map_err(|error| Error::Form(error.to_string()))?;
    let policy = match raw.policy {
        Value::String(text) => Policy::from_text(&text),
        other => Policy::from_json(other),
    };
    Ok(Document {
        resource: raw.resource,
        sidecar: raw.sidecar,
        limits: raw.limits,
        policy: policy.map_err(Error::Policy)?,
    })
}

/// Text first: a binary `Struct` begins with a field tag (0x0a) and a length, which is no JSON or YAML mapping.
fn value(bytes: &[u8]) -> Result<Value, Error> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(value) = chaperone_policy::text_to_json(text) {
            if value.is_object() {
                return Ok(value);
            }
        }
    }
    struct_to_json(bytes).map_err(|_| Error::Form("neither JSON, YAML nor a Struct".to_owned()))
}
