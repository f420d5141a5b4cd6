//! Lists of names with a meaning: words that PostgreSQL reserves, functions that reach outside of what their
//! text shows, functions that compute from their arguments alone.

mod pure;
mod reach;
mod reserved;

pub(crate) use pure::{is_pure, is_same_for_rows, reads_whole_rows};
pub(crate) use reach::reaches_outside;
pub(crate) use reserved::is_reserved;
