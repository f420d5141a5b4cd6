//! A request as the REST interface shows it: flat, times in Unix seconds.

use chaperone_model::ApprovalId;
use serde::{Deserialize, Serialize};

use super::{Approval, Request, State, StateName, Vote};

/// The JSON form of an [`Approval`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct View {
    /// Its id.
    pub(crate) id: ApprovalId,
    /// How far it has come.
    pub(crate) state: StateName,
    /// What is asked.
    #[serde(flatten)]
    pub(crate) request: Request,
    /// When it was asked, Unix seconds.
    pub(crate) created_at: u64,
    /// When it expires, Unix seconds.
    pub(crate) expires_at: u64,
    /// Who has approved so far.
    pub(crate) approved_by: Vec<String>,
    /// Who decided; empty while pending.
    pub(crate) decided_by: String,
    /// The reason that they (or whoever withdrew it) gave.
    pub(crate) reason: String,
    /// When it was decided, Unix seconds.
    pub(crate) decided_at: Option<u64>,
    /// Whether the held command has used it.
    pub(crate) redeemed: bool,
}

impl From<Approval> for View {
    fn from(approval: Approval) -> Self {
        let Approval { id, request, created, expires, state } = approval;
        let name = state.name();
        let (votes, decided_by, reason, decided, redeemed) = match state {
            State::Approved { votes, at, redeemed, .. } => {
                let (by, reason) = (names(&votes).join(", "), reasons(&votes));
                (votes, by, reason, Some(at), redeemed.is_some())
            }
            State::Cancelled { why, at } => (Vec::new(), String::new(), why, Some(at), false),
            State::Expired { at } => (Vec::new(), String::new(), String::new(), Some(at), false),
            State::Pending { votes } => (votes, String::new(), String::new(), None, false),
            State::Rejected { vote } => (Vec::new(), vote.by, vote.reason, Some(vote.at), false),
        };
        Self {
            id,
            state: name,
            request,
            created_at: created.seconds(),
            expires_at: expires.seconds(),
            approved_by: names(&votes),
            decided_by,
            reason,
            decided_at: decided.map(crate::clock::Millis::seconds),
            redeemed,
        }
    }
}

fn names(votes: &[Vote]) -> Vec<String> {
    votes.iter().map(|vote| vote.by.clone()).collect()
}

fn reasons(votes: &[Vote]) -> String {
    let given: Vec<_> =
        votes.iter().map(|vote| vote.reason.as_str()).filter(|text| !text.is_empty()).collect();
    given.join("; ")
}
