//! The REST interface. One file an endpoint group; who may call what is in each handler's signature.

mod answer;
mod approvals;
mod auth;
pub(crate) mod connections;
mod health;
mod records;
mod sessions;

pub(crate) use auth::{Tokens, TokensInvalid};
pub(crate) use sessions::{Detail, Page};

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::presence::Presence;
use crate::store::{RecordStore, Writer};

/// Largest body of a batch of records, in bytes: a message of 16 MiB that strict mode records whole, and others with it.
pub(crate) const MAX_BATCH_BYTES: usize = 18 << 20;
/// Largest body of anything else, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 256 << 10;
/// Batches of records that are held in memory at a time, in bytes.
pub(crate) const MAX_BATCH_MEMORY: usize = 64 << 20;

/// What the handlers need. Cloned for each request.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Who may call.
    pub(crate) tokens: Arc<Tokens>,
    /// Approvals.
    pub(crate) desk: Arc<Desk>,
    /// Where records are read.
    pub(crate) records: Arc<dyn RecordStore>,
    /// Where records are written.
    pub(crate) writer: Arc<Writer>,
    /// Which recorders are there.
    pub(crate) presence: Arc<Presence>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Bytes of batches that may still be taken in.
    pub(crate) room: Arc<Semaphore>,
    /// Becomes true when the sidecar stops.
    pub(crate) stop: watch::Receiver<bool>,
}

/// All routes.
pub(crate) fn router(service: Service) -> Router {
    let batch = Router::new()
        .route("/v1/records", post(records::append))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES));
    let rest = Router::new()
        .route("/v1/approvals", get(approvals::list))
        .route("/v1/approvals/{id}", put(approvals::request).get(approvals::lookup))
        .route("/v1/approvals/{id}/approve", post(approvals::approve))
        .route("/v1/approvals/{id}/reject", post(approvals::reject))
        .route("/v1/approvals/{id}/redeem", post(approvals::redeem))
        .route("/v1/approvals/{id}/withdraw", post(approvals::withdraw))
        .route("/v1/cancels", post(approvals::cancel))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/{id}", get(sessions::show))
        .route("/v1/sessions/{id}/records", get(sessions::records))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let all = batch.merge(rest).fallback(answer::no_such_path).with_state(service);
    all.layer(axum::middleware::map_response(answer::in_one_form))
}
