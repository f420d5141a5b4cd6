//! What this filter counts; its README has the same list.

/// A login.
pub(crate) const ACCEPTED: &str = "chaperone.identity.login.accepted";
/// A login that was refused.
pub(crate) const REFUSED: &str = "chaperone.identity.login.refused";
/// A command of a session whose token has expired, or which the policy no longer admits.
pub(crate) const COMMAND_REFUSED: &str = "chaperone.identity.commands.refused";
/// A token that had been verified before.
pub(crate) const REMEMBERED: &str = "chaperone.identity.token.remembered";
/// A key set.
pub(crate) const FETCHED: &str = "chaperone.identity.keys.fetched";
/// A key set that leads elsewhere.
pub(crate) const ADDRESS: &str = "chaperone.identity.keys.failed.address";
/// A key set that is none.
pub(crate) const CONTENT: &str = "chaperone.identity.keys.failed.content";
/// No answer with a key set.
pub(crate) const REPLY: &str = "chaperone.identity.keys.failed.reply";

/// All of them: defined before anything is counted, so that a rate has a first value to rise from.
pub const COUNTERS: &[&str] =
    &[ACCEPTED, REFUSED, COMMAND_REFUSED, REMEMBERED, FETCHED, REPLY, CONTENT, ADDRESS];
