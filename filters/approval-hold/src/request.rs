//! What goes to the sidecar's approval service and what comes back.

use chaperone_flow::{Call, Note, Session};
use chaperone_settings::Sidecar;
use serde::{Deserialize, Serialize};

use crate::subject::Subject;

/// Seconds for which the sidecar keeps a question open before it answers "pending".
pub(crate) const WAIT: u64 = 20;

/// Calls that are answered to nobody.
const TOLD: u32 = 0;

/// Numbers the questions of one connection, so that a late answer about one command is none about the next.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    last: u32,
    open: bool,
}

impl Questions {
    /// From here on only the answer to this call counts.
    pub(crate) fn ask(&mut self, call: Call) -> Call {
        self.last = self.last.checked_add(1).unwrap_or(TOLD + 1);
        self.open = true;
        Call { id: self.last, ..call }
    }

    /// Whether this is the answer to the question that was asked last, for the first time.
    pub(crate) fn is_answer(&mut self, id: u32) -> bool {
        id == self.last && std::mem::take(&mut self.open)
    }
}

#[derive(Serialize)]
struct Request<'a> {
    session: &'a str,
    subject: &'a str,
    groups: &'a [String],
    resource: &'a str,
    role: &'a str,
    database: &'a str,
    statement: &'a str,
    digest: String,
    policy: String,
    rule: &'a str,
    message: &'a str,
    approvers: &'a [String],
    count: u32,
    expires_in: u64,
    cancel_key: &'a str,
}

/// What the sidecar says about a request.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) digest: String,
    #[serde(default)]
    pub(crate) decided_by: Option<String>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Approved,
    Cancelled,
    Expired,
    Pending,
    Rejected,
}

pub(crate) fn create(
    sidecar: &Sidecar,
    id: &str,
    session: &Session,
    resource: &str,
    note: &Note,
    subject_of: &Subject,
    cancel_key: &str,
) -> Call {
    let nobody = (String::new(), Vec::new());
    let (subject, groups) = session
        .identity
        .as_ref()
        .map_or(nobody, |identity| (identity.subject.clone(), identity.groups.clone()));
    let terms = note.verdict.hold.as_ref();
    let request = Request {
        session: session.id.as_ref().map_or("", |id| id.as_str()),
        subject: &subject,
        groups: &groups,
        resource,
        role: &session.role,
        database: &session.database,
        statement: &subject_of.shown,
        digest: subject_of.digest.to_hex(),
        policy: note.policy.to_hex(),
        rule: note.verdict.rule.as_ref().map_or("", |rule| rule.as_str()),
        message: &note.verdict.message,
        approvers: terms.map(|terms| terms.approvers.as_slice()).unwrap_or_default(),
        count: terms.map_or(1, |terms| terms.count),
        expires_in: terms.map_or(0, |terms| terms.expires_in),
        cancel_key,
    };
    call(sidecar, "PUT", format!("/v1/approvals/{id}"), &request, sidecar.timeout)
}

pub(crate) fn wait(sidecar: &Sidecar, id: &str) -> Call {
    let timeout = (WAIT * 1000).saturating_add(sidecar.timeout);
    call(sidecar, "GET", format!("/v1/approvals/{id}?wait={WAIT}s"), &(), timeout)
}

pub(crate) fn redeem(sidecar: &Sidecar, id: &str, digest: &str, nonce: &str) -> Call {
    let body = serde_json::json!({ "digest": digest, "nonce": nonce });
    call(sidecar, "POST", format!("/v1/approvals/{id}/redeem"), &body, sidecar.timeout)
}

pub(crate) fn withdraw(sidecar: &Sidecar, id: &str, why: &str) -> Call {
    let body = serde_json::json!({ "why": why });
    call(sidecar, "POST", format!("/v1/approvals/{id}/withdraw"), &body, sidecar.timeout)
}

pub(crate) fn cancel(sidecar: &Sidecar, cancel_key: &str) -> Call {
    let body = serde_json::json!({ "cancel_key": cancel_key });
    call(sidecar, "POST", "/v1/cancels".to_owned(), &body, sidecar.timeout)
}

fn call(sidecar: &Sidecar, method: &'static str, path: String, body: &impl Serialize, timeout: u64) -> Call {
    let body = if method == "GET" { Vec::new() } else { serde_json::to_vec(body).unwrap_or_default() };
    Call {
        id: TOLD,
        cluster: sidecar.cluster.clone(),
        method,
        authority: sidecar.cluster.clone(),
        path,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("authorization", format!("Bearer {}", sidecar.token)),
        ],
        body,
        timeout,
    }
}
