//! For tests of flows: a stand-in for PostgreSQL that speaks the protocol, and a wire that joins it to a line.
//!
//! The stand-in knows no SQL, but it keeps the protocol's own rules: one ReadyForQuery for a Query or Sync, silence
//! after an error until Sync, COPY that ignores Sync. Texts make it behave: see [`Server`].

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    reason = "test support: a failure here is a failed test"
)]

mod identity;
mod results;

use chaperone_pgwire::client::{Bind, Execute, Parse, Query, Target};
use chaperone_pgwire::server::write;
use chaperone_pgwire::server::{ErrorFields, Severity, TransactionStatus};
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version, begins_session};
use chaperone_pgwire::{Frame, FrameLimits, Framer, Item, tag};

use results::Portal;

use crate::{Buffer, Call, Effect, Env, Limits, Line, Now, Outcome, Peer, Random, Reply, Time};

/// Counts up: no two ids of a test are the same.
#[derive(Debug, Default)]
pub struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

/// A stand-in for PostgreSQL, without authentication.
///
/// | text of the statement contains | what it does |
/// | --- | --- |
/// | `fail` | an ErrorResponse |
/// | `begin`, `commit`, `rollback` | the transaction status |
/// | `copy in` | asks for COPY data |
/// | `copy out 5` | five lines of COPY data |
/// | `rows 5` | five rows with the text itself; as many as an Execute asks for |
/// | anything else | one row with the text itself |
#[derive(Debug)]
pub struct Server {
    framer: Option<Framer>,
    status: TransactionStatus,
    skipping: bool,
    copying: Option<bool>,
    statements: Vec<(Vec<u8>, Vec<u8>)>,
    portals: Vec<Portal>,
    /// It has hung up.
    pub is_gone: bool,
    /// How many COPY from the client it has begun.
    pub copies: usize,
    /// Whether it says yes to a request for TLS.
    pub offers_tls: bool,
    /// Every message that reached the server: letter and body.
    pub seen: Vec<(u8, Vec<u8>)>,
    /// Every statement that was run, in order.
    pub ran: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            framer: Some(Framer::client(FrameLimits::default())),
            status: TransactionStatus::Idle,
            skipping: false,
            copying: None,
            statements: Vec::new(),
            portals: Vec::new(),
            is_gone: false,
            copies: 0,
            offers_tls: false,
            seen: Vec::new(),
            ran: Vec::new(),
        }
    }
}

impl Server {
    /// Takes bytes, gives the answer.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut framer = self.framer.take().expect("not re-entered");
        let mut frames = framer.split(bytes);
        while let Some(item) = frames.next() {
            let Ok(Item::Frame(frame)) = item else { panic!("the server was sent {item:?}") };
            if begins_session(&frame) {
                frames.enter_tagged();
            }
            if self.is_gone {
                continue;
            }
            self.seen.push((frame.tag, frame.body().to_vec()));
            self.message(&frame, &mut out);
        }
        drop(frames);
        self.framer = Some(framer);
        out
    }

    /// Whether it reads COPY data now.
    #[must_use]
    pub const fn is_copying(&self) -> bool {
        self.copying.is_some()
    }

    fn message(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        use tag::client;
        if frame.tag == tag::UNTAGGED {
            self.startup(frame, out);
            return;
        }
        if let Some(extended) = self.copying {
            match frame.tag {
                client::COPY_DONE => {
                    write::command_complete(out, b"COPY 1").unwrap();
                    self.copy_ends(extended, out);
                }
                client::COPY_FAIL => {
                    error(out, "57014", "COPY failed");
                    self.skipping = extended;
                    self.copy_ends(extended, out);
                }
                client::COPY_DATA | client::SYNC | client::FLUSH | client::TERMINATE => {}
                // SPEC: copyfromparse.c: the body of a message that is not expected is not read, so that the next
                // one cannot be found.
                _ => {
                    fatal(out, "08P01", "terminating connection because protocol synchronization was lost");
                    self.is_gone = true;
                }
            }
            return;
        }
        if self.skipping && frame.tag != client::SYNC {
            return;
        }
        match frame.tag {
            client::QUERY => {
                let text = Query::read(frame.body()).unwrap().text.to_vec();
                self.run(&text, None, out);
                if self.copying.is_none() {
                    write::ready_for_query(out, self.status);
                }
            }
            client::PARSE => {
                let parse = Parse::read(frame.body()).unwrap();
                let known = self.statements.iter().any(|(name, _)| name == parse.name);
                if known && !parse.name.is_empty() {
                    self.fails(out, "42P05", "prepared statement already exists");
                } else if contains(parse.text, "fail") || contains(parse.text, "refused by chaperone") {
                    self.fails(out, "42601", "syntax error");
                } else {
                    self.statements.retain(|(name, _)| name != parse.name);
                    self.statements.push((parse.name.to_vec(), parse.text.to_vec()));
                    write::empty(out, tag::server::PARSE_COMPLETE);
                }
            }
            client::BIND => {
                let bind = Bind::read(frame.body()).unwrap();
                let text = self
                    .statements
                    .iter()
                    .find(|(name, _)| name == bind.statement)
                    .map(|(_, text)| text.clone());
                match text {
                    None => self.fails(out, "26000", "prepared statement does not exist"),
                    Some(text) => {
                        self.portals.retain(|portal| portal.name != bind.portal);
                        self.portals.push(Portal { name: bind.portal.to_vec(), text, fetched: 0 });
                        write::empty(out, tag::server::BIND_COMPLETE);
                    }
                }
            }
            client::DESCRIBE => write::empty(out, tag::server::NO_DATA),
            client::EXECUTE => {
                let execute = Execute::read(frame.body()).unwrap();
                let portal = self.portals.iter().position(|portal| portal.name == execute.portal);
                match portal.map(|at| self.portals.swap_remove(at)) {
                    None => self.fails(out, "34000", "portal does not exist"),
                    Some(mut portal) => {
                        let most = usize::try_from(execute.max_rows).unwrap();
                        let text = portal.text.clone();
                        portal.fetched += self.run(&text, Some((portal.fetched, most)), out);
                        self.portals.push(portal);
                    }
                }
            }
            client::CLOSE => {
                match Target::read(frame.body()).unwrap() {
                    Target::Statement(closed) => self.statements.retain(|(name, _)| name != closed),
                    Target::Portal(closed) => self.portals.retain(|portal| portal.name != closed),
                }
                write::empty(out, tag::server::CLOSE_COMPLETE);
            }
            client::SYNC => {
                self.skipping = false;
                write::ready_for_query(out, self.status);
            }
            client::FLUSH | client::TERMINATE | client::COPY_DATA | client::COPY_DONE | client::COPY_FAIL => {
            }
            other => panic!("the server was sent `{}`", char::from(other)),
        }
    }

    fn startup(&self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        match StartupPacket::read(frame.body()) {
            Ok(StartupPacket::SslRequest | StartupPacket::GssEncRequest) => {
                out.push(if self.offers_tls { b'S' } else { b'N' });
            }
            Ok(StartupPacket::Startup(_)) => {
                write::authentication_ok(out);
                write::backend_key_data(out, 7, b"key!").unwrap();
                write::ready_for_query(out, self.status);
            }
            Ok(StartupPacket::Cancel(_)) => {}
            Err(_) => fatal(out, "0A000", "unsupported frontend protocol"),
        }
    }

    /// Runs a text: of a Query, or of an Execute of a portal of which so many rows went already, for so many. How many rows
    /// it showed.
    fn run(&mut self, text: &[u8], execute: Option<(usize, usize)>, out: &mut Vec<u8>) -> usize {
        let shown = String::from_utf8_lossy(text).into_owned();
        self.ran.push(shown.clone());
        if contains(text, "fail") {
            if self.status == TransactionStatus::InTransaction {
                self.status = TransactionStatus::Failed;
            }
            error(out, "42P01", "it failed");
            self.skipping = execute.is_some();
            return 0;
        }
        if contains(text, "copy in") {
            out.extend_from_slice(&[tag::server::COPY_IN_RESPONSE, 0, 0, 0, 7, 0, 0, 0]);
            self.copying = Some(execute.is_some());
            self.copies += 1;
            return 0;
        }
        if let Some(lines) = results::copied(text) {
            results::copy_out(lines, out);
            return 0;
        }
        match shown.as_str() {
            "begin" => self.status = TransactionStatus::InTransaction,
            "commit" | "rollback" => self.status = TransactionStatus::Idle,
            _ => {}
        }
        if execute.is_none() {
            results::description(out);
        }
        let (fetched, most) = execute.unwrap_or_default();
        results::rows(text, fetched, most, out)
    }

    fn copy_ends(&mut self, extended: bool, out: &mut Vec<u8>) {
        self.copying = None;
        if !extended {
            write::ready_for_query(out, self.status);
        }
    }

    fn fails(&mut self, out: &mut Vec<u8>, code: &str, message: &str) {
        if self.status == TransactionStatus::InTransaction {
            self.status = TransactionStatus::Failed;
        }
        error(out, code, message);
        self.skipping = true;
    }
}

fn contains(text: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(text).contains(part)
}

fn error(out: &mut Vec<u8>, code: &str, message: &str) {
    ErrorFields { severity: Severity::Error, code, message, detail: None, hint: None }.write_error(out);
}

fn fatal(out: &mut Vec<u8>, code: &str, message: &str) {
    ErrorFields { severity: Severity::Fatal, code, message, detail: None, hint: None }.write_error(out);
}

/// A client's start-up packet.
#[must_use]
pub fn startup(user: &str, database: &str) -> Vec<u8> {
    let params = vec![
        Param { name: b"user", value: user.as_bytes() },
        Param { name: b"database", value: database.as_bytes() },
    ];
    let mut out = Vec::new();
    StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut out).unwrap();
    out
}

/// A line between a client (the test) and a [`Server`].
#[derive(Debug)]
pub struct Wire {
    /// The line under test.
    pub line: Line,
    /// The other end.
    pub server: Server,
    /// Everything the client was shown.
    pub shown: Vec<u8>,
    /// Everything that went to the server.
    pub sent: Vec<u8>,
    /// Every effect, in order.
    pub effects: Vec<Effect>,
    /// The time of the next event.
    pub now: Now,
    /// How many bytes go in one read, both ways; 0 for all at once.
    pub chunk: usize,
    random: Counting,
}

impl Wire {
    /// A line with these flows, at a time when tokens of tests are valid.
    #[must_use]
    pub fn new(flows: Vec<Box<dyn crate::Flow>>) -> Self {
        Self::with_line(Line::new(flows, Limits::default(), false))
    }

    /// As [`Self::new`], with a line of the test's own making.
    #[must_use]
    pub fn with_line(line: Line) -> Self {
        Self {
            line,
            server: Server::default(),
            shown: Vec::new(),
            sent: Vec::new(),
            effects: Vec::new(),
            now: Now { unix_nanos: 1_700_000_000_000_000_000 },
            chunk: 0,
            random: Counting::default(),
        }
    }

    /// Begins a session, up to ReadyForQuery.
    pub fn begin(&mut self) {
        self.event(Line::opened);
        self.client(&startup("analyst", "shop"));
        self.shown.clear();
        self.sent.clear();
        self.server.seen.clear();
    }

    /// The client sends.
    pub fn client(&mut self, bytes: &[u8]) {
        for piece in chunks(bytes, self.chunk) {
            let time = Time::at(self.now);
            let mut env = Env { time: &time, random: &mut self.random };
            let outcome = self.line.client_data(&mut env, piece, None);
            let bytes = match outcome.buffer {
                Buffer::Keep => piece.to_vec(),
                Buffer::Replace(bytes) => bytes,
            };
            self.effects.extend(outcome.effects);
            self.deliver(&bytes);
        }
    }

    /// Any event but bytes.
    pub fn event(&mut self, event: impl FnOnce(&mut Line, &mut Env<'_>) -> Outcome) {
        let time = Time::at(self.now);
        let mut env = Env { time: &time, random: &mut self.random };
        let outcome = event(&mut self.line, &mut env);
        self.late(outcome);
    }

    /// The newest call is answered.
    pub fn reply(&mut self, status: Option<u16>, body: &str) {
        let position = self.effects.iter().rposition(|effect| matches!(effect, Effect::Call { .. }));
        let Effect::Call { flow, call } = self.effects.remove(position.expect("a call")) else {
            unreachable!()
        };
        let reply = Reply { id: call.id, status, body: body.as_bytes() };
        self.event(|line, env| line.reply(env, flow, reply));
    }

    /// Takes the newest call whose path contains `part` out of the effects, to be answered later.
    pub fn take_call(&mut self, part: &str) -> (usize, Call) {
        let is_it = |effect: &Effect| matches!(effect, Effect::Call { call, .. } if call.path.contains(part));
        let position = self.effects.iter().rposition(is_it).expect("a call");
        let Effect::Call { flow, call } = self.effects.remove(position) else { unreachable!() };
        (flow, call)
    }

    /// Answers a call that was taken.
    pub fn answer(&mut self, (flow, call): &(usize, Call), status: Option<u16>, body: &str) {
        let reply = Reply { id: call.id, status, body: body.as_bytes() };
        self.event(|line, env| line.reply(env, *flow, reply));
    }

    /// Time passes.
    pub fn tick(&mut self, millis: u64) {
        self.now.unix_nanos += millis * 1_000_000;
        self.event(Line::tick);
    }

    /// The client is gone.
    pub fn close(&mut self) {
        self.event(|line, env| line.closed(env, Peer::Client));
    }

    fn late(&mut self, outcome: Outcome) {
        self.effects.extend(outcome.effects);
        self.deliver(&outcome.late);
    }

    fn deliver(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.sent.extend_from_slice(bytes);
        let answer = self.server.receive(bytes);
        self.from_server(&answer);
    }

    /// The server speaks.
    pub fn from_server(&mut self, answer: &[u8]) {
        for piece in chunks(answer, self.chunk) {
            let time = Time::at(self.now);
            let mut env = Env { time: &time, random: &mut self.random };
            let mut outcome = self.line.server_data(&mut env, piece);
            match std::mem::replace(&mut outcome.buffer, Buffer::Keep) {
                Buffer::Keep => self.shown.extend_from_slice(piece),
                Buffer::Replace(bytes) => self.shown.extend_from_slice(&bytes),
            }
            self.late(outcome);
        }
    }

    /// What the client was shown since the last look: letters, with the SQLSTATE of errors and the status of
    /// ReadyForQuery, such as `T D C Z(I)` or `E(42501) Z(T)`.
    pub fn look(&mut self) -> String {
        let shown = std::mem::take(&mut self.shown);
        let mut framer = Framer::server(FrameLimits::default());
        let mut words = Vec::new();
        for item in framer.split(&shown) {
            let Ok(Item::Frame(frame)) = item else { panic!("the client was shown {item:?}") };
            let letter = char::from(frame.tag);
            let body = String::from_utf8_lossy(frame.body()).into_owned();
            words.push(match frame.tag {
                tag::server::READY_FOR_QUERY => format!("Z({body})"),
                tag::server::ERROR_RESPONSE => {
                    let field = |name: char| {
                        body.split('\0')
                            .find(|field| field.starts_with(name))
                            .map(|field| field.get(1..).unwrap())
                    };
                    let fatal = if field('S') == Some("FATAL") { "FATAL " } else { "" };
                    format!("E({fatal}{})", field('C').unwrap())
                }
                _ => letter.to_string(),
            });
        }
        assert_eq!(framer.pending_bytes(), 0, "the client is left with half a message");
        words.join(" ")
    }

    /// The statements that ran since the last look.
    pub fn ran(&mut self) -> Vec<String> {
        std::mem::take(&mut self.server.ran)
    }
}

fn chunks(bytes: &[u8], size: usize) -> std::slice::Chunks<'_, u8> {
    bytes.chunks(if size == 0 { bytes.len().max(1) } else { size })
}
