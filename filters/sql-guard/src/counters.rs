//! What this filter counts; its README has the same list.

/// A command that was allowed.
pub(crate) const ALLOW: &str = "chaperone.sql-guard.verdict.allow";
/// One that was denied.
pub(crate) const DENY: &str = "chaperone.sql-guard.verdict.deny";
/// One that is to be held.
pub(crate) const HOLD: &str = "chaperone.sql-guard.verdict.hold";
/// One that was not run, since a budget is used up.
pub(crate) const BUDGET_REFUSED: &str = "chaperone.sql-guard.budget.refused";
/// A result that was cut, since a budget is used up.
pub(crate) const BUDGET_CUT: &str = "chaperone.sql-guard.budget.cut";

/// All of them: defined before anything is counted, so that a rate has a first value to rise from.
pub const COUNTERS: &[&str] = &[ALLOW, DENY, HOLD, BUDGET_REFUSED, BUDGET_CUT];
