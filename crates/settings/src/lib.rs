//! The plugin configuration that every filter takes: which resource its listener leads to, where the sidecar is,
//! limits, and the policy.
//!
//! It arrives as Envoy delivers it: JSON or YAML text (`StringValue`) or a binary `Struct`. What cannot be read is an
//! error, for the canary to refuse; where a bad configuration gets that far all the same, [`Settings::deny_all`]
//! takes its place.

mod document;
mod error;

use std::fmt;
use std::rc::Rc;

use chaperone_flow::{Budget, Limits, RecorderLimits};
use chaperone_policy::Policy;

pub use error::Error;

/// Variables of the VM's environment: where credentials come from, never from the policy.
pub trait Environment {
    /// The value of a variable; none where it is not set or empty.
    fn variable(&self, name: &str) -> Option<String>;
}

/// Where the sidecar is.
#[derive(Clone, Eq, PartialEq)]
pub struct Sidecar {
    /// Envoy's cluster.
    pub cluster: String,
    /// The bearer token for it; empty where none is configured.
    pub token: String,
    /// Milliseconds to wait for an answer that is due at once.
    pub timeout: u64,
}

impl fmt::Debug for Sidecar {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sidecar").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// The configuration of one filter on one listener.
#[derive(Clone)]
pub struct Settings {
    /// The policy's resource that the listener leads to.
    pub resource: String,
    /// Where the sidecar is.
    pub sidecar: Sidecar,
    /// Sizes of messages.
    pub limits: Limits,
    /// Bytes that all sessions of a VM keep together.
    pub session_memory: usize,
    /// What a recorder may hold.
    pub recorder: RecorderLimits,
    /// How long a lost sidecar is waited for while a command is held, in milliseconds.
    pub sidecar_grace: u64,
    /// The policy.
    pub policy: Rc<Policy>,
    /// Where credentials come from.
    pub environment: Rc<dyn Environment>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("resource", &self.resource)
            .field("sidecar", &self.sidecar)
            .field("policy", &self.policy.digest())
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When it is neither text nor a `Struct`, names an unknown field, or its policy is not valid.
    pub fn read(bytes: &[u8], environment: Rc<dyn Environment>) -> Result<Self, Error> {
        let document = document::read(bytes)?;
        let token = document.sidecar.token_env.as_deref().and_then(|name| environment.variable(name));
        Ok(Self {
            resource: document.resource,
            sidecar: Sidecar {
                cluster: document.sidecar.cluster,
                token: token.unwrap_or_default(),
                timeout: document.sidecar.timeout_ms,
            },
            limits: document.limits.frames(),
            session_memory: document.limits.session_memory,
            recorder: document.limits.recorder(),
            sidecar_grace: document.limits.sidecar_grace_ms,
            policy: Rc::new(document.policy),
            environment,
        })
    }

    /// Denies everything, because of `why`.
    #[must_use]
    pub fn deny_all(why: &str, environment: Rc<dyn Environment>) -> Self {
        Self {
            resource: String::new(),
            sidecar: Sidecar { cluster: String::new(), token: String::new(), timeout: 1 },
            limits: Limits::default(),
            session_memory: Budget::DEFAULT_MOST,
            recorder: RecorderLimits::default(),
            sidecar_grace: 0,
            policy: Rc::new(Policy::deny_all(why)),
            environment,
        }
    }
}
