//! What this filter counts; its README has the same list.

/// A command that was allowed.
pub(crate) const ALLOW: &str = "chaperone.sql-guard.verdict.allow";
/// One that was denied.
pub(crate) const DENY: &str = "chaperone.sql-guard.verdict.deny";
/// One that is to be held.
pub(crate) const HOLD: &str = "chaperone.sql-guard.verdict.hold";

/// All of them: defined before anything is counted, so that a rate has a first value to rise from.
pub const COUNTERS: &[&str] = &[ALLOW, DENY, HOLD];
