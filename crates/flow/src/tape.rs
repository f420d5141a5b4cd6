//! What the client sent and was shown during one event, gathered to one record for each direction.

use chaperone_proto::{Body, Payload, Source};

use crate::Effect;

/// A direction's record is closed when it has this many bytes, in the middle of an event too.
const RECORD_BYTES: usize = 64 << 10;

/// Room for a short answer's messages at once.
const FIRST_BYTES: usize = 256;

/// One direction.
#[derive(Debug, Default)]
struct Track {
    bytes: Vec<u8>,
    /// How many effects of the event come before these bytes.
    place: usize,
}

/// Both directions, for one event.
#[derive(Debug, Default)]
pub struct Tape {
    client: Track,
    server: Track,
    /// How many effects the event has so far.
    effects: usize,
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

    /// Closes the records that are large enough.
    pub(crate) fn close_full(&mut self, effects: &mut Vec<Effect>) {
        for (track, body) in self.tracks() {
            if track.bytes.len() >= RECORD_BYTES {
                track.insert(effects, body);
            }
        }
        self.effects = effects.len();
    }

    /// The event is over.
    pub(crate) fn finish(mut self, effects: &mut Vec<Effect>) {
        let mut tracks = self.tracks();
        // The one that stands further behind first, so that the other's place stays what it is.
        tracks.sort_by_key(|(track, _)| std::cmp::Reverse(track.place));
        for (track, body) in tracks {
            if !track.bytes.is_empty() {
                track.insert(effects, body);
            }
        }
    }

    /// What was shown first, so that of two at one place what was sent comes before it.
    fn tracks(&mut self) -> [(&mut Track, fn(Payload) -> Body); 2] {
        [(&mut self.server, Body::Server), (&mut self.client, Body::Client)]
    }
}

impl Track {
    fn add(&mut self, message: &[u8], place: usize) {
        if self.bytes.is_empty() {
            self.bytes.reserve(FIRST_BYTES.max(message.len()));
            self.place = place;
        }
        self.bytes.extend_from_slice(message);
    }

    fn insert(&mut self, effects: &mut Vec<Effect>, body: fn(Payload) -> Body) {
        let payload = Payload { bytes: std::mem::take(&mut self.bytes), omitted: 0 };
        let place = self.place.min(effects.len());
        effects.insert(place, Effect::Record(Source::Tap, body(payload)));
    }
}
