//! Health and metrics: open to everybody, and telling nothing about anybody.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Service;
use super::answer::{Failure, blocking};
use crate::metrics::Gauges;

/// `GET /healthz`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: records and approvals can be stored.
pub(super) async fn ready(State(service): State<Service>) -> Result<&'static str, Failure> {
    if *service.stop.borrow() {
        return Err(Failure::busy("the sidecar is stopping"));
    }
    if !service.writer.is_alive() {
        return Err(Failure::busy("records cannot be stored"));
    }
    gauges(&service).await.map(|_| "ready\n")
}

/// `GET /metrics`: Prometheus's text format.
pub(super) async fn metrics(State(service): State<Service>) -> Result<Response, Failure> {
    let gauges = gauges(&service).await?;
    let text = service.metrics.text(&gauges);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn gauges(service: &Service) -> Result<Gauges, Failure> {
    let (records, desk) = (Arc::clone(&service.records), Arc::clone(&service.desk));
    blocking(move || {
        let (sessions, stored) = records.count()?;
        let waiters = desk.waiters() as u64;
        Ok::<_, Failure>(Gauges { sessions, stored, approvals: desk.count()?, waiters })
    })
    .await
}
