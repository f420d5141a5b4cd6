//! One connection: Envoy's L4 callbacks to a line and back.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use chaperone_flow::{Buffer, Effect, Env, Line, Outcome, Peer, Reply, Session, Time, Waiter};
use chaperone_proto::{Message, NoteSet, Source, Told};
use proxy_wasm::hostcalls::dispatch_http_call;
use proxy_wasm::traits::{Context, StreamContext};
use proxy_wasm::types::{Action, PeerType};

use crate::vm::{self, Caller, HostRandom, Plugin};
use crate::{Module, abi};

const NOTES: &str = "chaperone.notes";
const SESSION: &str = "chaperone.session";

/// How a module takes part in a chain of separate modules.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    pub(crate) ready: &'static str,
    pub(crate) reads_notes: bool,
    pub(crate) makes_session: bool,
}

impl Role {
    pub(crate) fn of<M: Module>() -> Self {
        Self { ready: M::NAME, reads_notes: M::READS_NOTES, makes_session: M::MAKES_SESSION }
    }
}

/// A connection's state, which callbacks of the root reach too.
pub(crate) struct Connection {
    context: u32,
    role: Role,
    line: Line,
    plugin: Rc<Plugin>,
    closed: bool,
    server_gone: bool,
    /// The client said its last word while the server was still there.
    client_gone: bool,
    /// It was told to end, since it keeps what others need.
    overfull: bool,
}

impl Connection {
    pub(crate) fn new(context: u32, role: Role, line: Line, plugin: Rc<Plugin>) -> Self {
        Self {
            context,
            role,
            line,
            plugin,
            closed: false,
            server_gone: false,
            client_gone: false,
            overfull: false,
        }
    }

    pub(crate) fn wants_tick(&self) -> bool {
        self.line.wants_tick()
    }

    pub(crate) const fn context(&self) -> u32 {
        self.context
    }

    /// Another module knows who it is: take that over, once.
    fn learn_session(&mut self) {
        if self.role.makes_session || self.line.session().identity.is_some() {
            return;
        }
        if let Some(session) = abi::property(SESSION).and_then(|text| Session::from_json(&text)) {
            self.line.set_session(session);
        }
    }

    fn opened(&mut self) {
        let time = vm::time();
        let marker = format!("chaperone.ready.{}", self.role.ready);
        abi::set_property(&marker, b"1");
        self.learn_session();
        if self.role.makes_session {
            let client = abi::property("source\0address").and_then(|text| String::from_utf8(text).ok());
            self.line.set_session(Session { client: client.unwrap_or_default(), ..Session::default() });
        }
        let outcome = self.line.opened(&mut Env { time: &time, random: &mut HostRandom });
        self.apply_late(&time, outcome);
    }

    fn client_data(&mut self, size: usize, ended: bool) -> Action {
        if self.closed {
            abi::replace(abi::Buffer::Downstream, b"");
            return Action::Continue;
        }
        let time = vm::time();
        self.learn_session();
        let input = if size == 0 {
            Vec::new()
        } else {
            abi::buffer(abi::Buffer::Downstream, size).unwrap_or_default()
        };
        if input.len() < size {
            // What cannot be read must not pass.
            abi::replace(abi::Buffer::Downstream, b"");
            abi::close_downstream();
            return Action::Pause;
        }
        #[cfg(feature = "trap")]
        crate::trap::spring(&input);
        let told = if self.role.reads_notes { abi::property(NOTES) } else { None };
        let notes = told.as_deref().and_then(|bytes| NoteSet::decode(bytes).ok());
        let Outcome { buffer, late: _, notes, effects } =
            self.line.client_data(&mut Env { time: &time, random: &mut HostRandom }, &input, notes);
        share_notes(notes, told.as_deref());
        let sends = match &buffer {
            Buffer::Keep => !input.is_empty(),
            Buffer::Replace(bytes) => {
                if !abi::replace(abi::Buffer::Downstream, bytes) {
                    abi::replace(abi::Buffer::Downstream, b"");
                    abi::close_downstream();
                }
                !bytes.is_empty()
            }
        };
        self.effects(&time, effects);
        if ended && self.line.waits() {
            // The client said its last word while something of it was held: nobody is there to be answered.
            self.close(Peer::Client);
            return Action::Continue;
        }
        if self.line.waits() && !ended {
            if sends {
                abi::resume_downstream();
            }
            return Action::Pause;
        }
        Action::Continue
    }

    /// Which of the cluster's hosts the connection leads to: databases of one name may differ.
    fn learn_target(&mut self) {
        if self.line.session().target.is_empty() {
            let address = abi::property("upstream\0address").and_then(|text| String::from_utf8(text).ok());
            self.line.set_target(address.unwrap_or_else(|| "unknown".to_owned()));
        }
    }

    fn server_data(&mut self, size: usize) -> Action {
        if self.closed {
            // Nobody is there to be shown it, and the recording has ended.
            abi::replace(abi::Buffer::Upstream, b"");
            return Action::Continue;
        }
        let time = vm::time();
        self.learn_target();
        let input =
            if size == 0 { Vec::new() } else { abi::buffer(abi::Buffer::Upstream, size).unwrap_or_default() };
        if input.len() < size {
            abi::replace(abi::Buffer::Upstream, b"");
            abi::close_downstream();
            return Action::Continue;
        }
        let mut outcome = self.line.server_data(&mut Env { time: &time, random: &mut HostRandom }, &input);
        if let Buffer::Replace(bytes) = std::mem::replace(&mut outcome.buffer, Buffer::Keep) {
            if !abi::replace(abi::Buffer::Upstream, &bytes) {
                abi::close_downstream();
            }
        }
        self.apply_late(&time, outcome);
        // The write path never waits: nothing would wake it up again.
        Action::Continue
    }

    /// What an event other than the client's own bytes led to.
    fn apply_late(&mut self, time: &Time, outcome: Outcome) {
        let Outcome { buffer: _, late, notes, effects } = outcome;
        if !late.is_empty() {
            share_notes(notes, None);
            if abi::append_downstream(&late) {
                abi::resume_downstream();
            } else {
                abi::log(
                    abi::Level::Error,
                    "chaperone: nothing can be sent to the server now; the connection is closed",
                );
                vm::close_soon(self.context);
            }
        }
        self.effects(time, effects);
    }

    fn effects(&mut self, time: &Time, effects: Vec<Effect>) {
        let mut recorded = false;
        for effect in effects {
            match effect {
                Effect::Annotate(name, value) => {
                    abi::set_property(name, &value);
                }
                Effect::Call { flow, call } => {
                    let id = call.id;
                    let mut headers = vec![
                        (":method", call.method),
                        (":path", call.path.as_str()),
                        (":authority", call.authority.as_str()),
                    ];
                    headers.extend(call.headers.iter().map(|(name, value)| (*name, value.as_str())));
                    let body = Some(call.body.as_slice()).filter(|body| !body.is_empty());
                    let timeout = Duration::from_millis(call.timeout);
                    match dispatch_http_call(&call.cluster, headers, body, Vec::new(), timeout) {
                        Ok(token) => vm::called(token, Caller::Flow { context: self.context, flow, id }),
                        Err(_) => {
                            let reply = Reply { id, status: None, body: &[] };
                            let outcome =
                                self.line.reply(&mut Env { time, random: &mut HostRandom }, flow, reply);
                            self.apply_late(time, outcome);
                        }
                    }
                }
                Effect::Close => vm::close_soon(self.context),
                Effect::Count(name, by) => vm::count(name, by),
                Effect::Record(source, body) => {
                    recorded |= self.record(time, source, Told::Body(&body), None)
                }
                Effect::RecordDurably(source, body, ticket) => {
                    let waiter = Waiter { context: self.context, ticket };
                    recorded |= self.record(time, source, Told::Body(&body), Some(waiter));
                }
                Effect::ShareSession => {
                    abi::set_property(SESSION, self.line.session().to_json().as_bytes());
                }
                Effect::Verdict(verdict, command) => {
                    let told = Told::Verdict(&verdict, command.statement());
                    recorded |= self.record(time, Source::Guard, told, None);
                }
            }
        }
        let urgent = recorded && self.plugin.recorder.try_borrow().is_ok_and(|recorder| recorder.is_urgent());
        // What a dying connection asks for would be answered to nobody: the root's next tick sends it.
        if urgent && !self.closed {
            vm::flush(&self.plugin, Some(self.context));
        }
    }

    fn record(&self, time: &Time, source: Source, told: Told<'_>, waiter: Option<Waiter>) -> bool {
        let recorder = self.plugin.recorder.try_borrow_mut().ok();
        let added = match (self.line.session().id.as_ref(), recorder) {
            (Some(id), Some(mut recorder)) => {
                let added = recorder.add(id, source, time.now(), told, waiter);
                vm::count_of_module("records.dropped", u64::from(!added));
                added
            }
            (None, _) | (_, None) => false,
        };
        if let Some(waiter) = waiter.filter(|_| !added) {
            self.plugin.dropped(waiter);
        }
        added
    }

    /// Anything that happens besides bytes; nothing any more once the session is over.
    fn late(&mut self, event: impl FnOnce(&mut Line, &mut Env<'_>) -> Outcome) {
        if self.closed {
            return;
        }
        let time = vm::time();
        let outcome = event(&mut self.line, &mut Env { time: &time, random: &mut HostRandom });
        self.apply_late(&time, outcome);
    }

    pub(crate) fn replied(&mut self, flow: usize, reply: Reply<'_>) {
        self.late(|line, env| line.reply(env, flow, reply));
    }

    pub(crate) fn tick(&mut self) {
        self.late(Line::tick);
    }

    pub(crate) fn second(&mut self) {
        self.late(Line::second);
    }

    pub(crate) fn recorded(&mut self, ticket: u64, durable: bool) {
        self.late(|line, env| line.recorded(env, ticket, durable));
    }

    /// What is kept for the session; nothing once it is over.
    pub(crate) const fn memory(&self) -> usize {
        if self.closed { 0 } else { self.line.memory() }
    }

    /// Ends the session for what it keeps: with words, and where those are not heard without.
    pub(crate) fn end_overfull(&mut self) {
        if std::mem::replace(&mut self.overfull, true) {
            vm::close_soon(self.context);
            return;
        }
        vm::count_of_module("sessions.overfull", 1);
        let time = vm::time();
        let outcome = self.line.overfull(&mut Env { time: &time, random: &mut HostRandom });
        self.apply_late(&time, outcome);
    }

    fn close(&mut self, by: Peer) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let time = vm::time();
        let outcome = self.line.closed(&mut Env { time: &time, random: &mut HostRandom }, by);
        self.effects(&time, outcome.effects);
        if let (Some(id), Ok(mut recorder)) =
            (self.line.session().id.clone(), self.plugin.recorder.try_borrow_mut())
        {
            recorder.end(&id, time.now());
        }
    }
}

/// Sets the notes for the next module, unless they are what the module before this one has set. Notes are counted over
/// the session, so that stale ones do no harm.
fn share_notes(notes: Option<NoteSet>, told: Option<&[u8]>) {
    let notes = notes.map(|notes| notes.encode_to_vec());
    if let Some(notes) = notes.filter(|notes| told != Some(notes.as_slice())) {
        abi::set_property(NOTES, &notes);
    }
}

/// The SDK's view of a connection.
pub(crate) struct Stream {
    pub(crate) connection: Rc<RefCell<Connection>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Ok(connection) = self.connection.try_borrow() {
            vm::disconnect(connection.context());
        }
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _trailers: usize) {
        crate::root::replied(token, headers, body);
    }
}

impl StreamContext for Stream {
    fn on_new_connection(&mut self) -> Action {
        if let Ok(mut connection) = self.connection.try_borrow_mut() {
            connection.opened();
        }
        Action::Continue
    }

    fn on_downstream_data(&mut self, size: usize, ended: bool) -> Action {
        self.connection.try_borrow_mut().map_or(Action::Pause, |mut it| {
            it.client_gone |= ended && !it.server_gone;
            it.client_data(size, ended)
        })
    }

    fn on_downstream_close(&mut self, peer: PeerType) {
        if let Ok(mut connection) = self.connection.try_borrow_mut() {
            let by = match (peer, connection.server_gone) {
                (PeerType::Remote, _) => Peer::Client,
                _ if connection.client_gone => Peer::Client,
                (_, true) => Peer::Server,
                _ => Peer::Gateway,
            };
            connection.close(by);
        }
    }

    fn on_upstream_data(&mut self, size: usize, ended: bool) -> Action {
        self.connection.try_borrow_mut().map_or(Action::Continue, |mut it| {
            it.server_gone |= ended;
            let action = it.server_data(size);
            if ended {
                // PostgreSQL never ends one half alone, but Envoy would keep the client's half open: a command that
                // waits for people would wait for nothing.
                vm::close_soon(it.context);
            }
            action
        })
    }
}
