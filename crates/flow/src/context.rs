//! What a flow is and what it can see and say.

use std::fmt;
use std::rc::Rc;

use chaperone_model::{Reason, UnixSeconds};
use chaperone_pgwire::Frame;
use chaperone_proto::{Body, Source, VerdictHead};

use crate::{Command, Note, Session, Share, Tape, Time};

/// The time of an event, by the host's clock.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Now {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: u64,
}

impl Now {
    /// Whole seconds.
    #[must_use]
    pub const fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.unix_nanos / 1_000_000_000)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.unix_nanos / 1_000_000
    }
}

/// Where a flow gets randomness from.
pub trait Random {
    /// Fills `bytes` with unpredictable ones.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// Who closed a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// The client.
    Client,
    /// Chaperone or Envoy.
    Gateway,
    /// The target.
    Server,
}

impl Peer {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Server => "server",
        }
    }
}

/// What happens to the message that a flow was shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Step {
    /// It goes on to the next flow.
    Pass,
    /// It goes no further.
    Take,
}

/// An HTTP call to a cluster of Envoy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// Chosen by the flow, to know the reply by.
    pub id: u32,
    /// Envoy's cluster.
    pub cluster: String,
    /// The method.
    pub method: &'static str,
    /// `:authority`.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Headers besides the pseudo headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Milliseconds to wait.
    pub timeout: u64,
}

/// The reply to a [`Call`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reply<'a> {
    /// The id of the call.
    pub id: u32,
    /// The status; none where there was no reply.
    pub status: Option<u16>,
    /// The body.
    pub body: &'a [u8],
}

/// What a flow wants besides messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Set filter state that access logs, RBAC and other filters read.
    Annotate(&'static str, Vec<u8>),
    /// Make a call; `flow` is filled in by the line.
    Call {
        /// Which flow of the line asked.
        flow: usize,
        /// The call.
        call: Call,
    },
    /// Close the connection once everything shown has gone out.
    Close,
    /// Add to a counter.
    Count(&'static str, u64),
    /// Record something about the session.
    Record(Source, Body),
    /// Record it, and tell the flow (by [`Flow::recorded`], with this ticket) when it is durable.
    RecordDurably(Source, Body, u64),
    /// The session's shared state changed: other modules should see it.
    ShareSession,
    /// Record what sql-guard decided; the statement and its digest are the command's.
    Verdict(Rc<VerdictHead>, Rc<Command>),
}

/// A message that a flow sends to the server.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its tag; 0 for an untagged start-up packet.
    pub tag: u8,
    /// All of it, tag and length included.
    pub bytes: Vec<u8>,
    /// What the next flows should know about it.
    pub note: Option<Note>,
}

/// What one call of a flow has said.
#[derive(Debug, Default)]
pub struct Emit {
    /// To the server, in order, before the message at hand.
    pub to_server: Vec<Outgoing>,
    /// To the client, in order, before the message at hand.
    pub to_client: Vec<Vec<u8>>,
    /// Anything else.
    pub effects: Vec<Effect>,
}

impl Emit {
    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to_server.is_empty() && self.to_client.is_empty() && self.effects.is_empty()
    }
}

/// What a flow sees and says during one event.
pub struct Cx<'a> {
    /// The time of the event.
    pub time: &'a Time,
    /// What the flows of this connection know in common.
    pub session: &'a mut Session,
    /// Randomness.
    pub random: &'a mut dyn Random,
    /// What is said.
    pub emit: &'a mut Emit,
    /// What session-tap records of the messages that pass.
    pub tape: &'a mut Tape,
    /// What the session keeps in memory. Whoever is to keep more takes it here first, and tells it in [`Flow::kept`].
    pub memory: &'a mut Share,
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("time", &self.time).field("emit", &self.emit).finish_non_exhaustive()
    }
}

impl Cx<'_> {
    /// The time of the event.
    #[must_use]
    pub fn now(&self) -> Now {
        self.time.now()
    }

    /// Sends a tagged message to the server, through the flows behind this one.
    pub fn send(&mut self, bytes: Vec<u8>) {
        self.send_with(bytes, None);
    }

    /// As [`Self::send`], with a note for the flows behind this one.
    pub fn send_with(&mut self, bytes: Vec<u8>, note: Option<Note>) {
        let tag = bytes.first().copied().unwrap_or(0);
        self.emit.to_server.push(Outgoing { tag, bytes, note });
    }

    /// Sends an untagged start-up packet to the server.
    pub fn send_startup(&mut self, bytes: Vec<u8>) {
        self.emit.to_server.push(Outgoing { tag: 0, bytes, note: None });
    }

    /// Shows the client a message, through the flows before this one.
    ///
    /// Envoy lets nothing be written to the client but while the server speaks; said at any other time it is
    /// kept until then.
    pub fn show(&mut self, bytes: Vec<u8>) {
        self.emit.to_client.push(bytes);
    }

    /// Makes a call; [`Flow::reply`] brings the reply.
    pub fn call(&mut self, call: Call) {
        self.emit.effects.push(Effect::Call { flow: 0, call });
    }

    /// Any other effect.
    pub fn effect(&mut self, effect: Effect) {
        self.emit.effects.push(effect);
    }

    /// 16 random bytes.
    pub fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// A pure state machine for one connection.
///
/// Every method has a default that lets things pass or does nothing, so that a flow names what it cares for.
pub trait Flow: fmt::Debug {
    /// The connection was opened; nothing has been sent.
    fn opened(&mut self, _cx: &mut Cx<'_>) {}

    /// A whole message of the client. `note` is what the flows before this one say about it.
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, note: &mut Option<Note>) -> Step;

    /// A message of the client with this tag is larger than the framer's limit, or than what the session may keep; its
    /// bytes are gone. `reason` says which.
    fn too_large(&mut self, _cx: &mut Cx<'_>, _tag: u8, _reason: Reason) {}

    /// The session keeps more than it may: whatever can be let go of is, and the session ends.
    fn overfull(&mut self, _cx: &mut Cx<'_>) {}

    /// How many bytes the flow keeps for the session. Asked after every event.
    fn kept(&self) -> usize {
        0
    }

    /// Whether the flow ends the session, so that what the client sends goes nowhere.
    fn is_ending(&self) -> bool {
        false
    }

    /// The client's bytes are no protocol messages; nothing more of them is read.
    fn violated(&mut self, _cx: &mut Cx<'_>) {}

    /// A whole message of the server (a single byte in answer to SSLRequest has tag 0).
    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step;

    /// A reply to a call of this flow.
    fn reply(&mut self, _cx: &mut Cx<'_>, _reply: Reply<'_>) {}

    /// Time has passed; comes only while [`Self::wants_tick`].
    fn tick(&mut self, _cx: &mut Cx<'_>) {}

    /// About a second has passed; comes always.
    fn second(&mut self, _cx: &mut Cx<'_>) {}

    /// The record of the [`Effect::RecordDurably`] with this ticket is durable, or will not be in time. A record that was
    /// dropped is told later than those behind it may be.
    fn recorded(&mut self, _cx: &mut Cx<'_>, _ticket: u64, _durable: bool) {}

    /// The connection is gone; only effects are heard.
    fn closed(&mut self, _cx: &mut Cx<'_>, _by: Peer) {}

    /// Whether this flow may want to send to the server outside of [`Self::client`].
    fn waits(&self) -> bool {
        false
    }

    /// Whether [`Self::tick`] is wanted.
    fn wants_tick(&self) -> bool {
        false
    }
}
