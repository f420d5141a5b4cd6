//! What is recorded and counted.

use chaperone_flow::{Command, Cx, Effect};
use chaperone_model::{Digest, Reason};
use chaperone_proto::{Body, Source, VerdictRecord};

use crate::counters;

/// Something was refused.
pub(crate) fn refused(cx: &mut Cx<'_>, reason: Reason, command: Option<&Command>, policy: Digest) {
    cx.effect(Effect::Count(counters::REFUSED, 1));
    let record = VerdictRecord {
        decision: "deny".to_owned(),
        reason: reason.code().to_owned(),
        rule: String::new(),
        message: reason.title().to_owned(),
        digest: command.map_or_else(String::new, Command::digest_beside_statement),
        policy: policy.to_hex(),
        shadow: String::new(),
        statement: command.map_or_else(String::new, |command| command.statement().to_owned()),
    };
    cx.effect(Effect::Record(Source::Masking, Body::Verdict(record)));
}

/// A message was changed before it was shown.
pub(crate) fn masked(cx: &mut Cx<'_>) {
    cx.effect(Effect::Count(counters::MASKED, 1));
}
