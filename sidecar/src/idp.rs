//! The development identity provider: a directory of keys, discovery, a key set, rotation.
//!
//! It lets anybody on this machine have any token. It is for trying things out and for tests, and for nothing
//! else.

mod keys;

pub(crate) use keys::{Error as KeyError, KeyRing};

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chaperone_policy::ALGORITHMS;
use chaperone_token::Algorithm;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::log;

/// What the handlers need.
#[derive(Debug)]
struct Provider {
    issuer: String,
    keys: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Rotation {
    algorithm: Option<String>,
}

type Failure = (StatusCode, String);

/// Runs until it is ended.
pub(crate) fn run(listen: SocketAddr, keys: PathBuf, issuer: Option<String>) -> io::Result<()> {
    // There must be a key before anybody asks.
    KeyRing::open(&keys).and_then(|ring| ring.signing(None)).map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let issuer = issuer.unwrap_or_else(|| format!("http://{address}"));
        writeln!(io::stdout(), "chaperone: identity provider {issuer} listening on http://{address}")?;
        io::stdout().flush()?;
        let (mut terminate, mut interrupt) = signals()?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let router = router(Provider { issuer, keys });
        axum::serve(listener, router).with_graceful_shutdown(stop).await
    })
}

type Signal = tokio::signal::unix::Signal;

fn signals() -> io::Result<(Signal, Signal)> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

fn router(provider: Provider) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(key_set))
        .route("/rotate", post(rotate))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(Arc::new(provider))
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let Provider { issuer, .. } = &*provider;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{}/jwks", issuer.trim_end_matches('/')),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
    }))
}

async fn key_set(State(provider): State<Arc<Provider>>) -> Result<Json<Value>, Failure> {
    let ring = KeyRing::open(&provider.keys).map_err(broken)?;
    Ok(Json(ring.key_set().map_err(broken)?))
}

async fn rotate(
    State(provider): State<Arc<Provider>>,
    Query(rotation): Query<Rotation>,
) -> Result<Json<Value>, Failure> {
    let known = |name: &str| {
        let unknown = || (StatusCode::BAD_REQUEST, format!("unknown algorithm `{name}`\n"));
        Algorithm::from_name(name).ok_or_else(unknown)
    };
    let algorithm = rotation.algorithm.as_deref().map(known).transpose()?;
    let ring = KeyRing::open(&provider.keys).map_err(broken)?;
    let key = ring.add(algorithm).map_err(broken)?;
    log::info("rotated", &[("key", &key.key_id()), ("algorithm", &key.algorithm())]);
    Ok(Json(json!({ "kid": key.key_id(), "alg": key.algorithm().name() })))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(error: KeyError) -> Failure {
    log::error("the keys cannot be used", &[("error", &error)]);
    (StatusCode::INTERNAL_SERVER_ERROR, "the keys cannot be used\n".to_owned())
}
