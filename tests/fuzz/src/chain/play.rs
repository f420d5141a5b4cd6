//! Plays a script through the chain, and holds after each event what must hold at any time.

use chaperone_flow::testing::{Counting, Server};
use chaperone_flow::{Buffer, Call, Effect, Env, Line, Live, Now, Outcome, Peer, Reply, Time};
use chaperone_pgwire::startup::begins_session;
use chaperone_pgwire::{FrameLimits, Framer, Item, tag};
use chaperone_proto::Body;
use chaperone_settings::Settings;

use super::script::{Script, Step};
use super::world;
use crate::input::pieces;
use crate::token::NOW;

/// How often client and target may answer each other within one step.
const ROUNDS_MOST: usize = 100;

/// Everything that a play led to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) sent: Vec<u8>,
    pub(super) shown: Vec<u8>,
    /// All but what was recorded of the messages: how that is cut into records depends on the reads.
    pub(super) effects: Vec<Effect>,
    /// What was recorded of the client's and the server's messages.
    pub(super) recorded: [Vec<u8>; 2],
    /// The tags of messages that reached the target before anybody was let in.
    pub(super) early: Vec<u8>,
    /// Somebody was let in.
    pub(super) let_in: bool,
}

struct Play<'a> {
    script: &'a Script<'a>,
    sizes: &'a [u8],
    line: Line,
    live: Live<Settings>,
    now: Now,
    random: Counting,
    server: Option<Server>,
    /// Cut what goes to either side, to see that it is whole.
    to_server: Framer,
    to_client: Framer,
    calls: Vec<(usize, Call)>,
    digest: String,
    durable: Vec<u64>,
    closed: bool,
    told: Told,
}

/// Plays a script with pieces of these sizes.
pub(super) fn play(script: &Script<'_>, sizes: &[u8]) -> Told {
    let live = Live::new(world::settings(script.settings, script.has_server));
    let mut play = Play {
        script,
        sizes,
        line: world::line(&live),
        live,
        now: Now { unix_nanos: NOW.0 * 1_000_000_000 },
        random: Counting::default(),
        server: script.has_server.then(Server::default),
        to_server: Framer::client(FrameLimits::default()),
        to_client: Framer::server(FrameLimits::default()),
        calls: Vec::new(),
        digest: String::new(),
        durable: Vec::new(),
        closed: false,
        told: Told::default(),
    };
    play.event(Line::opened);
    for step in &script.steps {
        play.step(step);
        if play.closed {
            break;
        }
    }
    play.event(|line, env| line.closed(env, Peer::Client));
    play.told
}

impl Play<'_> {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Client(bytes) => {
                let copies =
                    self.server.as_ref().filter(|server| server.is_copying()).map(|server| server.copies);
                let mut sent = Vec::new();
                for piece in pieces(bytes, self.sizes) {
                    sent.extend(self.client(piece));
                }
                self.answer(sent);
                // What comes in one read with the COPY nobody can keep back.
                let confused = |server: &Server| server.is_gone && copies == Some(server.copies);
                assert!(!self.server.as_ref().is_some_and(confused), "the target lost step during a COPY");
            }
            Step::Server(bytes) => self.target(bytes),
            Step::Policy(number) => self.live.set(world::settings(*number, self.script.has_server)),
            Step::Recorded(durable) => {
                // Now the oldest, now the newest: a dropped record is told late.
                let ticket = if *durable || self.durable.is_empty() {
                    self.durable.pop()
                } else {
                    Some(self.durable.remove(0))
                };
                if let Some(ticket) = ticket {
                    self.event(|line, env| line.recorded(env, ticket, *durable));
                }
            }
            Step::Reply { newest, plan } => {
                let call = if *newest {
                    self.calls.pop()
                } else if self.calls.is_empty() {
                    None
                } else {
                    Some(self.calls.remove(0))
                };
                let Some((flow, call)) = call else { return };
                let (status, body) = world::reply(&call, *plan, &self.digest);
                let reply = Reply { id: call.id, status, body: &body };
                self.event(|line, env| line.reply(env, flow, reply));
            }
            Step::Tick(millis) => {
                self.now.unix_nanos += millis * 1_000_000;
                if self.line.wants_tick() {
                    self.event(Line::tick);
                }
            }
        }
    }

    fn client(&mut self, piece: &[u8]) -> Vec<u8> {
        let time = Time::at(self.now);
        let mut env = Env { time: &time, random: &mut self.random };
        let Outcome { buffer, late, notes, effects } = self.line.client_data(&mut env, piece, None);
        assert!(late.is_empty() && notes.is_none(), "late bytes in the client's own event");
        let sent = match buffer {
            Buffer::Keep => piece.to_vec(),
            Buffer::Replace(bytes) => bytes,
        };
        self.effects(effects);
        self.sent(&sent);
        sent
    }

    /// Any event but bytes.
    fn event(&mut self, event: impl FnOnce(&mut Line, &mut Env<'_>) -> Outcome) {
        let waited = self.line.waits();
        let time = Time::at(self.now);
        let mut env = Env { time: &time, random: &mut self.random };
        let outcome = event(&mut self.line, &mut env);
        assert_eq!(outcome.buffer, Buffer::Keep, "shown while the target is silent");
        self.effects(outcome.effects);
        assert!(waited || outcome.late.is_empty(), "the way to the target is open only while the line waits");
        self.sent(&outcome.late);
        self.answer(outcome.late);
    }

    fn target(&mut self, bytes: &[u8]) {
        let late = self.server_data(bytes);
        self.answer(late);
    }

    fn server_data(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        for piece in pieces(bytes, self.sizes) {
            let waited = self.line.waits();
            let time = Time::at(self.now);
            let mut env = Env { time: &time, random: &mut self.random };
            let Outcome { buffer, late, notes, effects } = self.line.server_data(&mut env, piece);
            assert!(notes.is_none());
            let shown = match buffer {
                Buffer::Keep => piece.to_vec(),
                Buffer::Replace(bytes) => bytes,
            };
            self.effects(effects);
            self.shown(&shown);
            assert!(waited || late.is_empty(), "the way to the target is open only while the line waits");
            self.sent(&late);
            all.extend(late);
        }
        all
    }

    /// Lets the stand-in answer, and so on, until nobody has anything to say.
    fn answer(&mut self, mut sent: Vec<u8>) {
        for _ in 0..ROUNDS_MOST {
            let Some(server) = &mut self.server else { return };
            if sent.is_empty() {
                return;
            }
            let answer = server.receive(&sent);
            if answer.is_empty() {
                return;
            }
            self.closed |= server.is_gone;
            sent = self.server_data(&answer);
        }
        assert!(sent.is_empty(), "the chain and the target never stop talking");
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match &effect {
                Effect::Call { flow, call } => {
                    let body = serde_json::from_slice::<serde_json::Value>(&call.body).unwrap_or_default();
                    if let Some(digest) = body.get("digest").and_then(serde_json::Value::as_str) {
                        digest.clone_into(&mut self.digest);
                    }
                    self.calls.push((*flow, call.clone()));
                }
                Effect::Close => self.closed = true,
                Effect::RecordDurably(_, _, ticket) => self.durable.push(*ticket),
                Effect::Annotate(..)
                | Effect::Count(..)
                | Effect::Record(..)
                | Effect::ShareSession
                | Effect::Verdict(..) => {}
            }
            if let Effect::Record(_, Body::Client(payload) | Body::Server(payload)) = &effect {
                let of_server = matches!(effect, Effect::Record(_, Body::Server(_)));
                if let Some(recorded) = self.told.recorded.get_mut(usize::from(of_server)) {
                    recorded.extend_from_slice(&payload.bytes);
                }
                continue;
            }
            self.told.effects.push(effect);
        }
        self.told.let_in |= self.line.session().identity.is_some();
    }

    fn sent(&mut self, bytes: &[u8]) {
        let mut frames = self.to_server.split(bytes);
        while let Some(item) = frames.next() {
            let Ok(Item::Frame(frame)) = item else { panic!("the target was sent {item:?}") };
            if begins_session(&frame) {
                frames.enter_tagged();
            }
            if frame.tag == tag::UNTAGGED && frame.bytes.len() == 8 {
                self.to_client.expect_single_byte();
            }
            if !self.told.let_in {
                self.told.early.push(frame.tag);
            }
        }
        drop(frames);
        assert!(self.to_server.is_between_messages(), "half a message went to the target");
        self.told.sent.extend_from_slice(bytes);
    }

    fn shown(&mut self, bytes: &[u8]) {
        let limit = if self.script.raw_server { "any" } else { "no" };
        for item in self.to_client.split(bytes) {
            assert!(
                matches!(item, Ok(Item::Frame(_) | Item::SingleByte(_))),
                "the client was shown {item:?}, with {limit} bytes of the fuzzer's own"
            );
        }
        assert!(self.to_client.is_between_messages(), "half a message went to the client");
        self.told.shown.extend_from_slice(bytes);
    }
}
