//! What a session's commands and results take of the budgets that are for its caller.

use std::rc::Rc;
use std::sync::Arc;

use chaperone_flow::{Ask, Count, CountKey, Counts, NEVER, Session, Uncounted};
use chaperone_model::{Amounts, Verdict};
use chaperone_policy::{Budget, Caller, Per};
use chaperone_settings::Settings;

use crate::cost::Cost;

/// What one session takes at once of a budget that others share, at most: their count is asked for less often, and what is
/// left over is given back when the result is done.
const AHEAD: Amounts = Amounts { bytes: 256_000, rows: 256, statements: 0, writes: 0 };

/// What there must be left of for whatever shows rows.
const ANY_ROW: Amounts = Amounts { bytes: 1, rows: 1, statements: 0, writes: 0 };

/// The budgets of one session.
#[derive(Debug)]
pub(crate) struct Spending {
    counts: Counts,
    /// The settings that `accounts` are of.
    of: Option<Rc<Settings>>,
    accounts: Vec<Account>,
}

/// One budget, as far as this session has to do with it.
#[derive(Debug)]
struct Account {
    /// The policy's own: a session takes no more memory for it than this.
    budget: Arc<Budget>,
    key: CountKey,
    /// Of a budget per session.
    own: Count,
    /// What was taken and is not used, and when the window of that ends.
    ahead: Amounts,
    ahead_ends: u64,
}

impl Spending {
    pub(crate) const fn new(counts: Counts) -> Self {
        Self { counts, of: None, accounts: Vec::new() }
    }

    /// Whether results are counted under the settings of the last command.
    pub(crate) fn limits_results(&self) -> bool {
        self.accounts.iter().any(|account| account.budget.limits_results())
    }

    /// A command is to go to the server.
    pub(crate) fn command(
        &mut self,
        settings: &Rc<Settings>,
        session: &Session,
        now: u64,
        cost: impl FnOnce() -> Cost,
    ) -> Result<(), Verdict> {
        self.follow(settings, session, now);
        if self.accounts.is_empty() {
            return Ok(());
        }
        let Cost { takes, shows } = cost();
        let leaves = if shows { ANY_ROW } else { Amounts::default() };
        self.take(now, |_| true, &Ask { takes, leaves, ahead: Amounts::default() })
    }

    /// A row, or a line of COPY, is to be shown.
    pub(crate) fn result(
        &mut self,
        settings: &Rc<Settings>,
        session: &Session,
        now: impl FnOnce() -> u64,
        takes: Amounts,
    ) -> Result<(), Verdict> {
        let is_known = self.of.as_ref().is_some_and(|of| Rc::ptr_eq(of, settings));
        if is_known && !self.limits_results() {
            return Ok(());
        }
        let now = now();
        self.follow(settings, session, now);
        self.take(now, Budget::limits_results, &Ask { takes, leaves: Amounts::default(), ahead: AHEAD })
    }

    /// A result is done: what was taken ahead of it is given back.
    pub(crate) fn settle(&mut self, now: impl FnOnce() -> u64) {
        let has_ahead = |account: &&mut Account| account.ahead != Amounts::default();
        let mut ahead = self.accounts.iter_mut().filter(has_ahead).peekable();
        if ahead.peek().is_some() {
            let now = now();
            ahead.for_each(|account| account.give_back(&self.counts, now));
        }
    }

    /// All of it from each, or nothing from any.
    fn take(&mut self, now: u64, fits: impl Fn(&Budget) -> bool, ask: &Ask) -> Result<(), Verdict> {
        if ask.takes.plus(ask.leaves) == Amounts::default() {
            return Ok(());
        }
        for index in 0..self.accounts.len() {
            let Some(account) = self.accounts.get_mut(index).filter(|account| fits(&account.budget)) else {
                continue;
            };
            if let Err(verdict) = account.take(&self.counts, now, ask) {
                let taken = self.accounts.iter_mut().take(index).filter(|account| fits(&account.budget));
                taken.for_each(|account| account.ahead = account.ahead.plus(ask.takes));
                self.settle(|| now);
                return Err(verdict);
            }
        }
        Ok(())
    }

    /// Notices that other settings are in force. What is counted of a budget that is still there stays.
    fn follow(&mut self, settings: &Rc<Settings>, session: &Session, now: u64) {
        if self.of.as_ref().is_some_and(|of| Rc::ptr_eq(of, settings)) {
            return;
        }
        // Before anybody is known there are no commands.
        let Some(identity) = &session.identity else { return };
        self.settle(|| now);
        let caller = Caller {
            identity,
            resource: &settings.resource,
            role: &session.role,
            database: &session.database,
        };
        let mut before = std::mem::take(&mut self.accounts);
        let account = |budget: &Arc<Budget>| {
            let key = CountKey::new(budget.digest, &[&identity.issuer, &identity.subject]);
            let known = before.iter().position(|account| account.key == key);
            let own = known.map(|place| before.swap_remove(place).own).unwrap_or_default();
            Account { budget: Arc::clone(budget), key, own, ahead: Amounts::default(), ahead_ends: 0 }
        };
        self.accounts = settings.policy.budgets(&caller).map(account).collect();
        self.of = Some(Rc::clone(settings));
    }
}

impl Account {
    fn take(&mut self, counts: &Counts, now: u64, ask: &Ask) -> Result<(), Verdict> {
        let is_at_hand = self.ahead.lacks(&ask.takes.plus(ask.leaves)).is_none();
        if is_at_hand && now < self.ahead_ends {
            self.ahead = self.ahead.minus(ask.takes);
            return Ok(());
        }
        let most = self.budget.most;
        let (ahead, ahead_ends) = (self.ahead, self.ahead_ends);
        let taken = self.change(counts, now, |count| {
            count.give_back(ahead, ahead_ends);
            (count.take(&most, ask), count.ends_at)
        });
        let Ok((taken, ends_at)) = taken else { return Err(self.budget.uncounted()) };
        self.ahead = Amounts::default();
        let taken = taken.map_err(|measure| {
            let free_in = (ends_at != NEVER).then(|| ends_at.saturating_sub(now).div_ceil(1_000));
            self.budget.used_up(measure, free_in)
        })?;
        self.ahead = taken.minus(ask.takes);
        self.ahead_ends = ends_at;
        Ok(())
    }

    /// Where that fails it stays used: rather too much than too little.
    fn give_back(&mut self, counts: &Counts, now: u64) {
        let (ahead, ahead_ends) = (std::mem::take(&mut self.ahead), self.ahead_ends);
        let _kept = self.change(counts, now, |count| count.give_back(ahead, ahead_ends));
    }

    fn change<R>(
        &mut self,
        counts: &Counts,
        now: u64,
        change: impl FnMut(&mut Count) -> R,
    ) -> Result<R, Uncounted> {
        let window = self.budget.window.map_or(NEVER, |seconds| seconds.saturating_mul(1_000));
        match self.budget.per {
            Per::Session => {
                let (result, kept) = self.own.changed(now, window, change);
                self.own = kept.unwrap_or(self.own);
                Ok(result)
            }
            Per::Subject => counts.update(self.key, now, window, change),
        }
    }
}
