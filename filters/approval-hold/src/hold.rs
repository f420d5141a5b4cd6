//! One held command: a state machine from the request to its end, without IO.

use chaperone_flow::{Note, Now};
use chaperone_model::{ApprovalId, Reason};

use crate::queue::Kept;
use crate::request::{Answer, State};
use crate::subject::Subject;

/// Where a request stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// The sidecar has not confirmed that it knows the request.
    Creating,
    /// The sidecar knows it; a question waits for the answer.
    Waiting,
    /// Approved; being used up.
    Redeeming,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// Ask the sidecar what the stage asks, now.
    Ask,
    /// Tell the client that it waits, then ask.
    Tell,
    /// Tell the client that the sidecar does not answer, and for how long it is asked again.
    TellSilence,
    /// Nothing until the reply or the next tick.
    Nothing,
    /// Let the command go on.
    Release,
    /// Refuse it.
    Refuse(Reason),
}

/// A command in the filter's memory, and its request.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) id: ApprovalId,
    pub(crate) messages: Vec<Kept>,
    pub(crate) note: Note,
    pub(crate) subject: Subject,
    pub(crate) stage: Stage,
    /// By which the sidecar knows the holder again when its answer to the redeeming was lost.
    pub(crate) nonce: String,
    /// Milliseconds at which the request is over by the gateway's own clock, whatever the sidecar says.
    deadline: u64,
    /// Since when the sidecar has not answered.
    lost_since: Option<u64>,
    /// When to ask again after a failure; none while a question is under way.
    retry_at: Option<u64>,
    failures: u32,
    /// Milliseconds for which a sidecar that does not answer is asked again.
    pub(crate) grace: u64,
    /// Who decided, and in which words; empty until somebody has.
    pub(crate) by: String,
    pub(crate) words: String,
}

/// Milliseconds that the gateway's clock may be behind the sidecar's.
const DEADLINE_SLACK: u64 = 5_000;
const RETRY_FIRST: u64 = 200;
/// At how many failures in a row the client is told.
const FAILURES_TOLD: u32 = 2;

impl Hold {
    pub(crate) fn new(
        id: ApprovalId,
        nonce: String,
        messages: Vec<Kept>,
        note: Note,
        subject: Subject,
        now: Now,
        grace: u64,
    ) -> Self {
        let expires_in = note.verdict.hold.as_ref().map_or(0, |terms| terms.expires_in);
        let deadline =
            now.millis().saturating_add(expires_in.saturating_mul(1000)).saturating_add(DEADLINE_SLACK);
        Self {
            id,
            nonce,
            messages,
            note,
            subject,
            stage: Stage::Creating,
            deadline,
            lost_since: None,
            retry_at: None,
            failures: 0,
            grace,
            by: String::new(),
            words: String::new(),
        }
    }

    /// A reply to what was asked last; `answer` is none where it says nothing usable.
    pub(crate) fn replied(&mut self, now: Now, status: Option<u16>, answer: Option<Answer>) -> Next {
        match (self.stage, status, answer) {
            (Stage::Creating, Some(200 | 201), Some(answer)) => {
                self.answered();
                self.stage = Stage::Waiting;
                match answer.state {
                    State::Pending => Next::Tell,
                    _ => self.judge(&answer),
                }
            }
            (Stage::Creating, Some(409), _) => Next::Refuse(Reason::ApprovalMismatch),
            (Stage::Waiting, Some(200), Some(answer)) => {
                self.answered();
                self.judge(&answer)
            }
            (Stage::Redeeming, Some(200), Some(answer)) => {
                if answer.state == State::Approved && answer.digest == self.subject.digest.to_hex() {
                    Next::Release
                } else {
                    Next::Refuse(Reason::ApprovalMismatch)
                }
            }
            (Stage::Redeeming, Some(409), answer) => {
                Next::Refuse(match answer.map(|answer| answer.state) {
                    // Somebody was quicker than the approval's use.
                    Some(State::Cancelled) => Reason::ApprovalCancelled,
                    Some(State::Expired) => Reason::ApprovalExpired,
                    _ => Reason::ApprovalMismatch,
                })
            }
            _ => self.lost(now),
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Now) -> Next {
        let millis = now.millis();
        if millis >= self.deadline && self.stage != Stage::Redeeming {
            return Next::Refuse(Reason::ApprovalExpired);
        }
        match self.retry_at {
            Some(at) if millis >= at => {
                self.retry_at = None;
                Next::Ask
            }
            Some(_) | None => Next::Nothing,
        }
    }

    fn answered(&mut self) {
        self.lost_since = None;
        self.failures = 0;
    }

    fn judge(&mut self, answer: &Answer) -> Next {
        self.by = shown(answer.decided_by.as_deref());
        self.words = shown(answer.reason.as_deref());
        match answer.state {
            State::Pending => Next::Ask,
            State::Approved => {
                self.stage = Stage::Redeeming;
                Next::Ask
            }
            State::Rejected => Next::Refuse(Reason::ApprovalRejected),
            State::Expired => Next::Refuse(Reason::ApprovalExpired),
            State::Cancelled => Next::Refuse(Reason::ApprovalCancelled),
        }
    }

    /// The sidecar did not answer as it should: try again for a while, then give up.
    fn lost(&mut self, now: Now) -> Next {
        let millis = now.millis();
        let since = *self.lost_since.get_or_insert(millis);
        // Once again at least: a refusal right here would ask for what waits behind, in the middle of this question.
        if self.failures > 0 && millis.saturating_sub(since) >= self.grace {
            return Next::Refuse(Reason::ApprovalUnavailable);
        }
        self.retry_at = Some(millis.saturating_add(RETRY_FIRST << self.failures.min(4)));
        self.failures = self.failures.saturating_add(1);
        // One failure is a restart; of two somebody who waits at a terminal wants to know.
        if self.failures == FAILURES_TOLD { Next::TellSilence } else { Next::Nothing }
    }
}

/// What an approver wrote, as the agent's terminal may show it: in one line, without what drives a terminal.
fn shown(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
