//! Which recorders are there: each sends a batch from time to time as long as it has sessions.
//!
//! A gateway that ends without a word (a crash, a lost machine) takes with it what it had not sent yet, and nothing in
//! the recording shows that. But its silence does: a session whose recorder is silent, and has not said that it will tell
//! nothing more of it, is **broken off**. What came after its last record is unknown.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Millis;
use crate::store::{Session, Summary};

/// When each recorder was heard of last.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Nothing was heard before.
    since: Millis,
    /// How long a recorder may be silent, in milliseconds.
    silence: u64,
    heard: Mutex<HashMap<String, Millis>>,
}

/// Recorders that are remembered; with more, those that are silent are forgotten, as they are by a restart.
const MAX_RECORDERS: usize = 10_000;
/// Longest name of a recorder, in bytes.
pub(crate) const MAX_NAME: usize = 64;

impl Presence {
    /// Starts to listen.
    pub(crate) fn new(since: Millis, silence: u64) -> Self {
        Self { since, silence, heard: Mutex::default() }
    }

    /// A recorder has sent something.
    pub(crate) fn heard(&self, recorder: &str, now: Millis) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() >= MAX_RECORDERS && !heard.contains_key(recorder) {
            heard.retain(|_, at| now.since(*at) < self.silence);
            if heard.len() >= MAX_RECORDERS {
                return;
            }
        }
        heard.insert(recorder.to_owned(), now);
    }

    /// Since when a recorder is silent that had not said its last word about the session; none where all is well.
    pub(crate) fn silent_since(&self, summary: &Summary, now: Millis) -> Option<Millis> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let open = summary.recorders.iter().filter(|(_, ended)| !**ended);
        let last =
            open.map(|(recorder, _)| heard.get(recorder).copied().unwrap_or(self.since).max(self.since));
        last.min().filter(|last| now.since(*last) > self.silence)
    }

    /// Says of a session whether it is broken off.
    pub(crate) fn judge(&self, session: &mut Session, now: Millis) {
        session.silent_since_ms = self.silent_since(&session.summary, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(recorders: &[(&str, bool)]) -> Summary {
        let recorders = recorders.iter().map(|(name, ended)| ((*name).to_owned(), *ended)).collect();
        Summary { recorders, ..Summary::default() }
    }

    #[test]
    fn a_session_is_broken_off_when_one_of_its_recorders_is_silent() {
        let it = Presence::new(Millis(1_000), 30_000);
        let session = summary(&[("r-1", false), ("r-2", false)]);
        assert_eq!(it.silent_since(&session, Millis(31_000)), None, "a new sidecar waits first");
        it.heard("r-1", Millis(20_000));
        it.heard("r-2", Millis(21_000));
        assert_eq!(it.silent_since(&session, Millis(50_000)), None);
        it.heard("r-2", Millis(49_000));
        assert_eq!(it.silent_since(&session, Millis(50_001)), Some(Millis(20_000)));
        it.heard("r-1", Millis(51_000));
        assert_eq!(it.silent_since(&session, Millis(52_000)), None, "it was only slow");
    }

    #[test]
    fn who_said_its_last_word_may_be_silent() {
        let it = Presence::new(Millis(0), 30_000);
        assert_eq!(it.silent_since(&summary(&[("r-1", true)]), Millis(90_000)), None);
        assert_eq!(it.silent_since(&summary(&[]), Millis(90_000)), None, "an older recording");
        assert!(it.silent_since(&summary(&[("r-1", true), ("r-2", false)]), Millis(90_000)).is_some());
    }

    #[test]
    fn is_bounded() {
        let it = Presence::new(Millis(0), 30_000);
        for number in 0..2 * MAX_RECORDERS {
            it.heard(&format!("r-{number}"), Millis(1));
        }
        assert_eq!(it.heard.lock().unwrap().len(), MAX_RECORDERS);
        it.heard("r-new", Millis(40_000));
        assert_eq!(it.heard.lock().unwrap().len(), 1);
    }
}
