//! Cuts one direction of a connection into messages, whatever the chunks it arrives in.

use std::{fmt, mem};

use crate::{
    frame::{Frame, FrameError, FrameLimits, Item, Phase},
    tag,
};

/// Cuts one direction into frames.
///
/// Frames borrow from the input where they lie whole in it; only a message that straddles two inputs is copied.
/// Bounded: at most one message in the making and the one just completed, each within [`FrameLimits`]; memory
/// grows with what has arrived, not with what was declared.
pub struct Framer {
    state: State,
    /// The message that the current input has completed; lent out by [`Frames`].
    done: Vec<u8>,
}

/// What outlives an input.
struct State {
    limits: FrameLimits,
    phase: Phase,
    /// The next byte is the untagged answer to a request for encryption.
    single: bool,
    /// The beginning of a message. INVARIANT: shorter than the message; empty while `skip` is not 0.
    pending: Vec<u8>,
    /// How much of a message over its limit is still to be dropped.
    skip: u64,
    /// After this nothing can be read.
    fault: Option<FrameError>,
    /// A [`Frames`] is out, or was let go of with bytes in it.
    lent: bool,
}

/// What the first bytes of a message say.
enum Header {
    /// This many bytes are needed to know.
    Short(usize),
    TooLarge {
        tag: u8,
        declared: u64,
        total: u64,
    },
    Whole {
        tag: u8,
        total: usize,
    },
}

/// Capacity that is kept from one message to the next; what a larger one needed is given back.
const KEEP: usize = 64 << 10;

// === impl Framer ===

impl Framer {
    /// For what a client sends, from the connection's first byte on.
    #[must_use]
    pub const fn client(limits: FrameLimits) -> Self {
        Self::new(limits, Phase::Startup)
    }

    /// For what a server sends, from the connection's first byte on.
    #[must_use]
    pub const fn server(limits: FrameLimits) -> Self {
        Self::new(limits, Phase::Tagged)
    }

    /// For what a client sends after its start-up packet.
    #[must_use]
    pub const fn tagged(limits: FrameLimits) -> Self {
        Self::new(limits, Phase::Tagged)
    }

    const fn new(limits: FrameLimits, phase: Phase) -> Self {
        let state =
            State { limits, phase, single: false, pending: Vec::new(), skip: 0, fault: None, lent: false };
        Self { state, done: Vec::new() }
    }

    /// Takes the direction's next bytes. The caller drains what comes back: see [`Frames`].
    pub fn split<'a>(&'a mut self, input: &'a [u8]) -> Frames<'a> {
        let Self { state, done } = self;
        done.clear();
        done.shrink_to(KEEP);
        if mem::replace(&mut state.lent, true) {
            state.fault = Some(FrameError::Undrained);
        }
        let whole = state.pending.is_empty() && state.skip == 0 && state.fault.is_none();
        let mut rest = input;
        let mut first = None;
        if state.fault.is_none() && !state.pending.is_empty() {
            match state.complete(&mut rest) {
                Ok(None) => {}
                Ok(Some(Header::TooLarge { tag, declared, total })) => {
                    state.skip = total.saturating_sub(state.pending.len() as u64);
                    state.pending = Vec::new();
                    first = Some(Item::TooLarge { tag, declared });
                }
                Ok(Some(Header::Whole { tag, .. })) => {
                    mem::swap(done, &mut state.pending);
                    first = Some(Item::Frame(Frame { tag, bytes: done }));
                }
                // Not reached: `complete` says None when it has too little.
                Ok(Some(Header::Short(_))) => {}
                Err(fault) => state.fault = Some(fault),
            }
        }
        let faulty = state.fault;
        Frames { first, faulty, rest, state, whole }
    }

    /// Says that the next message begins with a letter. Between messages only.
    pub const fn enter_tagged(&mut self) {
        self.state.phase = Phase::Tagged;
    }

    /// Says that the next byte answers a request for encryption (a server's direction). Between messages only.
    pub const fn expect_single_byte(&mut self) {
        self.state.single = true;
    }

    /// Replaces the limits, from the next message header on.
    pub const fn set_limits(&mut self, limits: FrameLimits) {
        self.state.limits = limits;
    }

    /// Whether the next message begins with a letter.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.state.phase
    }

    /// How many bytes of a message in the making are kept here.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.state.pending.len()
    }

    /// Lets go of the beginning of a message that is kept here: what is still to come of it is dropped, as of one over
    /// the limit. The message's tag; none where not even its header is kept.
    pub fn drop_pending(&mut self) -> Option<u8> {
        let (tag, total) = match self.state.header(&self.state.pending) {
            Ok(Header::Whole { tag, total }) => (tag, total as u64),
            Ok(Header::TooLarge { tag, total, .. }) => (tag, total),
            Ok(Header::Short(_)) | Err(_) => return None,
        };
        self.state.skip = total.saturating_sub(self.state.pending.len() as u64);
        self.state.pending = Vec::new();
        Some(tag)
    }

    /// Whether the direction stands between two messages: nothing kept, nothing being dropped.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.state.pending.is_empty() && self.state.skip == 0
    }
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framer")
            .field("phase", &self.state.phase)
            .field("pending", &self.state.pending.len())
            .field("skip", &self.state.skip)
            .field("fault", &self.state.fault)
            .finish_non_exhaustive()
    }
}

// === impl State ===

impl State {
    /// Reads a message header at the start of `bytes`.
    fn header(&self, bytes: &[u8]) -> Result<Header, FrameError> {
        let (tag, word) = match self.phase {
            Phase::Startup => (0, bytes),
            Phase::Tagged => match bytes.split_first() {
                None => return Ok(Header::Short(5)),
                Some((0, _)) => return Err(FrameError::Tag),
                Some((tag, word)) => (*tag, word),
            },
        };
        let before = u64::from(tag != 0);
        let Some(word) = word.first_chunk::<4>() else {
            return Ok(Header::Short(if tag == 0 { 4 } else { 5 }));
        };
        let declared = i32::from_be_bytes(*word);
        let Some(body) = u32::try_from(declared).ok().and_then(|declared| declared.checked_sub(4)) else {
            return Err(FrameError::Length { tag, declared });
        };
        let limit = match (self.phase, tag) {
            // SPEC: start-up packets have at least their four-byte code.
            (Phase::Startup, _) if body < 4 || body > self.limits.startup_max => {
                return Err(FrameError::StartupLength { declared });
            }
            (Phase::Startup, _) => self.limits.startup_max,
            (Phase::Tagged, tag::client::COPY_DATA) => self.limits.copy_data_max,
            (Phase::Tagged, _) => self.limits.message_max,
        };
        // In 64 bits: `1 + length` wraps where usize has 32.
        let declared = u64::from(body) + 4;
        let total = before + declared;
        Ok(match usize::try_from(total) {
            Ok(total) if body <= limit => Header::Whole { tag, total },
            Ok(_) | Err(_) => Header::TooLarge { tag, declared, total },
        })
    }

    /// Moves from `input` what the pending message still needs; says None when there is too little.
    fn complete(&mut self, input: &mut &[u8]) -> Result<Option<Header>, FrameError> {
        // Twice at most: up to the end of the header, up to the end of the message.
        for _ in 0..2 {
            let header = self.header(&self.pending)?;
            let want = match header {
                Header::Short(want) | Header::Whole { total: want, .. } => want,
                Header::TooLarge { .. } => return Ok(Some(header)),
            };
            let missing = want.saturating_sub(self.pending.len());
            let (taken, rest) = input.split_at_checked(missing).unwrap_or((*input, &[]));
            self.pending.extend_from_slice(taken);
            *input = rest;
            if taken.len() < missing {
                return Ok(None);
            }
            if matches!(header, Header::Whole { .. }) {
                return Ok(Some(header));
            }
        }
        // The header has just become whole: it may tell that the message has no body, is too large, or is wrong.
        let header = self.header(&self.pending)?;
        Ok(match header {
            Header::Short(_) => None,
            Header::Whole { total, .. } if total > self.pending.len() => None,
            Header::TooLarge { .. } | Header::Whole { .. } => Some(header),
        })
    }
}

/// The frames of one input, one at a time, so that the caller can change the phase between two of them.
///
/// Drain it: call `next` until it says `None`, or take what is left with [`Self::into_rest`]. Whoever lets go of it
/// earlier loses bytes, and the framer refuses to go on ([`FrameError::Undrained`]).
#[must_use = "frames that are not drained are lost"]
pub struct Frames<'a> {
    first: Option<Item<'a>>,
    /// The fault to tell, once for each input.
    faulty: Option<FrameError>,
    rest: &'a [u8],
    state: &'a mut State,
    whole: bool,
}

// === impl Frames ===

impl<'a> Frames<'a> {
    /// Drops what belongs to a message over its limit.
    fn drop_skipped(&mut self) {
        if self.state.skip == 0 {
            return;
        }
        self.whole = false;
        let skip = usize::try_from(self.state.skip).unwrap_or(usize::MAX).min(self.rest.len());
        self.state.skip = self.state.skip.saturating_sub(skip as u64);
        self.rest = self.rest.get(skip..).unwrap_or_default();
    }

    /// See [`Framer::enter_tagged`].
    pub const fn enter_tagged(&mut self) {
        self.state.phase = Phase::Tagged;
    }

    /// See [`Framer::expect_single_byte`].
    pub const fn expect_single_byte(&mut self) {
        self.state.single = true;
    }

    /// See [`Framer::set_limits`].
    pub const fn set_limits(&mut self, limits: FrameLimits) {
        self.state.limits = limits;
    }

    /// Whether the next message begins with a letter.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.state.phase
    }

    /// Whether, once drained, the input was whole frames from end to end: nothing was kept before or after, nothing
    /// dropped, so that a caller that would forward all of it can leave its buffer as it is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole && self.rest.is_empty()
    }

    /// Stops cutting and gives back what has not been cut (for what follows a switch to another protocol).
    /// To be called after a message, not before the first.
    #[must_use]
    pub fn into_rest(self) -> &'a [u8] {
        self.state.lent = self.first.is_some();
        self.rest
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Item<'a>, FrameError>;

    /// The next message. After an error, nothing but that error will ever come.
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(item) = self.first.take() {
            return Some(Ok(item));
        }
        if self.state.fault.is_some() {
            self.rest = &[];
            self.state.lent = false;
            return self.faulty.take().map(Err);
        }
        self.drop_skipped();
        let Some(first) = self.rest.first() else {
            self.state.lent = false;
            return None;
        };
        // SPEC: a server that knows no encryption at all may answer the request with an ErrorResponse.
        if mem::take(&mut self.state.single) && *first != tag::server::ERROR_RESPONSE {
            self.rest = self.rest.get(1..).unwrap_or_default();
            return Some(Ok(Item::SingleByte(*first)));
        }
        match self.state.header(self.rest) {
            Ok(Header::Whole { tag, total }) if total <= self.rest.len() => {
                let (bytes, rest) = self.rest.split_at(total);
                self.rest = rest;
                Some(Ok(Item::Frame(Frame { tag, bytes })))
            }
            Ok(Header::TooLarge { tag, declared, total }) => {
                self.state.skip = total;
                self.drop_skipped();
                Some(Ok(Item::TooLarge { tag, declared }))
            }
            Ok(Header::Short(_) | Header::Whole { .. }) => {
                self.whole = false;
                self.state.pending.clear();
                self.state.pending.shrink_to(KEEP);
                self.state.pending.extend_from_slice(self.rest);
                self.rest = &[];
                self.state.lent = false;
                None
            }
            Err(fault) => {
                self.whole = false;
                self.rest = &[];
                self.state.fault = Some(fault);
                self.state.lent = false;
                Some(Err(fault))
            }
        }
    }
}

impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("rest", &self.rest.len())
            .field("whole", &self.whole)
            .finish_non_exhaustive()
    }
}
