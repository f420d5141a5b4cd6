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
}

impl Tape {
    /// The client sent this message.
    pub fn sent(&mut self, message: &[u8]) {
        self.client.add(message);
    }

    /// The client was shown this message.
    pub fn shown(&mut self, message: &[u8]) {
        self.server.add(message);
    }

    /// A flow has spoken: where what it wrote stands among the effects of the event, of which there are these now.
    pub(crate) fn spoken(&mut self, effects: &mut Vec<Effect>) {
        if self.client.bytes.len().max(self.server.bytes.len()) < RECORD_BYTES {
            return;
        }
        for (track, body) in self.tracks() {
            if track.bytes.len() >= RECORD_BYTES {
                track.insert(effects, body);
            }
        }
    }

    /// A flow speaks when there are this many effects.
    pub(crate) fn begin(&mut self, effects: usize) {
        if self.client.bytes.is_empty() {
            self.client.place = effects;
        }
        if self.server.bytes.is_empty() {
            self.server.place = effects;
        }
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
    fn add(&mut self, message: &[u8]) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(FIRST_BYTES.max(message.len()));
        }
        self.bytes.extend_from_slice(message);
    }

    fn insert(&mut self, effects: &mut Vec<Effect>, body: fn(Payload) -> Body) {
        let payload = Payload { bytes: std::mem::take(&mut self.bytes), omitted: 0 };
        let place = self.place.min(effects.len());
        effects.insert(place, Effect::Record(Source::Tap, body(payload)));
    }
}
