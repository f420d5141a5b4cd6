//! Which tables have columns that must be hidden, learnt from the server's own catalogue.

mod known;
mod question;

use std::rc::Rc;

use chaperone_pgwire::server::DataRow;
use chaperone_policy::ColumnMask;

pub(crate) use known::{Known, Place};
pub(crate) use question::question;

/// How many columns are learnt; where there are more, the catalogue cannot be used.
pub const CATALOGUE_ROWS_MOST: usize = 10_000;
/// How old the catalogue may get, in milliseconds, before it is learnt again: other sessions change tables too.
pub const CATALOGUE_AGE_MOST: u64 = 10_000;

/// What is known of the catalogue in one session.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    known: Option<Rc<Known>>,
    learning: Option<Learning>,
    /// Something changed since.
    stale: bool,
    learnt_at: u64,
}

#[derive(Debug)]
struct Learning {
    known: Known,
    rows: usize,
    failed: bool,
}

impl Catalogue {
    /// What is known for these masks; none where they were not learnt.
    pub(crate) fn known(&self, columns: &Rc<[ColumnMask]>) -> Option<&Known> {
        self.known.as_deref().filter(|known| known.is_for(columns))
    }

    /// Whether it is time to ask.
    pub(crate) fn wants(&self, columns: &Rc<[ColumnMask]>, now: u64) -> bool {
        if columns.is_empty() || self.learning.is_some() {
            return false;
        }
        self.stale
            || now.saturating_sub(self.learnt_at) >= CATALOGUE_AGE_MOST
            || self.known(columns).is_none()
    }

    /// Something may be different now.
    pub(crate) const fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// The question goes to the server.
    pub(crate) fn asked(&mut self, columns: &Rc<[ColumnMask]>) {
        self.learning = Some(Learning { known: Known::new(columns), rows: 0, failed: false });
        self.stale = false;
    }

    /// A row of the answer.
    pub(crate) fn row(&mut self, body: &[u8]) {
        let Some(learning) = &mut self.learning else { return };
        learning.rows += 1;
        if learning.rows > CATALOGUE_ROWS_MOST {
            learning.failed = true;
        }
        if !learning.failed {
            let added = DataRow::read(body).ok().and_then(|row| learning.known.add(&row));
            learning.failed = added.is_none();
        }
    }

    /// The server refused to answer.
    pub(crate) fn failed(&mut self) {
        if let Some(learning) = &mut self.learning {
            learning.failed = true;
        }
    }

    /// The answer is complete. What was known before counts no longer, also where the answer is of no use.
    pub(crate) fn answered(&mut self, now: u64) {
        self.known = self
            .learning
            .take()
            .filter(|learning| !learning.failed && learning.known.is_whole())
            .map(|learning| Rc::new(learning.known));
        self.learnt_at = now;
    }

    /// What was learnt last, and when.
    pub(crate) const fn learnt(&self) -> (Option<&Rc<Known>>, u64) {
        (self.known.as_ref(), self.learnt_at)
    }

    /// Takes over what another session has learnt; not where this one has changed something since.
    pub(crate) fn adopt(&mut self, (known, at): (Rc<Known>, u64)) -> bool {
        if self.stale || self.learning.is_some() {
            return false;
        }
        self.known = Some(known);
        self.learnt_at = at;
        true
    }

    /// Whether the question is on its way, so that the answer comes before that to the next command.
    pub(crate) const fn is_learning(&self) -> bool {
        self.learning.is_some()
    }
}
