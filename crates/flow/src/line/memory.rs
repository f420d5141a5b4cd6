//! What the session on a line keeps, and what becomes of it where that is more than its share.

use chaperone_model::Reason;

use super::{Env, Line, Outcome, Sink};
use crate::note::NoteWriter;
use crate::{Effect, Share};

/// Bytes that a client may send while its session is being ended. Beyond it the connection is closed without words.
const IGNORED_MOST: u64 = 32 << 20;

impl Line {
    /// The session keeps what it keeps within this share.
    pub fn set_memory(&mut self, share: Share) {
        self.memory = share;
    }

    /// Bytes that are kept for the session.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.memory.bytes()
    }

    /// The session keeps what others need: it is to end.
    pub fn overfull(&mut self, env: &mut Env<'_>) -> Outcome {
        let mut sink = Sink::new(&[], &[]);
        self.one(env, 0, &mut sink, |flow, cx| flow.overfull(cx));
        self.finish(sink, false)
    }

    /// Bytes of messages in the making that the line keeps.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.client.pending_bytes() + self.server.pending_bytes() + self.kept_for_client.len()
    }

    /// Bytes that the line and its flows keep for the session.
    fn kept(&self) -> usize {
        let of_flows: usize = self.flows.iter().map(|flow| flow.kept()).sum();
        let of_notes = self.writer.as_ref().map_or(0, NoteWriter::kept) + self.reader.kept();
        of_flows + of_notes + self.pending_bytes()
    }

    /// What else happens may leave less here, or what was taken before.
    pub(super) fn settle(&mut self) {
        let kept = self.kept();
        let _fits = self.memory.settle(kept);
    }

    /// The client's bytes may have left more here than the session may keep: the message in the making goes first.
    pub(super) fn settle_client(&mut self, env: &mut Env<'_>, sink: &mut Sink<'_>) {
        let (before, kept) = (self.memory.bytes(), self.kept());
        if self.memory.settle(kept) {
            return;
        }
        if let Some(tag) = self.client.drop_pending() {
            self.received += 1;
            self.one(env, 0, sink, |flow, cx| flow.too_large(cx, tag, Reason::MemoryFull));
        }
        let kept = self.kept();
        let over = kept > before && !self.memory.may_have(kept);
        let _less = self.memory.settle(kept);
        if over {
            self.one(env, 0, sink, |flow, cx| flow.overfull(cx));
        }
    }

    /// The client may go on for a while before it hears that the session ends, and not for ever: the words wait for the
    /// server, who may have much to answer first.
    pub(super) fn settle_ending(&mut self, size: usize, sink: &mut Sink<'_>) {
        if self.violated || self.flows.iter().any(|flow| flow.is_ending()) {
            let before = self.ignored;
            self.ignored = before.saturating_add(size as u64);
            if before <= IGNORED_MOST && self.ignored > IGNORED_MOST {
                sink.effects.push(Effect::Close);
            }
        }
    }

    /// As [`Self::settle_client`], for the server's: what cannot be masked as a whole ends the session.
    pub(super) fn settle_server(&mut self, sink: &mut Sink<'_>) {
        let kept = self.kept();
        if !self.memory.settle(kept) && self.server.drop_pending().is_some() {
            if !self.closed {
                self.shut(Reason::MemoryFull, sink);
            }
            self.settle();
        }
    }
}
