//! `make demo`: the story of one governed session, told with the real psql and its real output.
//!
//! Every line that is shown comes from the programs themselves. What the story says must happen is checked as it goes:
//! a demo that would tell a lie ends with an error.

mod story;
mod terminal;
mod voice;

use std::fs;

use crate::error::Error;
use crate::options::{Policy, StackOptions};
use crate::programs::Programs;
use crate::rundir::DEMO;
use crate::stack::Stack;

use story::Story;
use voice::Voice;

/// In the demo nobody waits a minute for an approval that does not come.
const HELD_FOR: &str = "expires: 6s";

/// Tells the story and ends the stack.
///
/// # Errors
/// When the stack does not start or the story does not go as it should.
pub fn demo() -> Result<(), Error> {
    let voice = Voice::new();
    voice.title("Chaperone: an agent's psql session, governed end to end");
    let options = StackOptions { name: DEMO.to_owned(), progress: true, ..StackOptions::default() };
    let example = Programs::find(options.postgres_version)?.root.join("examples/shop/policy.yaml");
    let policy =
        fs::read_to_string(&example).map_err(Error::file(&example))?.replace("expires: 60s", HELD_FOR);
    let stack = Stack::start(StackOptions { policy: Policy::Text(policy), ..options })?;
    let told = Story { stack: &stack, voice: &voice }.tell();
    drop(stack);
    told?;
    voice.title("Everything was stopped. Read on in README.md; try it by hand with `make up`.");
    Ok(())
}
