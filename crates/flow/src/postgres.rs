//! What every flow of the PostgreSQL lane needs: the [`Gate`] that refuses a command and keeps the session in
//! step, the [`Names`] of prepared statements and portals, the [`Door`] that keeps strangers' bytes out.

mod cut;
mod door;
mod gate;
mod names;
mod poke;
mod refusal;

pub use door::Door;
pub use gate::{Answered, Gate, Turn};
pub use names::{Full, Names};
pub use refusal::{Refusal, fatal, refusal, refusal_with};
