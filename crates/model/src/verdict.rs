//! What was decided about one command, and what goes with it.

use serde::{Deserialize, Serialize};

use crate::{Reason, RuleId};

/// The three things that can happen to a command.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It goes on.
    Allow,
    /// It never reaches the target.
    Deny,
    /// It waits for people.
    Hold,
}

/// What a held command waits for.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldTerms {
    /// Names of approver sets of the policy, any of which may answer.
    pub approvers: Vec<String>,
    /// How many different people must approve; at least one.
    pub count: u32,
    /// Seconds until the request expires.
    pub expires_in: u64,
}

/// A decision with its grounds. The policy engine makes it; whoever shows it adds nothing of its own.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// What happens.
    pub decision: Decision,
    /// Why, as a stable code.
    pub reason: Reason,
    /// The rule that decided; none where no rule was reached.
    pub rule: Option<RuleId>,
    /// For the caller: what is wrong, in one line.
    pub message: String,
    /// For the caller: what to do about it.
    pub hint: String,
    /// The terms of a [`Decision::Hold`].
    pub hold: Option<HoldTerms>,
    /// What `mode: shadow` would have decided had it enforced.
    pub shadow: Option<Decision>,
}
