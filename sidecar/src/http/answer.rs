//! Failures as answers: `{"error": "..."}` and a status.

use std::fmt::Display;

use axum::Json;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::approval::Refusal;
use crate::{desk, log, store};

/// A request that failed.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Value,
    header: Option<(HeaderName, &'static str)>,
}

impl Failure {
    /// With a status and a message.
    pub(super) fn new(status: StatusCode, error: impl Display) -> Self {
        Self { status, body: json!({ "error": format!("{error}") }), header: None }
    }

    /// The request makes no sense.
    pub(super) fn malformed(error: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Try again soon.
    pub(super) fn busy(error: impl Display) -> Self {
        Self { header: Some((RETRY_AFTER, "1")), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, error) }
    }

    /// No token, or an unknown one.
    pub(super) fn unauthorized(why: &str) -> Self {
        Self { header: Some((WWW_AUTHENTICATE, "Bearer")), ..Self::new(StatusCode::UNAUTHORIZED, why) }
    }

    /// A token of another role.
    pub(super) fn forbidden(error: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, error)
    }

    /// Adds to the body.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        if let Some(object) = self.body.as_object_mut() {
            object.insert(key.to_owned(), value);
        }
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, axum::http::HeaderValue::from_static(value));
        }
        response
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        // The caller need not know how the store is made.
        log::error("the store failed", &[("error", &error)]);
        Self::busy("the store failed")
    }
}

impl From<desk::Error> for Failure {
    fn from(error: desk::Error) -> Self {
        match error {
            desk::Error::Store(error) => error.into(),
            desk::Error::Full(what) => Self::busy(what),
            desk::Error::Invalid(invalid) => Self::malformed(invalid),
            desk::Error::Unknown(_) => Self::new(StatusCode::NOT_FOUND, error),
            desk::Error::Exists(_) => Self::new(StatusCode::CONFLICT, error),
            desk::Error::Refused(refusal) => {
                let status = match refusal {
                    Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
                    Refusal::Decided(_)
                    | Refusal::Digest
                    | Refusal::Redeemed
                    | Refusal::Repeated(_)
                    | Refusal::Requester(_)
                    | Refusal::Unapproved(_) => StatusCode::CONFLICT,
                };
                let state = match refusal {
                    Refusal::Decided(state) | Refusal::Unapproved(state) => Some(state),
                    _ => None,
                };
                let failure = Self::new(status, refusal);
                match state {
                    Some(state) => failure.with("state", json!(state)),
                    None => failure,
                }
            }
        }
    }
}

/// Runs what blocks where it may.
pub(super) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    E: Into<Failure> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Failure::busy("the sidecar is stopping")),
    }
}

/// Longest message of the framework, in bytes.
const MAX_REJECTION: usize = 4 << 10;

/// What the framework refuses by itself (a parameter that is no number, a body that is too large, a method that is not
/// there) it says in plain text or not at all: a caller reads one form only.
pub(super) async fn in_one_form(response: Response) -> Response {
    let status = response.status();
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
    if !status.is_client_error() || is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = axum::body::to_bytes(body, MAX_REJECTION).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let error = if said.is_empty() { status.canonical_reason().unwrap_or_default() } else { said.as_ref() };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    (parts, Json(json!({ "error": error }))).into_response()
}

/// For addresses that do not exist.
pub(super) async fn no_such_path() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is nothing here")
}
