//! What a filter asks, checked and bounded.

use chaperone_model::ApprovalId;
use serde::{Deserialize, Serialize};

/// Longest name (subject, group, role, person), in bytes: what identity admits in a token.
pub(crate) const MAX_NAME: usize = 512;
/// Longest message or reason, in bytes.
pub(crate) const MAX_TEXT: usize = 4096;
/// Longest list (groups, approver sets): as many groups as identity admits in a token.
pub(crate) const MAX_LIST: usize = 512;
/// How much of a statement is kept for people to read, in bytes. The digest binds all of it.
pub(crate) const MAX_STATEMENT: usize = 16 * 1024;
/// Longest wait that can be asked for, in seconds: seven days.
pub(crate) const MAX_EXPIRES_IN: u64 = 7 * 86_400;
/// Most people that can be asked for.
pub(crate) const MAX_COUNT: u32 = 100;

/// What is asked, by whom, for which statement.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The session that waits.
    pub(crate) session: String,
    /// Who asks.
    pub(crate) subject: String,
    /// Their groups.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// The resource that the statement is for.
    #[serde(default)]
    pub(crate) resource: String,
    /// As which role.
    #[serde(default)]
    pub(crate) role: String,
    /// In which database.
    #[serde(default)]
    pub(crate) database: String,
    /// The statement, at most [`MAX_STATEMENT`] bytes of it.
    pub(crate) statement: String,
    /// How many bytes of the statement are not shown.
    #[serde(default)]
    pub(crate) statement_omitted: u64,
    /// SHA-256 of the whole statement, hexadecimal.
    pub(crate) digest: String,
    /// SHA-256 of the policy, hexadecimal.
    #[serde(default)]
    pub(crate) policy: String,
    /// The rule that holds it.
    #[serde(default)]
    pub(crate) rule: String,
    /// The rule's message for people.
    #[serde(default)]
    pub(crate) message: String,
    /// Names of the policy's approver sets.
    #[serde(default)]
    pub(crate) approvers: Vec<String>,
    /// How many different people must approve.
    pub(crate) count: u32,
    /// Seconds until it expires.
    pub(crate) expires_in: u64,
    /// Names the session for a CancelRequest: SHA-256 of its BackendKeyData, hexadecimal; may be empty.
    #[serde(default)]
    pub(crate) cancel_key: String,
}

/// What is wrong with a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Invalid {
    /// A number is out of range.
    #[error("`{0}` must be from {1} to {2}")]
    Range(&'static str, u64, u64),
    /// A text is too long, or a list.
    #[error("`{0}` is longer than {1}")]
    Long(&'static str, usize),
    /// A text has not the form that it must have.
    #[error("`{0}` {1}")]
    Form(&'static str, &'static str),
}

impl Request {
    /// The request, bounded, or what is wrong with it.
    pub(super) fn checked(mut self) -> Result<Self, Invalid> {
        if self.subject.trim().is_empty() {
            return Err(Invalid::Form("subject", "must say who asks"));
        }
        if !is_digest(&self.digest) {
            return Err(Invalid::Form("digest", "must be 64 hexadecimal digits"));
        }
        self.digest.make_ascii_lowercase();
        self.cancel_key.make_ascii_lowercase();
        let names = [
            ("session", &self.session),
            ("subject", &self.subject),
            ("resource", &self.resource),
            ("role", &self.role),
            ("database", &self.database),
            ("policy", &self.policy),
            ("rule", &self.rule),
            ("cancel_key", &self.cancel_key),
        ];
        for (field, value) in names {
            bounded(field, value.len(), MAX_NAME)?;
        }
        bounded("message", self.message.len(), MAX_TEXT)?;
        for (field, list) in [("groups", &self.groups), ("approvers", &self.approvers)] {
            bounded(field, list.len(), MAX_LIST)?;
            bounded(field, list.iter().map(String::len).max().unwrap_or(0), MAX_NAME)?;
        }
        if !(1..=MAX_COUNT).contains(&self.count) {
            return Err(Invalid::Range("count", 1, u64::from(MAX_COUNT)));
        }
        if !(1..=MAX_EXPIRES_IN).contains(&self.expires_in) {
            return Err(Invalid::Range("expires_in", 1, MAX_EXPIRES_IN));
        }
        let before = self.statement.len();
        self.statement = shortened(self.statement, MAX_STATEMENT);
        let cut = u64::try_from(before.saturating_sub(self.statement.len())).unwrap_or(u64::MAX);
        self.statement_omitted = self.statement_omitted.saturating_add(cut);
        Ok(self)
    }
}

/// Ids are part of addresses and of what people type: `ap-` and lower-case letters and digits.
pub(super) fn check_id(id: &ApprovalId) -> Result<(), Invalid> {
    let rest = id.as_str().strip_prefix("ap-").unwrap_or_default();
    let plain = rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if plain && (8..=64).contains(&rest.len()) {
        return Ok(());
    }
    Err(Invalid::Form("id", "must be `ap-` and 8 to 64 lower-case letters and digits"))
}

/// At most `limit` bytes of `text`, cut between characters.
pub(super) fn shortened(mut text: String, limit: usize) -> String {
    // `str::floor_char_boundary` is younger than this project's oldest compiler.
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    text
}

fn bounded(field: &'static str, len: usize, limit: usize) -> Result<(), Invalid> {
    if len > limit { Err(Invalid::Long(field, limit)) } else { Ok(()) }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
