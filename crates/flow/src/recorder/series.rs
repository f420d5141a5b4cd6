//! The numbers of every session's records, without a hole for each source, and what was lost.

use chaperone_model::SessionId;
use chaperone_proto::Source;
use hashbrown::HashMap;

use super::segment::Waiting;

/// How many records of a source were lost and not told yet, by why.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Lost {
    /// The gateway's buffer was full.
    pub(super) full: u64,
    /// The sidecar would not take them.
    pub(super) refused: u64,
}

impl Lost {
    const NONE: Self = Self { full: 0, refused: 0 };
}

/// The last number of one source, and what was lost since the last record that got through.
#[derive(Debug, Default)]
struct Series {
    last: u64,
    lost: Lost,
}

/// A session's series.
#[derive(Debug, Default)]
struct Sources {
    guard: Series,
    hold: Series,
    identity: Series,
    masking: Series,
    tap: Series,
    unspecified: Series,
    waiting: Waiting,
}

/// Of all sessions.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<SessionId, Sources>);

impl Numbers {
    /// The number of the next record, and what counts its bytes while it waits.
    pub(super) fn next(&mut self, session: &SessionId, source: Source) -> (u64, Waiting) {
        let sources = self.0.entry_ref(session).or_default();
        let series = sources.of(source);
        series.last += 1;
        (series.last, sources.waiting.clone())
    }

    /// How many bytes of the session wait.
    pub(super) fn waiting(&self, session: &SessionId) -> usize {
        self.0.get(session).map_or(0, |sources| sources.waiting.bytes())
    }

    /// Whether records of a session were told that is not over.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A record could not be kept. Its number is used up, so that the hole is seen in any case.
    pub(super) fn lose(&mut self, session: &SessionId, source: Source) {
        let series = self.0.entry_ref(session).or_default().of(source);
        series.last += 1;
        series.lost.full += 1;
    }

    /// A record that was kept was not taken. Of a session that is over nothing more can be told.
    pub(super) fn refused(&mut self, session: &SessionId, source: Source) {
        if let Some(sources) = self.0.get_mut(session) {
            sources.of(source).lost.refused += 1;
        }
    }

    /// What was lost and not told yet.
    pub(super) fn take_lost(&mut self, session: &SessionId, source: Source) -> Option<Lost> {
        let series = self.0.get_mut(session)?.of(source);
        Some(std::mem::take(&mut series.lost)).filter(|lost| *lost != Lost::NONE)
    }

    /// The sources of a session that have lost something that is not told yet.
    pub(super) fn with_losses(&self, session: &SessionId) -> Vec<Source> {
        self.0.get(session).map(Sources::with_losses).unwrap_or_default()
    }

    /// The session is over. Whether it was not before.
    pub(super) fn end(&mut self, session: &SessionId) -> bool {
        self.0.remove(session).is_some()
    }
}

impl Sources {
    const fn of(&mut self, source: Source) -> &mut Series {
        match source {
            Source::Guard => &mut self.guard,
            Source::Hold => &mut self.hold,
            Source::Identity => &mut self.identity,
            Source::Masking => &mut self.masking,
            Source::Tap => &mut self.tap,
            Source::Unspecified => &mut self.unspecified,
        }
    }

    const fn all(&self) -> [(Source, &Series); 6] {
        [
            (Source::Guard, &self.guard),
            (Source::Hold, &self.hold),
            (Source::Identity, &self.identity),
            (Source::Masking, &self.masking),
            (Source::Tap, &self.tap),
            (Source::Unspecified, &self.unspecified),
        ]
    }

    fn with_losses(&self) -> Vec<Source> {
        let lossy = self.all().into_iter().filter(|(_, series)| series.lost != Lost::NONE);
        lossy.map(|(source, _)| source).collect()
    }
}
