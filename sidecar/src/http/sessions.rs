//! Reading what was recorded.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Service;
use super::answer::{Failure, blocking};
use super::auth::Operator;
use crate::chain::{Hole, Link};
use crate::store::{Find, Found, RecordStore, Session};

/// How many sessions a list has where nothing is said.
const LIST: u32 = 50;
/// Most sessions in one list.
const MAX_LIST: u32 = 10_000;
/// About how many bytes of records one page has.
const PAGE_BYTES: usize = 2 << 20;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    #[serde(default)]
    after: u64,
}

/// One session and what is missing of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The session.
    #[serde(flatten)]
    pub(crate) session: Session,
    /// Numbers that never arrived, or have not yet.
    pub(crate) holes: Vec<Hole>,
}

/// Some records of a session.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    /// In the order of storing.
    pub(crate) records: Vec<StoredRecord>,
    /// Ask for what is behind this next; none when there is no more.
    pub(crate) next: Option<u64>,
}

/// A record as it is stored, so that whoever reads it can check the chain.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    /// Its place in the chain.
    pub(crate) position: u64,
    /// Which filter spoke.
    pub(crate) source: i32,
    /// That filter's number for it.
    pub(crate) seq: u64,
    /// Its hash, hexadecimal.
    pub(crate) hash: String,
    /// The protobuf message `Record`, base 64.
    pub(crate) body: String,
}

/// `GET /v1/sessions`.
pub(super) async fn list(
    _: Operator,
    State(service): State<Service>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Failure> {
    let limit = query.limit.unwrap_or(LIST).clamp(1, MAX_LIST);
    let records = Arc::clone(&service.records);
    let mut sessions = blocking(move || records.sessions(limit)).await?;
    let now = service.clock.now();
    sessions.iter_mut().for_each(|session| service.presence.judge(session, now));
    Ok(Json(json!({ "sessions": sessions })))
}

/// `GET /v1/sessions/{id}`; the id may be `last` or the beginning of one.
pub(super) async fn show(
    _: Operator,
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Detail>, Failure> {
    let records = Arc::clone(&service.records);
    let detail = blocking(move || {
        let session = find(&*records, &id)?;
        let holes = records.holes(&session.id)?;
        Ok::<_, Failure>(Detail { session, holes })
    });
    let mut detail = detail.await?;
    service.presence.judge(&mut detail.session, service.clock.now());
    Ok(Json(detail))
}

/// `GET /v1/sessions/{id}/records?after=POSITION`.
pub(super) async fn records(
    _: Operator,
    State(service): State<Service>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page>, Failure> {
    let records = Arc::clone(&service.records);
    let page = blocking(move || {
        let session = find(&*records, &id)?;
        let links = records.page(&session.id, query.after, PAGE_BYTES)?;
        let next = links.last().map(|link| link.position).filter(|last| *last < session.records);
        Ok::<_, Failure>(Page { records: links.iter().map(StoredRecord::from).collect(), next })
    });
    page.await.map(Json)
}

fn find(records: &dyn RecordStore, id: &str) -> Result<Session, Failure> {
    let find = if id == "last" { Find::Last } else { Find::Prefix(id.to_owned()) };
    match records.find(&find)? {
        Found::One(session) => Ok(*session),
        Found::None => Err(Failure::new(StatusCode::NOT_FOUND, format!("there is no session `{id}`"))),
        Found::Many(some) => {
            let some: Vec<_> = some.iter().map(|id| id.as_str()).collect();
            let error = format!("`{id}` may be any of {}", some.join(", "));
            Err(Failure::new(StatusCode::CONFLICT, error))
        }
    }
}

// === impl StoredRecord ===

impl From<&Link> for StoredRecord {
    fn from(link: &Link) -> Self {
        Self {
            position: link.position,
            source: link.source,
            seq: link.seq,
            hash: link.hash.to_hex(),
            body: STANDARD.encode(&link.body),
        }
    }
}

impl StoredRecord {
    /// The record as the chain knows it; none where it is not well formed.
    pub(crate) fn link(&self) -> Option<Link> {
        Some(Link {
            position: self.position,
            source: self.source,
            seq: self.seq,
            hash: crate::hex::digest(&self.hash)?,
            body: STANDARD.decode(&self.body).ok()?,
        })
    }
}
