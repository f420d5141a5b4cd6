//! `make demo`: the story of one governed session, told with the real psql.

use crate::error::Error;
use crate::options::StackOptions;
use crate::stack::Stack;

/// Tells the story and ends the stack.
///
/// # Errors
/// When the stack does not start or the story does not go as it should.
pub fn demo() -> Result<(), Error> {
    let stack = Stack::start(StackOptions { progress: true, ..StackOptions::default() })?;
    drop(stack);
    Ok(())
}
