//! Asking for approval, waiting for it, deciding it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chaperone_model::ApprovalId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Service;
use super::answer::{Failure, blocking};
use super::auth::{Anyone, Filter, Operator};
use super::connections::Body;
use crate::approval::{Act, Answer, Approval, Request, StateName, View};
use crate::desk::Requested;

/// How many approvals a list has where nothing is said.
const LIST: u32 = 200;
/// Most approvals in one list.
const MAX_LIST: u32 = 10_000;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    state: Option<String>,
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LookupQuery {
    wait: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Redeem {
    digest: String,
    #[serde(default)]
    nonce: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Withdraw {
    why: String,
}

#[derive(Debug, Deserialize)]
struct Cancel {
    cancel_key: String,
}

/// `PUT /v1/approvals/{id}`.
pub(super) async fn request(
    _: Filter,
    State(service): State<Service>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<(StatusCode, Json<View>), Failure> {
    let request: Request = parse(&body)?;
    let desk = Arc::clone(&service.desk);
    let requested = blocking(move || desk.request(ApprovalId(id), request)).await?;
    Ok(match requested {
        Requested::New(approval) => (StatusCode::CREATED, view(approval)),
        Requested::Same(approval) => (StatusCode::OK, view(approval)),
    })
}

/// `GET /v1/approvals/{id}?wait=20s`.
pub(super) async fn lookup(
    _: Anyone,
    State(service): State<Service>,
    Path(id): Path<String>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<View>, Failure> {
    let wait = match query.wait.as_deref() {
        None => Duration::ZERO,
        Some(text) => seconds(text)
            .ok_or_else(|| Failure::malformed("`wait` must be a number of seconds, such as `20s`"))?,
    };
    Ok(view(service.desk.wait(ApprovalId(id), wait, service.stop.clone()).await?))
}

/// `GET /v1/approvals?state=pending`.
pub(super) async fn list(
    _: Operator,
    State(service): State<Service>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Failure> {
    let state = match query.state.as_deref() {
        None | Some("" | "all") => None,
        Some(name) => {
            let known = StateName::ALL.into_iter().find(|state| state.as_str() == name);
            Some(known.ok_or_else(|| Failure::malformed(format!("`{name}` is no state of an approval")))?)
        }
    };
    let limit = query.limit.unwrap_or(LIST).clamp(1, MAX_LIST);
    let desk = Arc::clone(&service.desk);
    let found = blocking(move || desk.list(state, limit)).await?;
    let views: Vec<View> = found.into_iter().map(View::from).collect();
    Ok(Json(json!({ "approvals": views })))
}

/// `POST /v1/approvals/{id}/approve`.
pub(super) async fn approve(
    _: Operator,
    State(service): State<Service>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<Json<View>, Failure> {
    act(&service, id, Act::Approve(parse::<Answer>(&body)?)).await
}

/// `POST /v1/approvals/{id}/reject`.
pub(super) async fn reject(
    _: Operator,
    State(service): State<Service>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<Json<View>, Failure> {
    act(&service, id, Act::Reject(parse::<Answer>(&body)?)).await
}

/// `POST /v1/approvals/{id}/redeem`.
pub(super) async fn redeem(
    _: Filter,
    State(service): State<Service>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<Json<View>, Failure> {
    let Redeem { digest, nonce } = parse(&body)?;
    act(&service, id, Act::Redeem { digest, nonce }).await
}

/// `POST /v1/approvals/{id}/withdraw`.
pub(super) async fn withdraw(
    _: Filter,
    State(service): State<Service>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<Json<View>, Failure> {
    let Withdraw { why } = if body.is_empty() { Withdraw::default() } else { parse(&body)? };
    act(&service, id, Act::Withdraw { why }).await
}

/// `POST /v1/cancels`.
pub(super) async fn cancel(
    _: Filter,
    State(service): State<Service>,
    Body(body): Body,
) -> Result<Json<Value>, Failure> {
    let Cancel { cancel_key } = parse(&body)?;
    let desk = Arc::clone(&service.desk);
    let cancelled = blocking(move || desk.cancel(&cancel_key)).await?;
    Ok(Json(json!({ "cancelled": cancelled })))
}

async fn act(service: &Service, id: String, act: Act) -> Result<Json<View>, Failure> {
    let desk = Arc::clone(&service.desk);
    blocking(move || desk.act(&ApprovalId(id), &act)).await.map(view)
}

fn view(approval: Approval) -> Json<View> {
    Json(View::from(approval))
}

/// JSON whatever the content type says: Envoy's filters set it by hand, people with curl forget it.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::malformed(format!("the body is not valid: {error}")))
}

fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s').unwrap_or(text);
    number.parse().ok().map(Duration::from_secs)
}
