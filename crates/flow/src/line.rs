//! One connection: bytes in, a chain of flows, bytes out.

mod memory;

use std::fmt;

use chaperone_model::Reason;
use chaperone_pgwire::startup::{StartupPacket, begins_session};
use chaperone_pgwire::{Frame, FrameLimits, Framer, Item, tag};
use chaperone_proto::NoteSet;

use crate::note::{NoteReader, NoteWriter};
use crate::output::Output;
use crate::postgres::Door;
use crate::{Cx, Effect, Emit, Flow, Note, Outgoing, Peer, Random, Reply, Session, Share, Step, Tape, Time};

/// What becomes of the buffer that an event brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Buffer {
    /// It goes on as it is.
    Keep,
    /// This goes on in its place.
    Replace(Vec<u8>),
}

/// Everything that one event led to, in the order in which the host must do it.
#[derive(Debug)]
#[must_use]
pub struct Outcome {
    /// For the events that bring bytes.
    pub buffer: Buffer,
    /// Bytes for the server that came up in another event than the client's own bytes.
    pub late: Vec<u8>,
    /// Notes for the next module, for every event that sends anything to the server.
    pub notes: Option<NoteSet>,
    /// Anything else.
    pub effects: Vec<Effect>,
}

/// What the host brings to every event.
pub struct Env<'a> {
    /// The time.
    pub time: &'a Time,
    /// Randomness.
    pub random: &'a mut dyn Random,
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("time", &self.time).finish_non_exhaustive()
    }
}

/// Sizes of messages in both directions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// What the client sends.
    pub client: FrameLimits,
    /// What the server sends.
    pub server: FrameLimits,
}

/// Largest message of a client that is not logged in, in bytes: a token of many groups has its place in it.
const LOGIN_MESSAGE_MAX: u32 = 64 << 10;

/// A chain of flows on one connection.
#[derive(Debug)]
pub struct Line {
    flows: Vec<Box<dyn Flow>>,
    session: Session,
    client: Framer,
    server: Framer,
    /// What the client may send once it is logged in; until then no message has a reason to be large.
    logged_in: Option<FrameLimits>,
    /// Shown at a time when nothing can be written to the client; goes out as soon as it can.
    kept_for_client: Vec<u8>,
    /// Messages that came from the module before, and that went to the module behind.
    received: u64,
    sent: u64,
    /// None where no module behind this one reads notes.
    writer: Option<NoteWriter>,
    reader: NoteReader,
    memory: Share,
    violated: bool,
    /// Bytes that the client has sent since the session is being ended.
    ignored: u64,
    closed: bool,
}

/// Where the chain's output goes during one event.
struct Sink<'a> {
    server: Output<'a>,
    client: Output<'a>,
    notes: NoteSet,
    effects: Vec<Effect>,
    tape: Tape,
    /// What the flow at hand says. INVARIANT: empty between two calls of flows.
    emit: Emit,
    expects_single_byte: bool,
}

impl<'a> Sink<'a> {
    fn new(client_input: &'a [u8], server_input: &'a [u8]) -> Self {
        Self {
            server: Output::new(client_input),
            client: Output::new(server_input),
            notes: NoteSet::default(),
            effects: Vec::new(),
            tape: Tape::default(),
            emit: Emit::default(),
            expects_single_byte: false,
        }
    }
}

impl Line {
    /// A line with a [`Door`] and these flows behind it. `emits_notes` where modules behind this one read notes.
    #[must_use]
    pub fn new(flows: Vec<Box<dyn Flow>>, limits: Limits, emits_notes: bool) -> Self {
        let mut all: Vec<Box<dyn Flow>> = vec![Box::new(Door::default())];
        all.extend(flows);
        Self {
            flows: all,
            session: Session::default(),
            client: Framer::client(FrameLimits {
                message_max: limits.client.message_max.min(LOGIN_MESSAGE_MAX),
                copy_data_max: 0,
                ..limits.client
            }),
            logged_in: Some(limits.client),
            server: Framer::server(limits.server),
            kept_for_client: Vec::new(),
            received: 0,
            sent: 0,
            writer: emits_notes.then(NoteWriter::default),
            reader: NoteReader::default(),
            memory: Share::default(),
            violated: false,
            ignored: 0,
            closed: false,
        }
    }

    /// What the flows know in common.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Takes over what another module knows.
    pub fn set_session(&mut self, session: Session) {
        let target = std::mem::take(&mut self.session.target);
        self.session = Session { target, ..session };
    }

    /// The target is at this address.
    pub fn set_target(&mut self, target: String) {
        self.session.target = target;
    }

    /// Whether a flow may send to the server at any time, so that the host must keep that way open.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.flows.iter().any(|flow| flow.waits())
    }

    /// Whether [`Self::tick`] is wanted.
    #[must_use]
    pub fn wants_tick(&self) -> bool {
        self.flows.iter().any(|flow| flow.wants_tick())
    }

    /// The connection was opened.
    pub fn opened(&mut self, env: &mut Env<'_>) -> Outcome {
        self.event(env, |flow, cx| flow.opened(cx))
    }

    /// Bytes of the client, with the notes of the module before this one.
    pub fn client_data(&mut self, env: &mut Env<'_>, input: &[u8], notes: Option<NoteSet>) -> Outcome {
        let mut notes = notes.map(|set| set.notes).unwrap_or_default().into_iter().peekable();
        let mut sink = Sink::new(input, &[]);
        let mut framer = std::mem::replace(&mut self.client, Framer::tagged(FrameLimits::default()));
        let mut frames = framer.split(input);
        while let Some(item) = frames.next() {
            if self.violated {
                continue;
            }
            match item {
                Ok(Item::Frame(frame)) => {
                    if begins_session(&frame) {
                        frames.enter_tagged();
                    }
                    let ordinal = self.received;
                    self.received += 1;
                    while notes.next_if(|note| note.ordinal < ordinal).is_some() {}
                    let note = notes.next_if(|note| note.ordinal == ordinal);
                    let note = note.and_then(|note| self.reader.read(note));
                    self.pass_to_server(env, 0, frame, note, &mut sink);
                }
                Ok(Item::TooLarge { tag, declared: _ }) => {
                    self.received += 1;
                    let reason = Reason::MessageTooLarge;
                    self.one(env, 0, &mut sink, |flow, cx| flow.too_large(cx, tag, reason));
                }
                Ok(Item::SingleByte(_)) | Err(_) => {
                    self.violated = true;
                    self.one(env, 0, &mut sink, |flow, cx| flow.violated(cx));
                }
            }
        }
        drop(frames);
        self.client = framer;
        self.settle_client(env, &mut sink);
        self.settle_ending(input.len(), &mut sink);
        self.finish(sink, true)
    }

    /// Bytes of the server.
    pub fn server_data(&mut self, env: &mut Env<'_>, input: &[u8]) -> Outcome {
        let mut sink = Sink::new(&[], input);
        if !self.kept_for_client.is_empty() {
            let kept = std::mem::take(&mut self.kept_for_client);
            sink.client.push(&kept);
        }
        let mut framer = std::mem::replace(&mut self.server, Framer::tagged(FrameLimits::default()));
        let mut frames = framer.split(input);
        let last = self.flows.len();
        for item in frames.by_ref() {
            match item {
                _ if self.closed => {}
                Ok(Item::Frame(frame)) => self.pass_to_client(env, last, frame, &mut sink),
                Ok(Item::SingleByte(byte)) => {
                    self.pass_to_client(env, last, Frame { tag: tag::UNTAGGED, bytes: &[byte] }, &mut sink);
                }
                // What cannot be read cannot be masked: nothing more is shown.
                Ok(Item::TooLarge { .. }) | Err(_) => self.shut(Reason::MessageTooLarge, &mut sink),
            }
        }
        drop(frames);
        self.server = framer;
        self.settle_server(&mut sink);
        self.finish(sink, false)
    }

    /// Nothing more of the server is shown.
    fn shut(&mut self, reason: Reason, sink: &mut Sink<'_>) {
        self.closed = true;
        sink.client.push(&crate::postgres::fatal(reason).to_fatal());
        sink.effects.push(Effect::Close);
    }

    /// A reply to the call of a flow.
    pub fn reply(&mut self, env: &mut Env<'_>, flow: usize, reply: Reply<'_>) -> Outcome {
        let mut sink = Sink::new(&[], &[]);
        self.one(env, flow, &mut sink, |flow, cx| flow.reply(cx, reply));
        self.settle();
        self.finish(sink, false)
    }

    /// Time has passed.
    pub fn tick(&mut self, env: &mut Env<'_>) -> Outcome {
        self.event(env, |flow, cx| {
            if flow.wants_tick() {
                flow.tick(cx);
            }
        })
    }

    /// About a second has passed.
    pub fn second(&mut self, env: &mut Env<'_>) -> Outcome {
        self.event(env, |flow, cx| flow.second(cx))
    }

    /// The record with this ticket is durable, or will not be.
    pub fn recorded(&mut self, env: &mut Env<'_>, ticket: u64, durable: bool) -> Outcome {
        self.event(env, |flow, cx| flow.recorded(cx, ticket, durable))
    }

    /// The connection is gone.
    pub fn closed(&mut self, env: &mut Env<'_>, by: Peer) -> Outcome {
        self.event(env, |flow, cx| flow.closed(cx, by))
    }

    fn event(&mut self, env: &mut Env<'_>, mut say: impl FnMut(&mut dyn Flow, &mut Cx<'_>)) -> Outcome {
        let mut sink = Sink::new(&[], &[]);
        for index in 0..self.flows.len() {
            self.one(env, index, &mut sink, &mut say);
        }
        self.settle();
        self.finish(sink, false)
    }

    /// Lets one flow speak and routes what it says.
    fn one<R>(
        &mut self,
        env: &mut Env<'_>,
        index: usize,
        sink: &mut Sink<'_>,
        say: impl FnOnce(&mut dyn Flow, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let flow = self.flows.get_mut(index)?;
        let mut cx = Cx {
            time: env.time,
            session: &mut self.session,
            random: &mut *env.random,
            emit: &mut sink.emit,
            tape: &mut sink.tape,
            memory: &mut self.memory,
        };
        let said = say(flow.as_mut(), &mut cx);
        // Most of the time a flow has nothing to say.
        if !sink.emit.is_empty() {
            let emit = std::mem::take(&mut sink.emit);
            self.route(env, index, emit, sink);
        }
        // Whatever becomes of the message that it wrote down last.
        if sink.tape.is_full() {
            sink.tape.close(&mut sink.effects);
        }
        Some(said)
    }

    // INVARIANT: the recursion through `route` goes strictly towards one end of the chain in each direction, and
    // a flow says nothing to the client in answer to its own words, so its depth is bounded by the flows.
    fn route(&mut self, env: &mut Env<'_>, index: usize, emit: Emit, sink: &mut Sink<'_>) {
        let Emit { to_server, to_client, effects } = emit;
        for Outgoing { tag, bytes, note } in to_server {
            self.pass_to_server(env, index + 1, Frame { tag, bytes: &bytes }, note, sink);
        }
        for bytes in to_client {
            let tag = bytes.first().copied().unwrap_or(0);
            self.pass_to_client(env, index, Frame { tag, bytes: &bytes }, sink);
        }
        let of_flow = |mut effect: Effect| {
            if let Effect::Call { flow, .. } = &mut effect {
                *flow = index;
            }
            effect
        };
        sink.effects.extend(effects.into_iter().map(of_flow));
        sink.tape.move_on(sink.effects.len());
    }

    fn pass_to_server(
        &mut self,
        env: &mut Env<'_>,
        from: usize,
        frame: Frame<'_>,
        note: Option<Note>,
        sink: &mut Sink<'_>,
    ) {
        let mut note = note;
        for index in from..self.flows.len() {
            let step = self.one(env, index, sink, |flow, cx| flow.client(cx, frame, &mut note));
            if step != Some(Step::Pass) {
                return;
            }
        }
        if frame.tag == tag::UNTAGGED {
            let packet = StartupPacket::read(frame.body());
            if matches!(packet, Ok(StartupPacket::SslRequest | StartupPacket::GssEncRequest)) {
                sink.expects_single_byte = true;
            }
        }
        if let (Some(writer), Some(note)) = (&mut self.writer, &note) {
            sink.notes.notes.push(writer.write(note, self.sent));
        }
        self.sent += 1;
        sink.server.push(frame.bytes);
    }

    /// Runs a message through the flows before `until`, towards the client.
    fn pass_to_client(&mut self, env: &mut Env<'_>, until: usize, frame: Frame<'_>, sink: &mut Sink<'_>) {
        for index in (0..until).rev() {
            let step = self.one(env, index, sink, |flow, cx| flow.server(cx, frame));
            if step != Some(Step::Pass) {
                return;
            }
        }
        if frame.tag == tag::server::READY_FOR_QUERY {
            if let Some(limits) = self.logged_in.take() {
                self.client.set_limits(limits);
            }
        }
        sink.client.push(frame.bytes);
    }

    fn finish(&mut self, sink: Sink<'_>, of_client: bool) -> Outcome {
        let Sink { server, client, notes, mut effects, mut tape, emit: _, expects_single_byte } = sink;
        tape.close(&mut effects);
        if expects_single_byte {
            self.server.expect_single_byte();
        }
        let (server, client) = (server.finish(), client.finish());
        let (buffer, late) = if of_client {
            if let Buffer::Replace(shown) = client {
                self.kept_for_client.extend_from_slice(&shown);
            }
            (server, Vec::new())
        } else {
            let late = match server {
                Buffer::Keep => Vec::new(),
                Buffer::Replace(bytes) => bytes,
            };
            (client, late)
        };
        let notes = Some(notes).filter(|notes| !notes.notes.is_empty());
        Outcome { buffer, late, notes, effects }
    }
}
