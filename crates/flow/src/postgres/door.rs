//! Keeps out what is no PostgreSQL client: every line has a door as its first flow.
//!
//! Every message type is named here and every phase says which it takes; what is not named is refused. Behind the
//! door a flow sees only whole messages of known types in an order that PostgreSQL knows.

use chaperone_model::Reason;
use chaperone_pgwire::client::{Bind, Execute, Parse, Target};
use chaperone_pgwire::startup::StartupPacket;
use chaperone_pgwire::{Frame, tag};

use super::gate::{Answered, Gate, Turn};
use super::poke;
use super::refusal::{fatal, refusal_with};
use crate::{Cx, Effect, Flow, Note, Step};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Before the StartupMessage.
    Startup,
    /// A request for encryption waits for its single byte.
    Encryption,
    /// The target said that it would speak TLS, or GSSAPI.
    Encrypted,
    /// Between StartupMessage and the first ReadyForQuery.
    Authentication,
    /// Commands.
    Ready,
    /// A CancelRequest: nothing follows it.
    Cancel,
}

/// The first flow of every line.
#[derive(Debug)]
pub struct Door {
    phase: Phase,
    gate: Gate<()>,
    /// How many requests for encryption were made: one of each kind, as PostgreSQL allows.
    encryption: u8,
}

impl Default for Door {
    fn default() -> Self {
        Self { phase: Phase::Startup, gate: Gate::default(), encryption: 0 }
    }
}

impl Door {
    fn end(&mut self, cx: &mut Cx<'_>, reason: Reason) -> Step {
        self.gate.end(cx, &fatal(reason));
        Step::Take
    }

    /// Nothing can be said to a client that speaks TLS now. libpq with `sslmode=prefer` comes again without when the
    /// handshake fails.
    fn hang_up(&mut self, cx: &mut Cx<'_>) {
        if self.phase == Phase::Encrypted {
            let verdict = format!("deny {}", Reason::TlsUnsupported.code());
            cx.effect(Effect::Annotate("chaperone.verdict", verdict.into_bytes()));
            cx.effect(Effect::Close);
            self.phase = Phase::Cancel;
        }
    }

    fn startup(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        if frame.bytes == poke::STARTUP {
            return Step::Pass;
        }
        match StartupPacket::read(frame.body()) {
            Ok(StartupPacket::Cancel(_)) => {
                self.phase = Phase::Cancel;
                Step::Pass
            }
            Ok(StartupPacket::GssEncRequest | StartupPacket::SslRequest) if self.encryption < 2 => {
                self.encryption += 1;
                self.phase = Phase::Encryption;
                Step::Pass
            }
            Ok(StartupPacket::Startup(startup)) if startup.wants_replication() => {
                self.end(cx, Reason::ReplicationRefused)
            }
            Ok(StartupPacket::Startup(_)) => {
                self.phase = Phase::Authentication;
                self.gate.pass(cx, frame)
            }
            Ok(StartupPacket::GssEncRequest | StartupPacket::SslRequest) | Err(_) => {
                self.end(cx, Reason::ProtocolViolation)
            }
        }
    }

    fn command(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        use tag::client::{
            BIND, CLOSE, COPY_DATA, COPY_DONE, COPY_FAIL, DESCRIBE, EXECUTE, FLUSH, FUNCTION_CALL, PARSE,
            QUERY, SYNC, TERMINATE,
        };
        match frame.tag {
            // The server would hang up: it reads nothing but COPY data now.
            BIND | CLOSE | DESCRIBE | EXECUTE | FUNCTION_CALL | PARSE | QUERY if self.gate.is_copy_in() => {
                self.end(cx, Reason::ProtocolViolation)
            }
            BIND | CLOSE | DESCRIBE | EXECUTE | PARSE if has_long_name(frame) => {
                let message = "names of prepared statements and portals have at most 63 bytes here";
                let hint = "PostgreSQL cuts longer ones, so that two names would be one. Use shorter names.";
                self.gate.refuse(
                    cx,
                    frame.tag,
                    &refusal_with(Reason::MessageUnsupported, None, message, hint),
                );
                Step::Take
            }
            BIND | CLOSE | COPY_DATA | COPY_DONE | COPY_FAIL | DESCRIBE | EXECUTE | FLUSH | PARSE | QUERY
            | SYNC | TERMINATE => self.gate.pass(cx, frame),
            FUNCTION_CALL => {
                self.gate.refuse(cx, frame.tag, &fatal(Reason::FunctionCallRefused));
                Step::Take
            }
            _ => self.end(cx, Reason::ProtocolViolation),
        }
    }
}

/// The most bytes that PostgreSQL keeps of a name (NAMEDATALEN - 1).
const NAME_BYTES: usize = 63;

/// Whether the message names a statement or a portal by more than the server looks at. A message that cannot be read
/// is for others to refuse.
fn has_long_name(frame: &Frame<'_>) -> bool {
    let long = |name: &[u8]| name.len() > NAME_BYTES;
    match frame.tag {
        tag::client::BIND => {
            Bind::read(frame.body()).is_ok_and(|bind| long(bind.portal) || long(bind.statement))
        }
        tag::client::CLOSE | tag::client::DESCRIBE => match Target::read(frame.body()) {
            Ok(Target::Portal(name) | Target::Statement(name)) => long(name),
            Err(_) => false,
        },
        tag::client::EXECUTE => Execute::read(frame.body()).is_ok_and(|execute| long(execute.portal)),
        tag::client::PARSE => Parse::read(frame.body()).is_ok_and(|parse| long(parse.name)),
        _ => false,
    }
}

impl Flow for Door {
    fn client(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>, _note: &mut Option<Note>) -> Step {
        if !self.gate.admits(&frame) {
            return Step::Take;
        }
        match self.phase {
            Phase::Startup => self.startup(cx, &frame),
            Phase::Authentication => match frame.tag {
                tag::client::PASSWORD | tag::client::TERMINATE => Step::Pass,
                _ => self.end(cx, Reason::ProtocolViolation),
            },
            Phase::Ready => self.command(cx, &frame),
            // What is sent ahead of the answer would be read in clear behind an encryption that never came
            // (the injection of CVE-2021-23222).
            Phase::Encryption => self.end(cx, Reason::ProtocolViolation),
            Phase::Encrypted | Phase::Cancel => {
                self.hang_up(cx);
                Step::Take
            }
        }
    }

    fn too_large(&mut self, cx: &mut Cx<'_>, tag: u8, reason: Reason) {
        let whole = Frame { tag, bytes: &[] };
        if !self.gate.admits(&whole) {
            return;
        }
        match self.phase {
            Phase::Encrypted | Phase::Cancel => self.hang_up(cx),
            Phase::Ready if tag::client::ALL.contains(&tag) => {
                let statement = matches!(tag, tag::client::QUERY | tag::client::PARSE);
                let reason = match reason {
                    Reason::MessageTooLarge if statement => Reason::StatementTooLarge,
                    reason => reason,
                };
                self.gate.refuse(cx, tag, &fatal(reason));
            }
            _ if reason == Reason::MemoryFull => self.gate.end(cx, &fatal(reason)),
            _ => self.gate.end(cx, &fatal(Reason::ProtocolViolation)),
        }
    }

    fn overfull(&mut self, cx: &mut Cx<'_>) {
        self.gate.end(cx, &fatal(Reason::MemoryFull));
    }

    fn is_ending(&self) -> bool {
        self.gate.is_ending()
    }

    fn kept(&self) -> usize {
        self.gate.kept()
    }

    fn violated(&mut self, cx: &mut Cx<'_>) {
        match self.phase {
            Phase::Encrypted | Phase::Cancel => self.hang_up(cx),
            Phase::Startup | Phase::Encryption | Phase::Authentication | Phase::Ready => {
                self.gate.end(cx, &fatal(Reason::ProtocolViolation));
            }
        }
    }

    fn server(&mut self, cx: &mut Cx<'_>, frame: Frame<'_>) -> Step {
        if self.phase == Phase::Encryption {
            let clear = frame.bytes == b"N" || frame.tag == tag::server::ERROR_RESPONSE;
            // Envoy cannot start TLS inside a session, and nothing but the target's own answer could be said to the
            // client before it speaks again.
            self.phase = if clear { Phase::Startup } else { Phase::Encrypted };
            return Step::Pass;
        }
        match self.gate.server(cx, &frame) {
            Turn::Taken | Turn::Hidden(_) => Step::Take,
            Turn::Pass(answered) => {
                if matches!(answered, Answered::Ready { .. }) && self.phase == Phase::Authentication {
                    self.phase = Phase::Ready;
                }
                Step::Pass
            }
        }
    }
}
