//! Taking records in.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chaperone_proto::{Mark, Message, RECORDER_HEADER, Record, RecordAck, Source};
use serde_json::json;

use super::answer::Failure;
use super::auth::Filter;
use super::connections::Body;
use super::{MAX_BATCH_MEMORY, Service};
use crate::presence;
use crate::store::{Batch, Incoming, Refused};

/// Most records in one batch.
pub(crate) const MAX_BATCH_RECORDS: usize = 10_000;
/// Longest session id, in bytes.
const MAX_SESSION: usize = 64;

const PROTOBUF: &str = "application/x-protobuf";

/// `RecordBatch` on the wire, with its records left as bytes: they are kept as they came.
#[derive(Clone, PartialEq, Message)]
struct RawBatch {
    #[prost(bytes = "vec", repeated, tag = "1")]
    records: Vec<Vec<u8>>,
    #[prost(string, repeated, tag = "2")]
    ended: Vec<String>,
}

/// `POST /v1/records`.
pub(super) async fn append(
    _: Filter,
    State(service): State<Service>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let kind = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    if kind != Some(PROTOBUF.as_bytes()) {
        let error = format!("the content type must be {PROTOBUF}");
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let room = u32::try_from(body.len().clamp(1, MAX_BATCH_MEMORY)).unwrap_or(u32::MAX);
    let Ok(_room) = service.room.try_acquire_many(room) else {
        service.metrics.overloaded.add(1);
        return Err(Failure::busy("too many records wait for the disk"));
    };
    service.metrics.batches.add(1);
    service.metrics.batch_bytes.add(body.len() as u64);
    let recorder = recorder(&headers)?;
    if let Some(recorder) = &recorder {
        service.presence.heard(recorder, service.clock.now());
    }
    let batch = read(&body, recorder)?;
    let marks = marks(&batch.records);
    let outcome = service.writer.append(batch).await.map_err(|refused| {
        if refused == Refused::Busy {
            service.metrics.overloaded.add(1);
        }
        Failure::busy("the records could not be stored")
    })?;
    if !outcome.conflicts.is_empty() {
        let error = "other records are stored under these numbers; all others of the batch are stored";
        let conflicts = json!(outcome.conflicts);
        return Err(Failure::new(StatusCode::CONFLICT, error).with("conflicts", conflicts));
    }
    let ack = RecordAck { marks }.encode_to_vec();
    Ok(([(CONTENT_TYPE, PROTOBUF)], ack).into_response())
}

/// Who sends the batch; none where it does not say.
fn recorder(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(name) = headers.get(RECORDER_HEADER) else { return Ok(None) };
    let name = name.to_str().ok().filter(|name| is_name(name, presence::MAX_NAME));
    let fault = || format!("{RECORDER_HEADER} must be 1 to {} letters, digits and `-`", presence::MAX_NAME);
    name.map(|name| Some(name.to_owned())).ok_or_else(|| Failure::malformed(fault()))
}

fn is_name(text: &str, longest: usize) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain && !text.is_empty() && text.len() <= longest
}

fn read(body: &[u8], recorder: Option<String>) -> Result<Batch, Failure> {
    let batch = RawBatch::decode(body)
        .map_err(|error| Failure::malformed(format!("the body is not a RecordBatch: {error}")))?;
    if batch.records.len().max(batch.ended.len()) > MAX_BATCH_RECORDS {
        return Err(Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a batch holds at most {MAX_BATCH_RECORDS} records"),
        ));
    }
    let records = batch.records.into_iter().map(incoming).collect::<Result<_, _>>()?;
    Ok(Batch { recorder, records, ended: batch.ended })
}

fn incoming(bytes: Vec<u8>) -> Result<Incoming, Failure> {
    let record = Record::decode(bytes.as_slice())
        .map_err(|error| Failure::malformed(format!("a record cannot be read: {error}")))?;
    let fault = fault(&record);
    fault.map_or(Ok(Incoming { bytes, record }), |fault| Err(Failure::malformed(fault)))
}

fn fault(record: &Record) -> Option<&'static str> {
    let signed = |number: u64| i64::try_from(number).is_ok();
    if !is_name(&record.session, MAX_SESSION) {
        Some("a record's session must be 1 to 64 letters, digits and `-`")
    } else if matches!(Source::try_from(record.source), Err(_) | Ok(Source::Unspecified)) {
        Some("a record's source is not known")
    } else if record.seq == 0 || !signed(record.seq) {
        Some("a record's seq must be from 1 to 2^63 - 1")
    } else if !signed(record.time) {
        Some("a record's time must be at most 2^63 - 1")
    } else {
        None
    }
}

/// The whole batch is durable, so the mark of each session and source is its highest number in the batch.
fn marks(batch: &[Incoming]) -> Vec<Mark> {
    let mut highest: BTreeMap<(&str, i32), u64> = BTreeMap::new();
    for Incoming { record, .. } in batch {
        let mark = highest.entry((&record.session, record.source)).or_default();
        *mark = record.seq.max(*mark);
    }
    let mark =
        |((session, source), seq): ((&str, i32), u64)| Mark { session: session.to_owned(), source, seq };
    highest.into_iter().map(mark).collect()
}
