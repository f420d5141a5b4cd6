//! Who is calling, as a verified token says it.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

/// A verified caller. Only the token engine makes one in product code, after the signature was checked.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The token's `sub`.
    pub subject: String,
    /// The groups that the token carries, as the policy's `groups_claim` names them.
    pub groups: Vec<String>,
    /// The token's `iss`.
    pub issuer: String,
    /// The token's `jti`, or a digest of the token where it has none. Never the token.
    pub token_id: String,
    /// The token's `exp`: no command begins after it.
    pub expires_at: UnixSeconds,
}
