//! One login: what the client asked for, what it showed, how far the target is.

use std::rc::Rc;

use chaperone_flow::Cx;
use chaperone_model::Identity;

use crate::asked::Asked;
use crate::presented::Presented;
use crate::upstream::Upstream;

/// How long a client's token may wait for keys, in milliseconds.
pub(crate) const PATIENCE: u64 = 15_000;
/// How many bytes of a session that the target began by itself are kept until the client is let in.
pub(crate) const KEPT_MOST: usize = 64 << 10;

/// A login under way.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) asked: Asked,
    pub(crate) upstream: Upstream,
    pub(crate) caller: Caller,
    /// The messages with which the target began the session, where it trusts the gateway.
    pub(crate) kept: Option<Kept>,
    /// The protocol's version was settled with the client.
    negotiated: bool,
}

/// What is known about who calls.
#[derive(Debug)]
pub(crate) enum Caller {
    /// Nothing yet.
    Silent,
    /// There is a token, and keys must be fetched (by this connection or another) before it can be judged.
    Waiting {
        presented: Box<Presented>,
        /// Milliseconds: when patience ends.
        until: u64,
    },
    /// The token is good, and the target has not said yet what it wants.
    Verified(Rc<Identity>),
    /// The target was answered on the client's behalf.
    Answered(Rc<Identity>),
}

/// Messages that the client must not see yet.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    messages: Vec<Vec<u8>>,
    bytes: usize,
}

impl Login {
    pub(crate) const fn new(asked: Asked, upstream: Upstream) -> Self {
        Self { asked, upstream, caller: Caller::Silent, kept: None, negotiated: false }
    }

    /// Whether something may have to go to the target at a time when the client says nothing.
    pub(crate) const fn waits(&self) -> bool {
        matches!(self.caller, Caller::Waiting { .. } | Caller::Verified(_))
    }

    /// Settles the version with the client, once, before it is asked for anything.
    pub(crate) fn negotiate(&mut self, cx: &mut Cx<'_>, newest: Option<u16>) {
        if !std::mem::replace(&mut self.negotiated, true) {
            if let Some(message) = self.asked.negotiation(newest) {
                cx.show(message);
            }
        }
    }

    /// The verified subject, if there is one.
    pub(crate) fn subject(&self) -> Option<&str> {
        match &self.caller {
            Caller::Answered(identity) | Caller::Verified(identity) => Some(&identity.subject),
            Caller::Silent | Caller::Waiting { .. } => None,
        }
    }
}

impl Kept {
    /// Keeps a message; false where there is no room.
    #[must_use]
    pub(crate) fn add(&mut self, message: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(message.len());
        if self.bytes > KEPT_MOST {
            return false;
        }
        self.messages.push(message.to_vec());
        true
    }

    /// Shows all of it.
    pub(crate) fn show(self, cx: &mut Cx<'_>) {
        for message in self.messages {
            cx.show(message);
        }
    }
}
