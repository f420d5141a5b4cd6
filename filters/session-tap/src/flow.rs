//! The flow: every message becomes part of a record; in strict mode commands wait for it.

use std::collections::VecDeque;

use chaperone_flow::postgres::{Gate, Turn, fatal};
use chaperone_flow::{Cx, Effect, Flow, Live, Note, Peer, Step, recorded};
use chaperone_model::Reason;
use chaperone_pgwire::{Frame, FrameLimits, tag};
use chaperone_policy::RecordingMode;
use chaperone_proto::{Body, Closed, Opened, Payload, Source};
use chaperone_settings::Settings;

use crate::counters;

/// A client message that waits for its record.
#[derive(Debug)]
struct Kept {
    tag: u8,
    bytes: Vec<u8>,
    note: Option<Note>,
    ticket: u64,
    /// Whether it may go on, once that is known: its record is durable.
    durable: Option<Result<(), Reason>>,
}

/// session-tap on one connection.
#[derive(Debug)]
pub struct SessionTap {
    settings: Live<Settings>,
    gate: Gate<()>,
    opened: bool,
    /// Strict mode: what waits until everything recorded so far is durable.
    waiting: VecDeque<Kept>,
    waiting_bytes: usize,
    /// The next message's ticket.
    ticket: u64,
}

impl SessionTap {
    /// Bytes that may wait for their records.
    pub const WAITING_MOST: usize = 32 << 20;
    /// Messages that may.
    pub const WAITING_MESSAGES_MOST: usize = 100_000;
    /// Strict mode: the largest message, in bytes, whatever room there is for records. It is recorded whole, and the sidecar
    /// takes no larger batch.
    pub const RECORDED_WHOLE_MOST: usize = FrameLimits::MESSAGE_MAX as usize + 1;

    /// A tap that records as the policy of `settings` says.
    #[must_use]
    pub fn new(settings: Live<Settings>) -> Self {
        Self {
            settings,
            gate: Gate::default(),
            opened: false,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            ticket: 0,
        }
    }

    fn open(&mut self, cx: &mut Cx<'_>) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        cx.effect(Effect::Count(counters::RECORDED, 1));
        let opened = Opened {
            client: cx.session.client.clone(),
            resource: self.settings.get().resource.clone(),
            protocol: "postgres".to_owned(),
        };
        cx.effect(Effect::Record(Source::Tap, Body::Opened(opened)));
    }

    /// The largest message that can be recorded whole: no record takes more than half of the room for all.
    fn recorded_whole_most(&self) -> usize {
        Self::RECORDED_WHOLE_MOST.min(self.settings.get().recorder.whole_most())
    }

    fn is_strict(&self) -> bool {
        self.settings.get().policy.recording().mode == RecordingMode::Strict
    }

    /// The first message that waits, if it is known whether it may go on.
    fn decided(&mut self) -> Option<(Kept, Result<(), Reason>)> {
        let durable = self.waiting.front()?.durable?;
        let kept = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(kept.bytes.len());
        Some((kept, durable))
    }

    /// In the order in which they came: what is known early waits for what stands before it.
    fn go_on_in_order(&mut self, cx: &mut Cx<'_>) {
        while let Some((kept, durable)) = self.decided() {
            self.go_on(cx, kept, durable);
        }
    }

    /// What waits no longer goes on, or is refused where its record is not durable.
    fn go_on(&mut self, cx: &mut Cx<'_>, kept: Kept, durable: Result<(), Reason>) {
        let frame = Frame { tag: kept.tag, bytes: &kept.bytes };
        if !self.gate.admits(&frame) {
            return;
        }
        // These ask for nothing by themselves: what they end or send is recorded, or was refused.
        let harmless = matches!(frame.tag, tag::client::FLUSH | tag::client::SYNC | tag::client::TERMINATE);
        if let Some(reason) = durable.err().filter(|_| !harmless) {
            cx.effect(Effect::Count(counters::REFUSED, 1));
            self.gate.refuse(cx, frame.tag, &fatal(reason));
            return;
        }
        if self.gate.pass(cx, &frame) == Step::Pass {
            cx.send_with(kept.bytes, kept.note);
        }
    }
}

impl Flow for SessionTap {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, note: &mut Option<Note>) -> Step {
        if self.waiting.is_empty() && !self.gate.admits(&frame) {
            return Step::Take;
        }
        if !self.gate.is_ready() || frame.tag == tag::client::PASSWORD {
            return self.gate.pass(cx, &frame);
        }
        let strict = self.is_strict();
        if !strict && self.waiting.is_empty() {
            cx.tape.sent(frame.bytes);
            return self.gate.pass(cx, &frame);
        }
        let full = self.waiting_bytes + frame.bytes.len() > Self::WAITING_MOST
            || self.waiting.len() >= Self::WAITING_MESSAGES_MOST;
        if full || !cx.memory.take(frame.bytes.len() + size_of::<Kept>()) {
            self.waiting.clear();
            self.waiting_bytes = 0;
            let reason = if full { Reason::RecordUnavailable } else { Reason::MemoryFull };
            self.gate.end(cx, &fatal(reason));
            return Step::Take;
        }
        let ticket = self.ticket;
        self.ticket += 1;
        self.waiting_bytes += frame.bytes.len();
        let (bytes, note) = (frame.bytes.to_vec(), note.take());
        let durable = if frame.bytes.len() > self.recorded_whole_most() {
            // As much of it as in relaxed mode, so that the recording tells what was refused.
            cx.effect(Effect::Record(Source::Tap, Body::Client(recorded(frame.bytes))));
            Some(Err(Reason::RecordTooLarge))
        } else {
            let whole = Payload { bytes: bytes.clone(), omitted: 0 };
            cx.effect(Effect::RecordDurably(Source::Tap, Body::Client(whole), ticket));
            None
        };
        self.waiting.push_back(Kept { tag: frame.tag, bytes, note, ticket, durable });
        self.go_on_in_order(cx);
        Step::Take
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        let ready = self.gate.is_ready();
        let before = cx.emit.to_client.len();
        let turn = self.gate.server(cx, &frame);
        // What the gate itself shows is a refusal of this tap: nobody else would write it down.
        for shown in cx.emit.to_client.get(before..).unwrap_or_default() {
            cx.tape.shown(shown);
        }
        match turn {
            Turn::Taken | Turn::Hidden(_) => Step::Take,
            Turn::Pass(_) => {
                if ready {
                    cx.tape.shown(frame.bytes);
                } else if self.gate.is_ready() {
                    self.open(cx);
                }
                Step::Pass
            }
        }
    }

    fn recorded(&mut self, cx: &mut Cx<'_>, ticket: u64, durable: bool) {
        let Some(kept) = self.waiting.iter_mut().find(|kept| kept.ticket == ticket) else { return };
        kept.durable = Some(if durable { Ok(()) } else { Err(Reason::RecordUnavailable) });
        self.go_on_in_order(cx);
    }

    fn is_ending(&self) -> bool {
        self.gate.is_ending()
    }

    fn kept(&self) -> usize {
        self.gate.kept() + self.waiting_bytes + self.waiting.len() * size_of::<Kept>()
    }

    fn closed(&mut self, cx: &mut Cx<'_>, by: Peer) {
        if self.opened {
            let closed = Closed { by: by.name().to_owned() };
            cx.effect(Effect::Record(Source::Tap, Body::Closed(closed)));
        }
    }

    fn waits(&self) -> bool {
        !self.waiting.is_empty() || self.is_strict()
    }
}
