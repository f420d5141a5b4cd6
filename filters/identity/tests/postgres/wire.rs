//! One connection: the line with the flow in it, the target behind it, and every word that was said.

use chaperone_flow::{Buffer, Call, Effect, Env, Limits, Line, Now, Outcome, Peer, Random, Reply, Time};
use chaperone_identity::IdentityFlow;
use chaperone_pgwire::server::{Fields, field};
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};
use chaperone_pgwire::{Frame, FrameLimits, Framer, Item};

use crate::target::Target;
use crate::world::{PASSWORD, World};

/// Randomness that can be told in advance.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(7);
            *byte = self.0;
        }
    }
}

pub(crate) struct Wire<'w> {
    world: &'w World,
    line: Line,
    /// The next module of the chain, which like every module keeps out what PostgreSQL's protocol does not know.
    next: Line,
    random: Counting,
    pub(crate) target: Target,
    pub(crate) to_target: Vec<u8>,
    pub(crate) to_client: Vec<u8>,
    pub(crate) effects: Vec<Effect>,
    /// Calls that nobody answered yet, while [`Self::holds_calls`].
    pub(crate) calls: Vec<(usize, Call)>,
    pub(crate) holds_calls: bool,
    /// How many bytes each read brings, over and over; none: all at once.
    pub(crate) pieces: Vec<usize>,
    pub(crate) may_say_password: bool,
}

/// What is done to the line.
enum Input<'a> {
    Client(&'a [u8]),
    Closed,
    Opened,
    Reply(usize, Reply<'a>),
    Second,
    Server(&'a [u8]),
    Tick,
}

impl<'w> Wire<'w> {
    pub(crate) fn open(world: &'w World, target: Target) -> Self {
        let flow = IdentityFlow::new(world.settings.clone(), world.keyring.clone());
        let mut wire = Self {
            world,
            line: Line::new(vec![Box::new(flow)], Limits::default(), false),
            next: Line::new(Vec::new(), Limits::default(), false),
            random: Counting(1),
            target,
            to_target: Vec::new(),
            to_client: Vec::new(),
            effects: Vec::new(),
            calls: Vec::new(),
            holds_calls: false,
            pieces: Vec::new(),
            may_say_password: false,
        };
        wire.event(&Input::Opened);
        wire
    }

    /// The client says this, and everybody goes on talking until nobody has anything to say.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        for piece in self.sizes(bytes.len()) {
            let (now, later) = rest.split_at(piece);
            rest = later;
            self.event(&Input::Client(now));
        }
    }

    /// As [`Self::say`], in one read, whatever becomes of the answers.
    pub(crate) fn say_at_once(&mut self, bytes: &[u8]) {
        self.event(&Input::Client(bytes));
    }

    pub(crate) fn start(&mut self, role: &str) {
        self.start_with(role, &[("database", "shop")], 0);
    }

    pub(crate) fn start_with(&mut self, role: &str, params: &[(&str, &str)], minor: u16) {
        let mut all = vec![Param { name: b"user", value: role.as_bytes() }];
        all.extend(
            params.iter().map(|(name, value)| Param { name: name.as_bytes(), value: value.as_bytes() }),
        );
        let mut packet = Vec::new();
        StartupPacket::Startup(Startup { version: Version { minor }, params: all })
            .write(&mut packet)
            .unwrap();
        self.say(&packet);
    }

    pub(crate) fn token(&mut self, token: &str) {
        self.say(&password(token));
    }

    pub(crate) fn query(&mut self, text: &str) {
        let mut message = Vec::new();
        chaperone_pgwire::client::write::query(&mut message, text.as_bytes()).unwrap();
        self.say(&message);
    }

    /// The target says this of its own accord.
    pub(crate) fn target_says(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        for piece in self.sizes(bytes.len()) {
            let (now, later) = rest.split_at(piece);
            rest = later;
            let now = self.through_next(now, Line::server_data);
            self.event(&Input::Server(&now));
        }
    }

    fn through_next(
        &mut self,
        bytes: &[u8],
        way: impl FnOnce(&mut Line, &mut Env<'_>, &[u8]) -> Outcome,
    ) -> Vec<u8> {
        let now = Now { unix_nanos: self.world.millis() * 1_000_000 };
        let time = Time::at(now);
        let mut env = Env { time: &time, random: &mut self.random };
        match way(&mut self.next, &mut env, bytes).buffer {
            Buffer::Keep => bytes.to_vec(),
            Buffer::Replace(other) => other,
        }
    }

    /// Time passes, as the host sees it.
    pub(crate) fn tick(&mut self, millis: u64) {
        self.world.wait(millis);
        if self.line.wants_tick() {
            self.event(&Input::Tick);
        }
    }

    pub(crate) fn second(&mut self) {
        self.event(&Input::Second);
    }

    pub(crate) fn close(&mut self) {
        self.event(&Input::Closed);
    }

    pub(crate) fn waits(&self) -> bool {
        self.line.waits()
    }

    /// The provider answers what was asked, and what follows from that.
    pub(crate) fn answer_calls(&mut self) {
        while !self.calls.is_empty() {
            self.answer_call();
        }
    }

    /// The provider answers the first call.
    pub(crate) fn answer_call(&mut self) {
        let (flow, call) = self.calls.remove(0);
        let (status, body) = self.world.provider.answer(&call);
        let reply = Reply { id: call.id, status, body: &body };
        self.event(&Input::Reply(flow, reply));
    }

    fn sizes(&self, total: usize) -> Vec<usize> {
        let mut sizes = Vec::new();
        let mut rest = total;
        let mut pieces = self.pieces.iter().copied().cycle();
        while rest > 0 {
            let piece = pieces.next().unwrap_or(rest).clamp(1, rest);
            sizes.push(piece);
            rest -= piece;
        }
        sizes
    }

    fn event(&mut self, input: &Input<'_>) {
        let waited = self.line.waits();
        let now = Now { unix_nanos: self.world.millis() * 1_000_000 };
        let time = Time::at(now);
        let mut env = Env { time: &time, random: &mut self.random };
        let Outcome { buffer, late, notes, effects } = match input {
            Input::Client(bytes) => self.line.client_data(&mut env, bytes, None),
            Input::Closed => self.line.closed(&mut env, Peer::Client),
            Input::Opened => self.line.opened(&mut env),
            Input::Reply(flow, reply) => self.line.reply(&mut env, *flow, *reply),
            Input::Second => self.line.second(&mut env),
            Input::Server(bytes) => self.line.server_data(&mut env, bytes),
            Input::Tick => self.line.tick(&mut env),
        };
        assert_eq!(notes, None);
        let passed = |bytes: &[u8]| match &buffer {
            Buffer::Keep => bytes.to_vec(),
            Buffer::Replace(other) => other.clone(),
        };
        let (to_target, to_client) = match input {
            Input::Client(bytes) => (passed(bytes), Vec::new()),
            Input::Server(bytes) => (late, passed(bytes)),
            Input::Closed | Input::Opened | Input::Reply(..) | Input::Second | Input::Tick => {
                assert_eq!(buffer, Buffer::Keep, "nothing can be shown while the target is silent");
                (late, Vec::new())
            }
        };
        if !to_target.is_empty() && !matches!(input, Input::Client(_)) {
            assert!(waited, "the way to the target is open only while the line waits");
        }
        self.search(&to_target, &to_client, &effects);
        self.to_client.extend(to_client);
        self.to_target.extend(&to_target);
        for effect in effects {
            match effect {
                Effect::Call { flow, call } => self.calls.push((flow, call)),
                other => self.effects.push(other),
            }
        }
        let to_target = self.through_next(&to_target, |next, env, bytes| next.client_data(env, bytes, None));
        let answer = self.target.receive(&to_target);
        self.target_says(&answer);
        if !self.holds_calls {
            self.answer_calls();
        }
    }

    /// Law: no secret leaves. No token goes anywhere but into the filter, the target's password nowhere but, where
    /// the policy says so, to the target.
    fn search(&self, to_target: &[u8], to_client: &[u8], effects: &[Effect]) {
        let told = format!("{effects:?} {:?}", self.line);
        let mut bytes_told = Vec::new();
        for effect in effects {
            if let Effect::Annotate(_, bytes) = effect {
                bytes_told.extend_from_slice(bytes);
            }
        }
        let holds =
            |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        for token in self.world.tokens.borrow().iter() {
            // The header is the same for all, and no secret.
            for secret in token.split('.').skip(1).filter(|part| part.len() > 8) {
                for (place, bytes) in [
                    ("target", to_target),
                    ("client", to_client),
                    ("effects and debug", told.as_bytes()),
                    ("annotations", &bytes_told),
                ] {
                    assert!(!holds(bytes, secret), "a token in {place}");
                }
            }
        }
        for bytes in [to_client, told.as_bytes(), &bytes_told] {
            assert!(!holds(bytes, PASSWORD), "the target's password outside");
        }
        assert!(self.may_say_password || !holds(to_target, PASSWORD), "the target's password in clear");
    }

    /// The tags of what the client was shown, in order.
    pub(crate) fn shown(&self) -> String {
        self.messages().into_iter().map(|(tag, _)| char::from(tag)).collect()
    }

    /// The messages that the client was shown.
    pub(crate) fn messages(&self) -> Vec<(u8, Vec<u8>)> {
        let mut framer = Framer::tagged(FrameLimits::default());
        let mut frames = framer.split(&self.to_client);
        let messages = frames.by_ref().map(|item| {
            let Ok(Item::Frame(Frame { tag, bytes })) = item else { panic!("{item:?}") };
            (tag, bytes.to_vec())
        });
        let messages = messages.collect();
        assert!(frames.is_whole(), "half a message was shown");
        messages
    }

    /// The last error: severity, SQLSTATE and reason code.
    pub(crate) fn error(&self) -> String {
        let messages = self.messages();
        let error = messages.iter().rev().find(|(tag, _)| *tag == b'E').expect("an error");
        let fields = Fields::read(&error.1[5..]).unwrap();
        let text = |letter| String::from_utf8(fields.find(letter).unwrap_or_default().to_vec()).unwrap();
        let detail = text(field::DETAIL);
        let reason = detail.strip_prefix("Reason ").and_then(|rest| rest.split(':').next()).unwrap_or("-");
        format!("{} {} {reason}", text(field::SEVERITY), text(field::CODE))
    }

    pub(crate) fn closes(&self) -> bool {
        self.effects.contains(&Effect::Close)
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<String> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Annotate(known, value) if *known == name => {
                Some(String::from_utf8(value.clone()).unwrap())
            }
            _ => None,
        })
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        let of = |effect: &Effect| match effect {
            Effect::Count(known, by) if *known == name => *by,
            _ => 0,
        };
        self.effects.iter().map(of).sum()
    }

    pub(crate) fn session(&self) -> &chaperone_flow::Session {
        self.line.session()
    }
}

pub(crate) fn password(text: &str) -> Vec<u8> {
    let mut message = Vec::new();
    chaperone_pgwire::client::write::password(&mut message, text.as_bytes()).unwrap();
    message
}
