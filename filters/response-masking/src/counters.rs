//! What this filter counts; its README has the same list.

/// A message in which something was hidden.
pub(crate) const MASKED: &str = "chaperone.response-masking.messages.masked";
/// A command or a result that was refused.
pub(crate) const REFUSED: &str = "chaperone.response-masking.commands.refused";

/// All of them: defined before anything is counted, so that a rate has a first value to rise from.
pub const COUNTERS: &[&str] = &[MASKED, REFUSED];
