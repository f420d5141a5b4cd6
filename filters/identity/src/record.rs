//! What is told about logins: records, counters, and the filter state that access logs and RBAC read.
//!
//! A token is never part of any of it, nor is a claim of a token that was not verified.

use std::rc::Rc;

use chaperone_flow::{Command, Cx, Effect};
use chaperone_model::{Digest, Identity, Reason};
use chaperone_pgwire::client::{Parse, Query};
use chaperone_pgwire::{Frame, tag};
use chaperone_proto::{Authenticated, Body, Closed, Opened, Source, VerdictRecord};
use chaperone_settings::Settings;

use crate::counters;

/// The session has an identity now.
pub(crate) fn accepted(cx: &mut Cx<'_>, identity: &Identity, application: String) {
    cx.effect(Effect::Annotate("chaperone.subject", identity.subject.clone().into_bytes()));
    cx.effect(Effect::Annotate("chaperone.groups", joined(&identity.groups).into_bytes()));
    cx.effect(Effect::Annotate("chaperone.token_id", identity.token_id.clone().into_bytes()));
    cx.effect(Effect::Count(counters::ACCEPTED, 1));
    let body = Authenticated {
        subject: identity.subject.clone(),
        groups: identity.groups.clone(),
        issuer: identity.issuer.clone(),
        token_id: identity.token_id.clone(),
        expires_at: identity.expires_at.0,
        role: cx.session.role.clone(),
        database: cx.session.database.clone(),
        application,
    };
    cx.effect(Effect::Record(Source::Identity, Body::Authenticated(body)));
}

/// A login was refused. `subject` only where it was verified.
pub(crate) fn login_refused(
    cx: &mut Cx<'_>,
    reason: Reason,
    subject: Option<&str>,
    detail: &str,
    settings: &Settings,
) {
    let policy = settings.policy.digest();
    cx.effect(Effect::Count(counters::REFUSED, 1));
    if cx.session.identity.is_none() {
        // session-tap opens a session with its identity; where there is none, who tried is told by the address.
        let (client, resource) = (cx.session.client.clone(), settings.resource.clone());
        let opened = Opened { client, resource, protocol: "postgres".to_owned() };
        cx.effect(Effect::Record(Source::Identity, Body::Opened(opened)));
    }
    if let Some(subject) = subject {
        // The access log names who it was; nothing of the session goes on.
        cx.effect(Effect::Annotate("chaperone.subject", subject.as_bytes().to_vec()));
    }
    denied(cx, reason, subject, detail, policy);
    cx.effect(Effect::Record(Source::Identity, Body::Closed(Closed { by: "gateway".to_owned() })));
}

/// A command of a session was refused because of who it is. session-tap behind this flow does not see it, so that what was
/// tried is told here.
pub(crate) fn command_refused(
    cx: &mut Cx<'_>,
    reason: Reason,
    subject: &str,
    policy: Digest,
    frame: Option<&Frame<'_>>,
) {
    cx.effect(Effect::Count(counters::COMMAND_REFUSED, 1));
    let text = match frame {
        Some(frame) if frame.tag == tag::client::QUERY => Query::read(frame.body()).map(|query| query.text),
        Some(frame) if frame.tag == tag::client::PARSE => Parse::read(frame.body()).map(|parse| parse.text),
        Some(_) | None => Ok(&b""[..]),
    };
    let tried = Command::new(text.unwrap_or_default(), Rc::default());
    let record = VerdictRecord {
        statement: tried.statement().to_owned(),
        digest: tried.digest_beside_statement(),
        ..VerdictRecord::default()
    };
    denied_as(cx, reason, Some(subject), "", policy, record);
}

fn denied(cx: &mut Cx<'_>, reason: Reason, subject: Option<&str>, detail: &str, policy: Digest) {
    denied_as(cx, reason, subject, detail, policy, VerdictRecord::default());
}

fn denied_as(
    cx: &mut Cx<'_>,
    reason: Reason,
    subject: Option<&str>,
    detail: &str,
    policy: Digest,
    record: VerdictRecord,
) {
    let mut message = reason.title().to_owned();
    for (name, value) in [
        ("subject", subject.unwrap_or_default()),
        ("role", &cx.session.role),
        ("database", &cx.session.database),
        ("detail", detail),
    ] {
        if !value.is_empty() {
            message.push_str(&format!(", {name} `{}`", chaperone_flow::clip(value)));
        }
    }
    let verdict = VerdictRecord {
        decision: "deny".to_owned(),
        reason: reason.code().to_owned(),
        message,
        policy: policy.to_hex(),
        ..record
    };
    cx.effect(Effect::Annotate("chaperone.verdict", format!("deny {}", reason.code()).into_bytes()));
    cx.effect(Effect::Record(Source::Identity, Body::Verdict(verdict)));
}

/// Groups in one text. A comma inside a name is written `%2C`, so that no name can pose as two.
fn joined(groups: &[String]) -> String {
    let plain: Vec<_> = groups.iter().map(|group| group.replace('%', "%25").replace(',', "%2C")).collect();
    plain.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_poses_as_two() {
        assert_eq!(joined(&["a".to_owned(), "b,admins".to_owned(), "%2C".to_owned()]), "a,b%2Cadmins,%252C");
        assert_eq!(joined(&[]), "");
    }
}
