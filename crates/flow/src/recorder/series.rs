//! The numbers of every session's records, without a hole for each source, and what was lost.

use chaperone_model::SessionId;
use chaperone_proto::Source;
use hashbrown::HashMap;

/// The last number of one source, and what was lost since the last record that got through.
#[derive(Debug, Default)]
struct Series {
    last: u64,
    lost: u64,
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
}

/// Of all sessions.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<SessionId, Sources>);

impl Numbers {
    /// The number of the next record.
    pub(super) fn next(&mut self, session: &SessionId, source: Source) -> u64 {
        let series = self.0.entry_ref(session).or_default().of(source);
        series.last += 1;
        series.last
    }

    /// A record could not be kept.
    pub(super) fn lose(&mut self, session: &SessionId, source: Source) {
        let series = self.0.entry_ref(session).or_default().of(source);
        series.last += 1;
        series.lost += 1;
    }

    /// How many records were lost and not told yet.
    pub(super) fn take_lost(&mut self, session: &SessionId, source: Source) -> Option<u64> {
        let series = self.0.get_mut(session)?.of(source);
        Some(std::mem::take(&mut series.lost)).filter(|lost| *lost > 0)
    }

    /// The source has said its last word.
    pub(super) fn forget(&mut self, session: &SessionId, source: Source) {
        let Some(sources) = self.0.get_mut(session) else { return };
        *sources.of(source) = Series::default();
        if sources.are_silent() {
            self.end(session);
        }
    }

    /// The session is over.
    pub(super) fn end(&mut self, session: &SessionId) {
        self.0.remove(session);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    fn are_silent(&self) -> bool {
        let all = [&self.guard, &self.hold, &self.identity, &self.masking, &self.tap, &self.unspecified];
        all.iter().all(|series| series.last == 0)
    }
}
