//! A request for approval: a pure state machine. No input or output, no clock; time is an argument.
//!
//! ```text
//!             approve × count                redeem
//!  pending ─────────────────────▶ approved ─────────▶ approved, redeemed
//!     │ reject ▶ rejected            │ withdraw ▶ cancelled
//!     │ withdraw ▶ cancelled         │ the redeem window passes ▶ expired
//!     │ time passes ▶ expired
//! ```
//!
//! Rejected, expired, cancelled and redeemed are final. An approval is bound to one requester and to the
//! digest of one statement, and can be redeemed once: by one holder, who may ask again for an answer that was lost.

mod acts;
mod request;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use request::{Invalid, Request};
pub(crate) use view::View;

use chaperone_model::ApprovalId;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// An approved command must be redeemed within this many seconds: a permit is not kept for later.
pub(crate) const REDEEM_WINDOW: u64 = 300;

/// One request and how far it has come.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Approval {
    /// Its id, made by the filter that holds the command.
    pub(crate) id: ApprovalId,
    /// What is asked, by whom.
    pub(crate) request: Request,
    /// When it was asked.
    pub(crate) created: Millis,
    /// Nobody can decide from this time on.
    pub(crate) expires: Millis,
    /// How far it has come.
    pub(crate) state: State,
}

/// How far a request has come.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub(crate) enum State {
    /// Enough people said yes.
    Approved {
        /// Those who said yes.
        votes: Vec<Vote>,
        /// When the last of them did.
        at: Millis,
        /// When the held command used it.
        redeemed: Option<Millis>,
        /// The nonce of whoever used it; empty before, and where none was given.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        nonce: String,
    },
    /// The command is no longer waiting.
    Cancelled {
        /// Why.
        why: String,
        /// When.
        at: Millis,
    },
    /// Nobody (or not enough people) decided in time, or nobody used the approval in time.
    Expired {
        /// When it ran out.
        at: Millis,
    },
    /// Not enough people said yes yet.
    Pending {
        /// Those who did.
        votes: Vec<Vote>,
    },
    /// Somebody said no.
    Rejected {
        /// Who.
        vote: Vote,
    },
}

/// What one person said.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vote {
    /// The person.
    pub(crate) by: String,
    /// Their reason; empty where they gave none.
    pub(crate) reason: String,
    /// When.
    pub(crate) at: Millis,
}

/// The names of the states, as the REST interface speaks them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateName {
    /// See [`State::Approved`].
    Approved,
    /// See [`State::Cancelled`].
    Cancelled,
    /// See [`State::Expired`].
    Expired,
    /// See [`State::Pending`].
    Pending,
    /// See [`State::Rejected`].
    Rejected,
}

/// What somebody does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A person says yes.
    Approve(Answer),
    /// The held command uses the approval.
    Redeem {
        /// SHA-256 of the statement that is about to run, hexadecimal.
        digest: String,
        /// Chosen by the holder of the command, so that it may ask again when the answer was lost; may be empty.
        nonce: String,
    },
    /// A person says no.
    Reject(Answer),
    /// The command is no longer waiting.
    Withdraw {
        /// Why.
        why: String,
    },
}

/// A person's answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Who answers.
    pub(crate) by: String,
    /// Why; may be empty.
    #[serde(default)]
    pub(crate) reason: String,
}

/// Why an act was not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request is already decided.
    #[error("the request is already {}", .0.as_str())]
    Decided(StateName),
    /// The statement is not the one that was asked for.
    #[error("the approval is for another statement")]
    Digest,
    /// Who answers is not said, or the answer is too long.
    #[error("{0}")]
    Malformed(&'static str),
    /// The same person said yes before; another one is needed.
    #[error("`{0}` has approved already; another person must")]
    Repeated(String),
    /// It was redeemed before.
    #[error("the approval has been used already")]
    Redeemed,
    /// The requester may not decide.
    #[error("`{0}` asked for this and cannot decide it")]
    Requester(String),
    /// There is no approval to redeem.
    #[error("the request is {}, not approved", .0.as_str())]
    Unapproved(StateName),
}

// === impl Approval ===

impl Approval {
    /// A new request.
    pub(crate) fn open(id: ApprovalId, request: Request, now: Millis) -> Result<Self, Invalid> {
        request::check_id(&id)?;
        let request = request.checked()?;
        let expires = now.plus_seconds(request.expires_in);
        Ok(Self { id, request, created: now, expires, state: State::Pending { votes: Vec::new() } })
    }

    /// The same request as time has changed it.
    #[must_use]
    pub(crate) fn at(mut self, now: Millis) -> Self {
        let ended = match &self.state {
            State::Pending { .. } => Some(self.expires),
            State::Approved { at, redeemed: None, .. } => Some(at.plus_seconds(REDEEM_WINDOW)),
            State::Approved { .. }
            | State::Cancelled { .. }
            | State::Expired { .. }
            | State::Rejected { .. } => None,
        };
        if let Some(at) = ended.filter(|end| *end <= now) {
            self.state = State::Expired { at };
        }
        self
    }

    /// The request after `act`, or why that cannot be.
    pub(crate) fn apply(self, act: Act, now: Millis) -> Result<Self, Refusal> {
        let Self { id, request, created, expires, state } = self.at(now);
        let state = match act {
            Act::Approve(answer) => acts::approve(state, &request, answer, now)?,
            Act::Redeem { digest, nonce } => acts::redeem(state, &request, &digest, nonce, now)?,
            Act::Reject(answer) => acts::reject(&state, &request, answer, now)?,
            Act::Withdraw { why } => acts::withdraw(state, why, now),
        };
        Ok(Self { id, request, created, expires, state })
    }

    /// When time alone will next change it.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        match &self.state {
            State::Pending { .. } => Some(self.expires),
            State::Approved { at, redeemed: None, .. } => Some(at.plus_seconds(REDEEM_WINDOW)),
            State::Approved { .. }
            | State::Cancelled { .. }
            | State::Expired { .. }
            | State::Rejected { .. } => None,
        }
    }
}

// === impl State ===

impl State {
    /// Its name.
    pub(crate) const fn name(&self) -> StateName {
        match self {
            Self::Approved { .. } => StateName::Approved,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::Expired { .. } => StateName::Expired,
            Self::Pending { .. } => StateName::Pending,
            Self::Rejected { .. } => StateName::Rejected,
        }
    }
}

// === impl StateName ===

impl StateName {
    /// Every state.
    pub(crate) const ALL: [Self; 5] =
        [Self::Approved, Self::Cancelled, Self::Expired, Self::Pending, Self::Rejected];

    /// As the REST interface and the store spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
        }
    }
}
