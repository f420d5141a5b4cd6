//! What the client sent and was shown during one event, gathered to one record for each direction.

use chaperone_proto::{Body, Payload, Source};

use crate::Effect;

/// A direction's record is closed when it has this many bytes, in the middle of an event too.
const RECORD_BYTES: usize = 64 << 10;

/// The most that is recorded of one message, in bytes; the record says how much is missing.
pub const RECORDED_MOST: usize = 1 << 20;

/// What is recorded of one message.
#[must_use]
pub fn recorded(message: &[u8]) -> Payload {
    let (part, omitted) = cut(message);
    Payload { bytes: part.to_vec(), omitted }
}

/// The part that is recorded, and how many bytes are not.
fn cut(message: &[u8]) -> (&[u8], u64) {
    let part = message.get(..RECORDED_MOST).unwrap_or(message);
    (part, (message.len() - part.len()) as u64)
}

/// Room for a short answer's messages at once.
const FIRST_BYTES: usize = 256;

/// One direction.
#[derive(Debug)]
struct Track {
    bytes: Vec<u8>,
    /// How much of the last message is not in them. INVARIANT: nothing is added behind such a message.
    omitted: u64,
    /// How many effects of the event come before these bytes.
    place: usize,
    body: fn(Payload) -> Body,
}

/// Both directions, for one event.
#[derive(Debug)]
pub struct Tape {
    client: Track,
    server: Track,
    /// How many effects the event has so far.
    effects: usize,
}

impl Default for Tape {
    fn default() -> Self {
        Self { client: Track::new(Body::Client), server: Track::new(Body::Server), effects: 0 }
    }
}

impl Tape {
    /// The client sent this message.
    pub fn sent(&mut self, message: &[u8]) {
        self.client.add(message, self.effects);
    }

    /// The client was shown this message.
    pub fn shown(&mut self, message: &[u8]) {
        self.server.add(message, self.effects);
    }

    /// A flow has spoken: the event has these effects now, and what is written from here on stands behind them.
    pub(crate) const fn move_on(&mut self, effects: usize) {
        self.effects = effects;
    }

    /// Whether a record is to be closed before the event is over.
    pub(crate) fn is_full(&self) -> bool {
        self.client.is_full() || self.server.is_full()
    }

    /// Closes the records, where there are any.
    pub(crate) fn close(&mut self, effects: &mut Vec<Effect>) {
        // The one that stands further behind first, so that the other's place stays what it is; of two at one place
        // what was shown, so that what was sent comes before it.
        if self.client.place > self.server.place {
            self.client.close(effects);
            self.server.close(effects);
        } else {
            self.server.close(effects);
            self.client.close(effects);
        }
        self.effects = effects.len();
    }
}

impl Track {
    fn new(body: fn(Payload) -> Body) -> Self {
        Self { bytes: Vec::new(), omitted: 0, place: 0, body }
    }

    fn is_full(&self) -> bool {
        self.omitted > 0 || self.bytes.len() >= RECORD_BYTES
    }

    fn add(&mut self, message: &[u8], place: usize) {
        let (part, omitted) = cut(message);
        if self.bytes.is_empty() {
            self.bytes.reserve(FIRST_BYTES.max(part.len()));
            self.place = place;
        }
        self.bytes.extend_from_slice(part);
        self.omitted = omitted;
    }

    fn close(&mut self, effects: &mut Vec<Effect>) {
        if self.bytes.is_empty() {
            return;
        }
        let omitted = std::mem::take(&mut self.omitted);
        let payload = Payload { bytes: std::mem::take(&mut self.bytes), omitted };
        let place = self.place.min(effects.len());
        effects.insert(place, Effect::Record(Source::Tap, (self.body)(payload)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(effects: &[Effect]) -> Vec<String> {
        let word = |effect: &Effect| match effect {
            Effect::Record(_, Body::Client(payload)) => format!("sent {}", payload.bytes.len()),
            Effect::Record(_, Body::Server(payload)) => format!("shown {}", payload.bytes.len()),
            Effect::Count(name, _) => (*name).to_owned(),
            other => format!("{other:?}"),
        };
        effects.iter().map(word).collect()
    }

    #[test]
    fn a_record_stands_where_its_first_byte_came() {
        let mut effects = vec![Effect::Count("before", 1)];
        let mut tape = Tape::default();
        tape.move_on(effects.len());
        tape.sent(b"abc");
        effects.push(Effect::Count("between", 1));
        tape.move_on(effects.len());
        tape.shown(b"de");
        tape.sent(b"f");
        effects.push(Effect::Count("behind", 1));
        tape.close(&mut effects);
        assert_eq!(told(&effects), ["before", "sent 4", "between", "shown 2", "behind"]);
    }

    #[test]
    fn at_one_place_what_was_sent_comes_first_and_silence_is_no_record() {
        let (mut effects, mut tape) = (Vec::new(), Tape::default());
        tape.close(&mut effects);
        assert_eq!(effects, []);
        tape.shown(b"a");
        tape.sent(b"bc");
        tape.close(&mut effects);
        assert_eq!(told(&effects), ["sent 2", "shown 1"]);
    }

    #[test]
    fn a_huge_message_is_cut_and_the_record_ends_with_it() {
        let (mut effects, mut tape) = (Vec::new(), Tape::default());
        tape.sent(b"abc");
        tape.sent(&vec![0; RECORDED_MOST + 5]);
        assert!(tape.is_full());
        tape.close(&mut effects);
        tape.sent(b"d");
        tape.close(&mut effects);
        let payloads = effects.iter().map(|effect| match effect {
            Effect::Record(_, Body::Client(payload)) => (payload.bytes.len(), payload.omitted),
            other => panic!("{other:?}"),
        });
        assert_eq!(payloads.collect::<Vec<_>>(), [(3 + RECORDED_MOST, 5), (1, 0)]);
    }

    #[test]
    fn a_long_event_has_several_records() {
        let (mut effects, mut tape) = (Vec::new(), Tape::default());
        for _ in 0..3 {
            tape.shown(&vec![0; RECORD_BYTES - 1]);
            assert!(!tape.is_full());
            tape.shown(b"1");
            assert!(tape.is_full());
            tape.close(&mut effects);
        }
        assert_eq!(told(&effects), ["shown 65536"; 3]);
    }
}
