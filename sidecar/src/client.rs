//! The command line's way to a running sidecar.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// How long a request may take, besides what it waits on purpose.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the sidecar is, and who asks.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The sidecar's address.
    #[arg(long, global = true, env = "CHAPERONE_SIDECAR_URL", default_value = "http://127.0.0.1:7480")]
    url: String,
}

/// A sidecar to ask.
pub(crate) struct Sidecar {
    agent: ureq::Agent,
    url: String,
    token: String,
}

/// What went wrong with a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The token is not set.
    #[error("set CHAPERONE_OPERATOR_TOKEN to the operators' token of the sidecar")]
    NoToken,
    /// The sidecar said no.
    #[error("{message}")]
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The address is none.
    #[error("`{0}` is no sidecar's address: the form is http://HOST:PORT (--url, CHAPERONE_SIDECAR_URL)")]
    Address(String),
    /// It cannot be reached, or does not answer.
    #[error("the sidecar at {url} does not answer: {why}")]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        why: String,
    },
    /// The answer is not what this program knows.
    #[error("the sidecar's answer is not understood: {0}")]
    Unknown(String),
}

// === impl Error ===

impl Error {
    /// Whether it is an answer (there is none, no longer possible) and not a failure.
    pub(crate) fn is_negative(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 409, .. })
    }

    /// Whether the sidecar knows nothing of that name.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

// === impl Sidecar ===

impl Sidecar {
    /// With the operators' token of the environment.
    pub(crate) fn at(place: &Place) -> Result<Self, Error> {
        let token = std::env::var("CHAPERONE_OPERATOR_TOKEN").unwrap_or_default();
        if token.trim().is_empty() {
            return Err(Error::NoToken);
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // The sidecar is a neighbour; a proxy must not see its tokens.
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .build();
        let url = place.url.trim_end_matches('/').to_owned();
        let parsed = url.parse::<ureq::http::Uri>().ok();
        if !parsed
            .is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        {
            return Err(Error::Address(crate::terminal::one_line(&place.url)));
        }
        Ok(Self { agent: config.into(), url, token: token.trim().to_owned() })
    }

    /// Asks for what is at `path`.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.get_patiently(path, Duration::ZERO)
    }

    /// The same where the answer may take its time.
    pub(crate) fn get_patiently<T: DeserializeOwned>(&self, path: &str, wait: Duration) -> Result<T, Error> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("authorization", self.bearer());
        let timeout = TIMEOUT.saturating_add(wait);
        self.read(request.config().timeout_global(Some(timeout)).build().call())
    }

    /// Sends `body` to `path`.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        let request = self.agent.post(format!("{}{path}", self.url)).header("authorization", self.bearer());
        self.read(request.config().timeout_global(Some(TIMEOUT)).build().send_json(body))
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Error> {
        let unreachable = |error: ureq::Error| {
            let why = error.to_string();
            Error::Unreachable { url: self.url.clone(), why }
        };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| Error::Unknown(error.to_string()));
        }
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let message = said.get("error").and_then(serde_json::Value::as_str);
        let Some(message) = message.map(str::to_owned) else {
            return Err(Error::Unknown(format!("{} answered {status}; is it a sidecar?", self.url)));
        };
        let hint = if status == 401 {
            ": CHAPERONE_OPERATOR_TOKEN is not the operators' token of the sidecar"
        } else {
            ""
        };
        Err(Error::Refused { status: status.as_u16(), message: format!("{message}{hint}") })
    }
}

/// Makes a text a segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut segment = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(super::segment("ap-12/../x?y"), "ap-12%2F..%2Fx%3Fy");
    }
}
