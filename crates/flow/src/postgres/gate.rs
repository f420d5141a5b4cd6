//! Refuses, tells and ends, and keeps both sides of a PostgreSQL session in step while doing so.
//!
//! Envoy lets a filter write to the client only while the server speaks. So a gate **pokes**: it sends the server
//! something harmless in the place of what it took, and puts its own words where the answer comes back:
//!
//! | where                                   | poke                              | shown instead of the answer |
//! | ---                                     | ---                               | --- |
//! | a Query                                 | Sync                              | the error before the ReadyForQuery |
//! | the extended protocol                   | Close of no statement, Flush      | the error for the CloseComplete; then discard to the client's Sync |
//! | … after an Execute in the same batch    | a Parse that must fail            | the error for the server's, so that the implicit transaction is undone |
//! | a notice while a command waits          | either of the first two           | the NoticeResponse, nothing else |
//! | before the session is ready             | what makes the server hang up     | the FATAL error for the server's |
//!
//! The transaction status that the client sees is always the server's own. An answer that is under way is ended by
//! [`Gate::cut`].

use chaperone_model::Reason;
use chaperone_pgwire::client::{Target, write};
use chaperone_pgwire::exchange::{Answer, Exchange, Request, Waiting};
use chaperone_pgwire::{Frame, startup, tag};

use super::cut::{self, Until};
use super::poke;
use super::refusal::{Refusal, fatal};
use crate::{Cx, Effect, Step};

#[derive(Debug)]
enum Owner<T> {
    /// The client's request.
    Client(T),
    /// The gate's poke in the place of a client's request, whose ReadyForQuery the client awaits.
    InPlace { shown: Vec<u8> },
    /// The gate's poke that the client knows nothing of.
    Own { shown: Vec<u8> },
    /// A request of the flow itself, all of whose answers go to the flow alone.
    Hidden(T),
}

#[derive(Debug)]
enum Phase {
    Startup,
    Ready,
    /// Nothing of the client goes on; the error is shown at the next fitting answer.
    Ending(Vec<u8>),
    Ended,
}

/// What becomes of a server message.
#[derive(Debug)]
pub enum Turn<'a, T> {
    /// It goes to the client.
    Pass(Answered<'a, T>),
    /// It answers something that the flow asked by [`Gate::ask`]: not for the client.
    Hidden(Answered<'a, T>),
    /// It is dealt with: not for the client.
    Taken,
}

/// What a server message answers, with the flow's own memory of the request.
#[derive(Debug)]
pub enum Answered<'a, T> {
    /// Nothing in particular.
    Aside,
    /// The last message for this request (but Query and Sync, which end with [`Self::Ready`]).
    Last(Request, T),
    /// A message for this request; more follow.
    Part(Request, &'a mut T),
    /// ReadyForQuery.
    Ready {
        /// The status byte: `I`, `T`, `E`.
        status: u8,
        /// The request that is done; none where the gate had put its own in its place.
        done: Option<(Request, T)>,
        /// Requests that the server skipped because of an error.
        skipped: Vec<(Request, T)>,
    },
}

/// One flow's grip on one session.
#[derive(Debug)]
pub struct Gate<T> {
    exchange: Exchange<Owner<T>>,
    phase: Phase,
    /// The client's batch was refused: nothing goes on until its Sync.
    discarding: bool,
    /// An Execute went to the server since the last Sync.
    executed: bool,
    /// Anything of the extended protocol went to the server since the last Sync.
    in_batch: bool,
    status: u8,
    /// Something of the extended protocol waits for a Sync that the server does not ignore: in every batch, and after one
    /// whose Sync went while the server read COPY data.
    unsynced: bool,
    /// When so many requests are done, the server has told the status that everything but Syncs left behind.
    settled_at: u64,
    /// An answer was cut: what comes is not for the client.
    cut: Option<Until>,
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self {
            exchange: Exchange::new(Exchange::<T>::DEFAULT_MOST),
            phase: Phase::Startup,
            discarding: false,
            executed: false,
            in_batch: false,
            status: b'I',
            unsynced: false,
            settled_at: 0,
            cut: None,
        }
    }
}

impl<T: Default> Gate<T> {
    /// Whether a client message is to be looked at at all. What is not admitted is to be taken.
    pub fn admits(&mut self, frame: &Frame<'_>) -> bool {
        if matches!(self.phase, Phase::Ending(_) | Phase::Ended) {
            return false;
        }
        if !self.discarding {
            return true;
        }
        match frame.tag {
            tag::client::SYNC => {
                self.discarding = false;
                true
            }
            tag::client::TERMINATE => true,
            _ => false,
        }
    }

    /// Lets a client message go on to the server.
    pub fn pass(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Step {
        self.pass_with(cx, frame, T::default())
    }

    /// As [`Self::pass`], and remembers something until it is answered.
    pub fn pass_with(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, payload: T) -> Step {
        let Some(request) = request(frame.tag) else {
            if matches!(frame.tag, tag::client::COPY_DONE | tag::client::COPY_FAIL) {
                self.exchange.copy_ended();
            }
            return Step::Pass;
        };
        if request == Request::Startup && !startup::begins_session(frame) {
            return Step::Pass;
        }
        if self.exchange.sent(request, Owner::Client(payload)).is_err() {
            self.end(cx, &fatal(Reason::PipelineTooDeep));
            return Step::Take;
        }
        self.went(request);
        Step::Pass
    }

    /// Sends a simple Query of the flow's own, whose answers come back as [`Turn::Hidden`].
    ///
    /// Only while nothing of the extended protocol waits for its Sync.
    pub fn ask(&mut self, cx: &mut Cx<'_>, sql: &[u8], payload: T) -> bool {
        if self.in_batch || self.exchange.is_copy_in() {
            return false;
        }
        if self.exchange.sent(Request::Query, Owner::Hidden(payload)).is_err() {
            return false;
        }
        cx.send(poke::query(sql));
        true
    }

    /// Describes a portal for the flow itself; the answer comes back as [`Turn::Hidden`].
    ///
    /// Only right before a message of the client about that portal: an error ends the client's batch, so the flow
    /// must show it.
    pub fn ask_describe(&mut self, cx: &mut Cx<'_>, portal: &[u8], payload: T) -> bool {
        let mut describe = Vec::new();
        if write::describe(&mut describe, Target::Portal(portal)).is_err()
            || self.exchange.sent(Request::Describe, Owner::Hidden(payload)).is_err()
        {
            return false;
        }
        self.went(Request::Describe);
        cx.send(describe);
        true
    }

    /// Refuses a client message; the session goes on. The message itself must be taken.
    pub fn refuse(&mut self, cx: &mut Cx<'_>, frame_tag: u8, error: &Refusal) {
        let shown = error.to_error();
        match frame_tag {
            // The server may be skipping to the batch's Sync: the poke's would end that, and both sides lose step.
            tag::client::QUERY | tag::client::FUNCTION_CALL if self.in_batch => self.end(cx, error),
            tag::client::QUERY | tag::client::FUNCTION_CALL => {
                self.poke(cx, Request::Sync, poke::sync(), Owner::InPlace { shown });
            }
            tag::client::COPY_DATA | tag::client::COPY_DONE => {
                // The server's own error for CopyFail would name another cause; end plainly.
                self.end(cx, error);
            }
            tag::client::SYNC => {
                // A Sync is the end of a batch: its ReadyForQuery carries the error.
                self.poke(cx, Request::Sync, poke::sync(), Owner::InPlace { shown });
            }
            _ => {
                self.discarding = true;
                if self.executed {
                    self.poke(cx, Request::Parse, poke::parse(), Owner::Own { shown });
                } else {
                    self.poke(cx, Request::Close, poke::close(), Owner::Own { shown });
                    cx.send(poke::flush());
                }
            }
        }
    }

    /// Shows the client a notice now, while its command waits and the server has nothing to say.
    pub fn tell(&mut self, cx: &mut Cx<'_>, notice: Vec<u8>) {
        if self.in_batch {
            self.poke(cx, Request::Close, poke::close(), Owner::Own { shown: notice });
            cx.send(poke::flush());
        } else {
            self.poke(cx, Request::Sync, poke::sync(), Owner::Own { shown: notice });
        }
    }

    /// Ends the session with a FATAL error. Nothing of the client goes on after this.
    pub fn end(&mut self, cx: &mut Cx<'_>, error: &Refusal) {
        let shown = error.to_fatal();
        match self.phase {
            Phase::Startup if self.exchange.is_empty() => {
                // No server speaks version 4: it says so and hangs up.
                cx.send_startup(poke::STARTUP.to_vec());
                self.phase = Phase::Ending(shown);
            }
            Phase::Startup => {
                // No password message: the server says so and hangs up.
                cx.send(poke::terminate());
                self.phase = Phase::Ending(shown);
            }
            Phase::Ready => {
                if self.exchange.is_copy_in() {
                    cx.send(poke::copy_fail());
                    self.exchange.copy_ended();
                }
                self.exchange.sent_last(Request::Sync, Owner::Own { shown: Vec::new() });
                cx.send(poke::sync());
                self.phase = Phase::Ending(shown);
            }
            Phase::Ending(_) | Phase::Ended => {}
        }
    }

    /// Pairs a server message with what it answers.
    pub fn server(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Turn<'_, T> {
        match &self.phase {
            Phase::Startup if frame.tag == tag::server::ERROR_RESPONSE || frame.tag == 0 => {
                return Turn::Pass(Answered::Aside);
            }
            Phase::Startup if frame.tag == tag::server::READY_FOR_QUERY => self.phase = Phase::Ready,
            Phase::Startup | Phase::Ready => {}
            Phase::Ending(_) if frame.tag == tag::server::COPY_IN_RESPONSE => return self.end_copy(cx),
            Phase::Ending(shown) => {
                let last = match frame.tag {
                    tag::server::ERROR_RESPONSE => self.exchange.len() <= 1 && !self.in_ready_session(),
                    tag::server::READY_FOR_QUERY => self.exchange.ready_is_last(),
                    _ => false,
                };
                if last {
                    cx.show(shown.clone());
                    cx.effect(Effect::Close);
                    self.phase = Phase::Ended;
                    return Turn::Taken;
                }
            }
            Phase::Ended => return Turn::Taken,
        }
        match self.cut {
            Some(until) => self.pair_unshown(cx, frame, until),
            None => self.pair(cx, frame),
        }
    }

    /// Ends the answer to this request, whose message is at hand, with an error: neither that message (which must be
    /// taken) nor the rest is shown. The server does not know, and what it says goes on to be paired: [`Turn::Hidden`].
    pub fn cut(&mut self, cx: &mut Cx<'_>, request: Request, error: &Refusal) {
        cx.show(error.to_error());
        self.cut = Some(Until::of(request));
    }

    /// As [`Self::pair`], where what comes belongs to an answer that was cut.
    fn pair_unshown(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>, until: Until) -> Turn<'_, T> {
        if frame.tag == tag::server::READY_FOR_QUERY && until.is_over(self.exchange.ready_answers()) {
            self.cut = None;
            return self.pair(cx, frame);
        }
        match self.pair(cx, frame) {
            Turn::Pass(answered) if !cut::passes(frame.tag) => Turn::Hidden(answered),
            turn => turn,
        }
    }

    /// The session was ended before the server began to read COPY data: it has overlooked the Sync.
    fn end_copy(&mut self, cx: &mut Cx<'_>) -> Turn<'_, T> {
        let _known = self.exchange.received(tag::server::COPY_IN_RESPONSE);
        if self.exchange.is_copy_in() {
            cx.send(poke::copy_fail());
            self.exchange.copy_ended();
            self.exchange.sent_last(Request::Sync, Owner::Own { shown: Vec::new() });
            cx.send(poke::sync());
        }
        Turn::Taken
    }

    /// Whether nothing is under way but perhaps a Sync that changes nothing, so that the transaction status which the
    /// server told last is the one in force.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.unsynced && self.exchange.done_so_far() >= self.settled_at
    }

    /// What the flow remembers of the client's request that the server is busy with.
    #[must_use]
    pub fn at_hand(&self) -> Option<&T> {
        match self.exchange.front_payload()? {
            Owner::Client(payload) => Some(payload),
            Owner::Hidden(_) | Owner::InPlace { .. } | Owner::Own { .. } => None,
        }
    }

    /// Bytes that are kept for what is under way.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.exchange.kept()
    }

    /// The transaction status that the server told last.
    #[must_use]
    pub const fn status(&self) -> u8 {
        self.status
    }

    /// Whether the session is over for this gate.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending(_) | Phase::Ended)
    }

    /// Whether the client's batch was refused, and what is left of it goes nowhere.
    #[must_use]
    pub const fn is_discarding(&self) -> bool {
        self.discarding
    }

    /// Whether the client may send commands.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Whether something of the extended protocol went on since the last Sync.
    #[must_use]
    pub const fn is_in_batch(&self) -> bool {
        self.in_batch
    }

    /// Whether the server reads COPY data now.
    #[must_use]
    pub const fn is_copy_in(&self) -> bool {
        self.exchange.is_copy_in()
    }

    /// An ending of a ready session waits for ReadyForQuery, one of a session in start-up for the server's error.
    fn in_ready_session(&self) -> bool {
        !matches!(self.exchange.front(), Some(Request::Startup) | None)
    }

    fn poke(&mut self, cx: &mut Cx<'_>, request: Request, bytes: Vec<u8>, owner: Owner<T>) {
        if self.exchange.sent(request, owner).is_err() {
            self.end(cx, &fatal(Reason::PipelineTooDeep));
            return;
        }
        self.went(request);
        cx.send(bytes);
    }

    const fn went(&mut self, request: Request) {
        match request {
            Request::Bind | Request::Close | Request::Describe | Request::Execute | Request::Parse => {
                self.executed |= matches!(request, Request::Execute);
                self.in_batch = true;
                self.unsynced = true;
            }
            Request::FunctionCall | Request::Query | Request::Startup | Request::Sync => {
                self.executed = false;
                self.in_batch = false;
                let changes = !matches!(request, Request::Sync);
                if changes || (self.unsynced && !self.exchange.is_copy_in()) {
                    self.unsynced = false;
                    self.settled_at = self.exchange.sent_so_far();
                }
            }
        }
    }

    fn pair(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Turn<'_, T> {
        let failed = frame.tag == tag::server::ERROR_RESPONSE;
        if let (tag::server::READY_FOR_QUERY, Some(status)) = (frame.tag, frame.body().first()) {
            self.status = *status;
        }
        let (status, unshown) = (self.status, self.cut.is_some());
        match self.exchange.received(frame.tag) {
            Answer::Aside => Turn::Pass(Answered::Aside),
            Answer::Unexpected => {
                // The server speaks outside of the protocol, or we lost step: nothing can be judged any more.
                self.phase = Phase::Ended;
                cx.show(fatal(Reason::ProtocolViolation).to_error());
                cx.effect(Effect::Close);
                Turn::Taken
            }
            Answer::Part(waiting) => match &mut waiting.payload {
                Owner::Client(payload) => Turn::Pass(Answered::Part(waiting.request, payload)),
                Owner::Hidden(payload) => Turn::Hidden(Answered::Part(waiting.request, payload)),
                Owner::InPlace { .. } => Turn::Pass(Answered::Aside),
                Owner::Own { shown } => {
                    if failed && !unshown {
                        cx.show(std::mem::take(shown));
                    }
                    Turn::Taken
                }
            },
            Answer::Last(Waiting { request, payload }) => match payload {
                Owner::Client(payload) => Turn::Pass(Answered::Last(request, payload)),
                Owner::Hidden(payload) => Turn::Hidden(Answered::Last(request, payload)),
                Owner::InPlace { shown } | Owner::Own { shown } => {
                    if !unshown {
                        cx.show(shown);
                    }
                    Turn::Taken
                }
            },
            Answer::Ready { waiting, skipped } => {
                let skipped = skipped.into_iter().filter_map(of_client).collect();
                match waiting.payload {
                    Owner::Client(payload) => Turn::Pass(Answered::Ready {
                        status,
                        done: Some((waiting.request, payload)),
                        skipped,
                    }),
                    Owner::Hidden(payload) => Turn::Hidden(Answered::Ready {
                        status,
                        done: Some((waiting.request, payload)),
                        skipped,
                    }),
                    Owner::InPlace { shown } => {
                        cx.show(shown);
                        Turn::Pass(Answered::Ready { status, done: None, skipped })
                    }
                    Owner::Own { shown } => {
                        if !shown.is_empty() {
                            cx.show(shown);
                        }
                        Turn::Hidden(Answered::Ready { status, done: None, skipped })
                    }
                }
            }
        }
    }
}

fn of_client<T>(waiting: Waiting<Owner<T>>) -> Option<(Request, T)> {
    match waiting.payload {
        Owner::Client(payload) => Some((waiting.request, payload)),
        Owner::Hidden(_) | Owner::InPlace { .. } | Owner::Own { .. } => None,
    }
}

/// The request that a client message is; none for those that have no answer of their own.
const fn request(tag: u8) -> Option<Request> {
    match tag {
        tag::UNTAGGED => Some(Request::Startup),
        tag::client::BIND => Some(Request::Bind),
        tag::client::CLOSE => Some(Request::Close),
        tag::client::DESCRIBE => Some(Request::Describe),
        tag::client::EXECUTE => Some(Request::Execute),
        tag::client::FUNCTION_CALL => Some(Request::FunctionCall),
        tag::client::PARSE => Some(Request::Parse),
        tag::client::QUERY => Some(Request::Query),
        tag::client::SYNC => Some(Request::Sync),
        _ => None,
    }
}
