//! Who answers whom: pairs what the server says with what it was asked.
//!
//! PostgreSQL answers requests strictly in order, but not one message a request, and after an error in the
//! extended protocol not at all until the next Sync. An [`Exchange`] keeps the requests that wait and tells for
//! each server message which of them it belongs to. Everything that swallows, adds or rewrites messages in the
//! middle of a session stands on this.
//!
//! SPEC: protocol-flow, "Extended Query", "COPY Operations": Sync and Flush that arrive while the server reads
//! COPY data are ignored by it, so they have no answer.

mod ends;

use std::collections::VecDeque;

use crate::tag::server;
use ends::Ends;

/// A message that the server answers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Request {
    /// Bind: BindComplete.
    Bind,
    /// Close: CloseComplete.
    Close,
    /// Describe: RowDescription or NoData, for a statement after ParameterDescription.
    Describe,
    /// Execute: rows, then CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute,
    /// FunctionCall: FunctionCallResponse, then ReadyForQuery.
    FunctionCall,
    /// Parse: ParseComplete.
    Parse,
    /// Query: anything, then ReadyForQuery.
    Query,
    /// StartupMessage: authentication and parameters, then ReadyForQuery.
    Startup,
    /// Sync: ReadyForQuery.
    Sync,
}

impl Request {
    /// Whether ReadyForQuery ends the answer to it.
    #[must_use]
    pub const fn ends_with_ready(self) -> bool {
        matches!(self, Self::FunctionCall | Self::Query | Self::Startup | Self::Sync)
    }
}

/// A request that waits, with what its owner wants to remember.
#[derive(Debug)]
pub struct Waiting<T> {
    /// What was asked.
    pub request: Request,
    /// The owner's own.
    pub payload: T,
}

/// What a server message is an answer to.
#[derive(Debug)]
pub enum Answer<'a, T> {
    /// To nothing in particular: notices, parameter changes, notifications, the error that ends a session.
    Aside,
    /// The last message of the answer to this request.
    Last(Waiting<T>),
    /// A message of the answer to this request; more follow.
    Part(&'a mut Waiting<T>),
    /// ReadyForQuery for this request, before which the server skipped others because of an error.
    Ready {
        /// The request that ReadyForQuery answers.
        waiting: Waiting<T>,
        /// The requests that will never be answered, in order.
        skipped: Vec<Waiting<T>>,
    },
    /// Nothing was asked that this could answer.
    Unexpected,
}

/// Too many requests wait for their answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// The requests of one session that wait for their answers.
#[derive(Debug)]
pub struct Exchange<T> {
    waiting: VecDeque<Waiting<T>>,
    most: usize,
    copy_in: bool,
    skipping: bool,
    /// Whether a message of the answer to the first request has come.
    begun: bool,
    /// How many requests were kept so far: the number of the next one.
    next: u64,
    ends: Ends,
}

/// For how many requests room is kept when a batch has been answered.
const ROOM: usize = 64;

impl<T> Exchange<T> {
    /// How many requests may wait where nothing else is said: more than clients have under way that write until their
    /// socket is full (libpq_pipeline's `uniqviol`, over loopback).
    pub const DEFAULT_MOST: usize = 1_000_000;

    /// Starts with nothing asked; at most `most` requests may wait.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            most,
            copy_in: false,
            skipping: false,
            begun: false,
            next: 0,
            ends: Ends::new(),
        }
    }

    /// How many requests wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes that the requests take, without what their payloads point to. Where there are many, with the room for more.
    #[must_use]
    pub fn kept(&self) -> usize {
        let room = self.waiting.capacity();
        let counted = if room > ROOM { room } else { self.waiting.len() };
        counted * size_of::<Waiting<T>>()
    }

    /// How many requests were kept so far.
    #[must_use]
    pub const fn sent_so_far(&self) -> u64 {
        self.next
    }

    /// How many of them are done: the number of the request whose answer comes next.
    #[must_use]
    pub fn done_so_far(&self) -> u64 {
        self.next.saturating_sub(self.waiting.len() as u64)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the server reads COPY data now.
    #[must_use]
    pub const fn is_copy_in(&self) -> bool {
        self.copy_in
    }

    /// Notes that a request goes to the server. A Sync that the server will ignore is not kept.
    ///
    /// # Errors
    /// [`Full`] when too many wait; the request must then not be sent.
    pub fn sent(&mut self, request: Request, payload: T) -> Result<(), Full> {
        if self.copy_in && request == Request::Sync {
            return Ok(());
        }
        if self.waiting.len() >= self.most {
            return Err(Full);
        }
        self.sent_last(request, payload);
        Ok(())
    }

    /// As [`Self::sent`], for the last request of a session, which must always find room.
    pub fn sent_last(&mut self, request: Request, payload: T) {
        self.waiting.push_back(Waiting { request, payload });
        self.next += 1;
    }

    /// Whether the next ReadyForQuery leaves nothing waiting.
    #[must_use]
    pub fn ready_is_last(&self) -> bool {
        self.ready_place().is_none_or(|index| index + 1 >= self.waiting.len())
    }

    /// The request that the next ReadyForQuery answers.
    #[must_use]
    pub fn ready_answers(&self) -> Option<Request> {
        self.waiting.get(self.ready_place()?).map(|waiting| waiting.request)
    }

    fn ready_place(&self) -> Option<usize> {
        let ends = |waiting: &Waiting<T>| {
            if self.skipping { waiting.request == Request::Sync } else { waiting.request.ends_with_ready() }
        };
        self.waiting.iter().position(ends)
    }

    /// Notes that CopyDone or CopyFail goes to the server; perhaps ahead of its CopyInResponse.
    pub fn copy_ended(&mut self) {
        if !std::mem::take(&mut self.copy_in) && !self.waiting.is_empty() {
            self.ends.add(self.next, self.done_so_far());
        }
    }

    /// Pairs a server message with its request.
    pub fn received(&mut self, tag: u8) -> Answer<'_, T> {
        match tag {
            server::NOTICE_RESPONSE | server::NOTIFICATION_RESPONSE | server::PARAMETER_STATUS => {
                Answer::Aside
            }
            server::READY_FOR_QUERY => self.ready(),
            server::ERROR_RESPONSE => self.error(),
            server::COPY_IN_RESPONSE => self.copy_in_begins(),
            _ if self.skipping => Answer::Unexpected,
            server::PARSE_COMPLETE => self.last(|request| request == Request::Parse),
            server::BIND_COMPLETE => self.last(|request| request == Request::Bind),
            server::CLOSE_COMPLETE => self.last(|request| request == Request::Close),
            server::NO_DATA => self.last(|request| request == Request::Describe),
            server::ROW_DESCRIPTION => match self.front() {
                Some(Request::Describe) => self.last(|_| true),
                Some(Request::Query) => self.part(),
                _ => Answer::Unexpected,
            },
            server::PARAMETER_DESCRIPTION => self.part_of(|request| request == Request::Describe),
            server::COMMAND_COMPLETE | server::EMPTY_QUERY_RESPONSE | server::PORTAL_SUSPENDED => {
                match self.front() {
                    Some(Request::Execute) => self.last(|_| true),
                    Some(Request::Query) => self.part(),
                    _ => Answer::Unexpected,
                }
            }
            server::DATA_ROW | server::COPY_OUT_RESPONSE | server::COPY_DATA | server::COPY_DONE => {
                self.part_of(|request| matches!(request, Request::Execute | Request::Query))
            }
            server::AUTHENTICATION | server::BACKEND_KEY_DATA | server::NEGOTIATE_PROTOCOL_VERSION => {
                self.part_of(|request| request == Request::Startup)
            }
            server::FUNCTION_CALL_RESPONSE => self.part_of(|request| request == Request::FunctionCall),
            _ => Answer::Unexpected,
        }
    }

    /// What is remembered of the request whose answer comes next.
    #[must_use]
    pub fn front_payload(&self) -> Option<&T> {
        self.waiting.front().map(|waiting| &waiting.payload)
    }

    /// The request whose answer comes next.
    #[must_use]
    pub fn front(&self) -> Option<Request> {
        self.waiting.front().map(|waiting| waiting.request)
    }

    fn part(&mut self) -> Answer<'_, T> {
        self.begun = true;
        self.waiting.front_mut().map_or(Answer::Unexpected, Answer::Part)
    }

    fn part_of(&mut self, fits: impl Fn(Request) -> bool) -> Answer<'_, T> {
        if self.front().is_some_and(fits) { self.part() } else { Answer::Unexpected }
    }

    fn last(&mut self, fits: impl Fn(Request) -> bool) -> Answer<'_, T> {
        if !self.front().is_some_and(fits) {
            return Answer::Unexpected;
        }
        self.begun = false;
        self.waiting.pop_front().map_or(Answer::Unexpected, Answer::Last)
    }

    fn ready(&mut self) -> Answer<'_, T> {
        let skipping = std::mem::take(&mut self.skipping);
        let begun = std::mem::take(&mut self.begun);
        // One ReadyForQuery too many, such as for a Sync that was thought to be ignored: whatever it answers, it is not
        // this. Nothing may be attributed to anything any more.
        let out_of_step = !skipping
            && self.front().is_some_and(|request| match request {
                Request::Startup | Request::Sync => false,
                Request::FunctionCall | Request::Query => !begun,
                Request::Bind | Request::Close | Request::Describe | Request::Execute | Request::Parse => {
                    true
                }
            });
        if out_of_step {
            self.waiting.clear();
            return Answer::Unexpected;
        }
        self.copy_in = false;
        let mut skipped = Vec::new();
        while let Some(waiting) = self.waiting.pop_front() {
            // After an error in the extended protocol the server reads on to the next Sync, over a Query too.
            let ends =
                if skipping { waiting.request == Request::Sync } else { waiting.request.ends_with_ready() };
            if ends {
                if self.waiting.len() < ROOM {
                    self.waiting.shrink_to(ROOM);
                }
                return Answer::Ready { waiting, skipped };
            }
            skipped.push(waiting);
        }
        Answer::Unexpected
    }

    fn error(&mut self) -> Answer<'_, T> {
        self.copy_in = false;
        let Some(request) = self.front() else { return Answer::Aside };
        if !request.ends_with_ready() {
            self.skipping = true;
        }
        self.part()
    }

    fn copy_in_begins(&mut self) -> Answer<'_, T> {
        if !matches!(self.front(), Some(Request::Execute | Request::Query)) {
            return Answer::Unexpected;
        }
        // What was sent behind the COPY is ignored by the server, up to its end or the first thing that is no Sync.
        let end = self.ends.take_behind(self.done_so_far());
        self.copy_in = end.is_none();
        let most = end.map_or(u64::MAX, |end| end.saturating_sub(self.done_so_far() + 1));
        let mut ignored = 0;
        while ignored < most && self.waiting.get(1).is_some_and(|waiting| waiting.request == Request::Sync) {
            self.waiting.remove(1);
            ignored += 1;
        }
        self.next -= ignored;
        self.ends.move_forward(ignored);
        self.part()
    }
}

#[cfg(test)]
mod tests;
