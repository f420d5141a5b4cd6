//! What the client sent and was shown during one event, gathered to one record for each direction.

use chaperone_proto::{Body, Payload, Source};

use crate::Effect;

/// A direction's record is closed when it has this many bytes, in the middle of an event too.
const RECORD_BYTES: usize = 64 << 10;

/// Room for a short answer's messages at once.
const FIRST_BYTES: usize = 256;

/// One direction.
#[derive(Debug)]
struct Track {
    bytes: Vec<u8>,
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
        self.client.bytes.len().max(self.server.bytes.len()) >= RECORD_BYTES
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
        Self { bytes: Vec::new(), place: 0, body }
    }

    fn add(&mut self, message: &[u8], place: usize) {
        if self.bytes.is_empty() {
            self.bytes.reserve(FIRST_BYTES.max(message.len()));
            self.place = place;
        }
        self.bytes.extend_from_slice(message);
    }

    fn close(&mut self, effects: &mut Vec<Effect>) {
        if self.bytes.is_empty() {
            return;
        }
        let payload = Payload { bytes: std::mem::take(&mut self.bytes), omitted: 0 };
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
