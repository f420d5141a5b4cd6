//! Refusals as PostgreSQL clients read them: severity, SQLSTATE, DETAIL with rule and reason code, HINT.

use chaperone_model::{Reason, RuleId, Verdict};
use chaperone_pgwire::server::{ErrorFields, Severity};

/// Why a command or a session is refused, in words for the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The stable code.
    pub reason: Reason,
    message: String,
    detail: String,
    hint: String,
}

/// The refusal for a verdict that is not an allowance.
#[must_use]
pub fn refusal(verdict: &Verdict) -> Refusal {
    refusal_with(verdict.reason, verdict.rule.as_ref(), &verdict.message, &verdict.hint)
}

/// The refusal for a reason alone; shown as FATAL by [`super::Gate::end`], as ERROR by [`super::Gate::refuse`].
#[must_use]
pub fn fatal(reason: Reason) -> Refusal {
    refusal_with(reason, None, "", "")
}

/// A refusal from its parts; an empty message or hint is filled from the reason.
#[must_use]
pub fn refusal_with(reason: Reason, rule: Option<&RuleId>, message: &str, hint: &str) -> Refusal {
    let message = if message.is_empty() { reason.title() } else { message };
    let hint = if hint.is_empty() { reason.remedy() } else { hint };
    let detail = rule.map_or_else(
        || format!("Reason {}: {}.", reason.code(), reason.title()),
        |rule| format!("Rule {rule}, reason {}: {}.", reason.code(), reason.title()),
    );
    Refusal { reason, message: format!("chaperone: {message}"), detail, hint: sentence(hint) }
}

impl Refusal {
    /// The ErrorResponse that ends a command.
    #[must_use]
    pub fn to_error(&self) -> Vec<u8> {
        self.fields(Severity::Error).to_error()
    }

    /// The ErrorResponse that ends a session.
    #[must_use]
    pub fn to_fatal(&self) -> Vec<u8> {
        self.fields(Severity::Fatal).to_error()
    }

    /// A NoticeResponse that says the same.
    #[must_use]
    pub fn to_notice(&self) -> Vec<u8> {
        self.fields(Severity::Notice).to_notice()
    }

    fn fields(&self, severity: Severity) -> ErrorFields<'_> {
        ErrorFields {
            severity,
            code: self.reason.sqlstate(),
            message: &self.message,
            detail: Some(&self.detail),
            hint: Some(&self.hint),
        }
    }
}

/// PostgreSQL's style for HINT: a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let mut sentence: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    sentence.push_str(letters.as_str());
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_rule_reason_and_what_to_do() {
        let refusal = refusal_with(Reason::RuleDenied, Some(&RuleId("no-drop".into())), "DROP is denied", "");
        let error = String::from_utf8(refusal.to_error()).unwrap();
        for part in [
            "SERROR\0",
            "C42501\0",
            "Mchaperone: DROP is denied\0",
            "DRule no-drop, reason SG102: ",
            "HAsk the policy's owner.\0",
        ] {
            assert!(error.contains(part), "{part} in {error:?}");
        }
        assert!(String::from_utf8(refusal.to_fatal()).unwrap().contains("SFATAL\0"));
    }
}
