//! The approval desk: takes requests, lets people answer, wakes whoever waits.
//!
//! It joins the pure state machine to the store and the clock. Its store calls block; callers on an async
//! thread go through [`Desk::wait`] or a blocking task.

mod waiting;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chaperone_model::ApprovalId;
use tokio::sync::watch;

use crate::approval::{Act, Approval, Invalid, Refusal, Request, StateName};
use crate::clock::Clock;
use crate::log;
use crate::metrics::Metrics;
use crate::store::{self, ApprovalStore, Inserted};
use waiting::Waiting;

/// Most approvals that may be pending.
pub(crate) const MAX_PENDING: u64 = 10_000;
/// Most requests that may wait for a decision at a time.
pub(crate) const MAX_WAITERS: usize = 20_000;
/// Longest time that one request may wait; whoever wants longer asks again.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);
/// How often a change that was overtaken by another is tried again.
const MAX_RACES: u32 = 16;

/// Why the desk did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another request has this id.
    #[error("another request has the id `{0}`")]
    Exists(ApprovalId),
    /// Something is full.
    #[error("{0}")]
    Full(&'static str),
    /// The request makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The request is in no state for this.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error("the approval store failed")]
    Store(#[from] store::Error),
    /// There is no such request.
    #[error("there is no request `{0}`")]
    Unknown(ApprovalId),
}

/// Whether a request was new.
#[derive(Debug)]
pub(crate) enum Requested {
    /// It is now pending.
    New(Approval),
    /// It was asked before, in the same words.
    Same(Approval),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Desk {
    store: Arc<dyn ApprovalStore>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    waiting: Waiting,
    max_pending: u64,
}

impl Desk {
    /// A desk over a store.
    pub(crate) fn new(store: Arc<dyn ApprovalStore>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { store, clock, metrics, waiting: Waiting::new(MAX_WAITERS), max_pending: MAX_PENDING }
    }

    /// The same with other limits.
    #[cfg(test)]
    pub(crate) fn with_limits(self, max_pending: u64, max_waiters: usize) -> Self {
        Self { waiting: Waiting::new(max_waiters), max_pending, ..self }
    }

    /// Takes a request. Asking again for the same is answered with what has become of it.
    pub(crate) fn request(&self, id: ApprovalId, request: Request) -> Result<Requested, Error> {
        let now = self.clock.now();
        let approval = Approval::open(id, request, now)?;
        match self.store.insert(&approval, self.max_pending)? {
            Inserted::Exists(known) if known.request == approval.request => {
                Ok(Requested::Same(known.at(now)))
            }
            Inserted::Exists(_) => Err(Error::Exists(approval.id)),
            Inserted::Full => {
                self.metrics.overloaded.add(1);
                Err(Error::Full("too many requests are pending"))
            }
            Inserted::New => {
                self.metrics.approvals_requested.add(1);
                tell("approval requested", &approval);
                Ok(Requested::New(approval))
            }
        }
    }

    /// A request as it is now.
    pub(crate) fn lookup(&self, id: &ApprovalId) -> Result<Approval, Error> {
        let (approval, _) = self.store.lookup(id)?.ok_or_else(|| Error::Unknown(id.clone()))?;
        Ok(approval.at(self.clock.now()))
    }

    /// The requests of one state (or all), the latest first.
    pub(crate) fn list(&self, state: Option<StateName>, limit: u32) -> Result<Vec<Approval>, Error> {
        let now = self.clock.now();
        // What time has ended counts as ended, whether or not the sweeper has been there.
        self.sweep()?;
        let found = self.store.list(state, limit)?;
        let current = found.into_iter().map(|approval| approval.at(now));
        Ok(current.filter(|approval| state.is_none_or(|state| approval.state.name() == state)).collect())
    }

    /// Does `act`, compare-and-set, and wakes whoever waits for it.
    pub(crate) fn act(&self, id: &ApprovalId, act: &Act) -> Result<Approval, Error> {
        for _ in 0..MAX_RACES {
            let (before, version) = self.store.lookup(id)?.ok_or_else(|| Error::Unknown(id.clone()))?;
            let after = match before.clone().apply(act.clone(), self.clock.now()) {
                Ok(after) => after,
                Err(refusal) => {
                    self.metrics.approvals_refused.add(1);
                    return Err(refusal.into());
                }
            };
            if after == before {
                return Ok(after);
            }
            if self.store.replace(&after, version)? {
                if matches!(act, Act::Redeem { .. }) {
                    self.metrics.approvals_redeemed.add(1);
                }
                tell("approval changed", &after);
                self.waiting.wake(id);
                return Ok(after);
            }
        }
        Err(Error::Full("the request is being changed by too many others"))
    }

    /// Cancels whatever the session of this cancel key waits for.
    pub(crate) fn cancel(&self, key: &str) -> Result<Vec<ApprovalId>, Error> {
        let mut cancelled = Vec::new();
        if key.is_empty() {
            return Ok(cancelled);
        }
        for id in self.store.by_cancel_key(&key.to_ascii_lowercase())? {
            let act = Act::Withdraw { why: "cancelled by the client".to_owned() };
            if self.act(&id, &act)?.state.name() == StateName::Cancelled {
                cancelled.push(id);
            }
        }
        Ok(cancelled)
    }

    /// Writes down what time has ended. Reading does not need it; lists and counts do.
    pub(crate) fn sweep(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut ended = 0_u64;
        for id in self.store.due(now)? {
            let Some((before, version)) = self.store.lookup(&id)? else { continue };
            let after = before.clone().at(now);
            if after != before && self.store.replace(&after, version)? {
                tell("approval changed", &after);
                self.waiting.wake(&id);
                ended = ended.saturating_add(1);
            }
        }
        Ok(ended)
    }

    /// The request as soon as it is not pending, or as it is when `wait` is over or `stop` says so.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        id: ApprovalId,
        wait: Duration,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Approval, Error> {
        let deadline = tokio::time::Instant::now() + wait.min(MAX_WAIT);
        let Some(ticket) = self.waiting.join(&id) else {
            self.metrics.overloaded.add(1);
            return Err(Error::Full("too many requests wait for decisions"));
        };
        loop {
            // Listening begins before looking, so that no change falls in between.
            let changed = ticket.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let approval = self.lookup_off_thread(id.clone()).await?;
            let pending = approval.state.name() == StateName::Pending;
            if !pending || *stop.borrow() || tokio::time::Instant::now() >= deadline {
                return Ok(approval);
            }
            let left = Duration::from_millis(approval.expires.since(self.clock.now()).saturating_add(1));
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(left) => {}
                () = tokio::time::sleep_until(deadline) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn lookup_off_thread(self: &Arc<Self>, id: ApprovalId) -> Result<Approval, Error> {
        let desk = Arc::clone(self);
        let lookup = tokio::task::spawn_blocking(move || desk.lookup(&id));
        lookup.await.unwrap_or(Err(Error::Full("the sidecar is stopping")))
    }

    /// How many of each state there are.
    pub(crate) fn count(&self) -> Result<Vec<(StateName, u64)>, Error> {
        Ok(self.store.count()?)
    }

    /// How many requests wait.
    pub(crate) fn waiters(&self) -> usize {
        self.waiting.len()
    }
}

/// The statement is not logged: it may hold what the policy masks.
fn tell(what: &str, approval: &Approval) {
    let state = approval.state.name().as_str();
    log::info(
        what,
        &[
            ("approval", &approval.id),
            ("session", &approval.request.session),
            ("subject", &approval.request.subject),
            ("rule", &approval.request.rule),
            ("state", &state),
        ],
    );
}
