//! What this filter counts; its README has the same list.

/// A session whose recording began.
pub(crate) const RECORDED: &str = "chaperone.session-tap.sessions.recorded";
/// A message that strict mode refused.
pub(crate) const REFUSED: &str = "chaperone.session-tap.commands.refused";

/// All of them: defined before anything is counted, so that a rate has a first value to rise from.
pub const COUNTERS: &[&str] = &[RECORDED, REFUSED];
