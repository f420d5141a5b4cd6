//! Reads the texts of a session as the flow does, without a wire: for those who try a policy before it is in force.

use std::rc::Rc;

use chaperone_flow::{Command, Share};
use chaperone_model::Reason;

use crate::cache::FactsCache;
use crate::meaning::Meanings;

/// What a session has prepared and declared so far.
#[derive(Debug, Default)]
pub struct Rehearsal {
    cache: FactsCache,
    meanings: Meanings,
    memory: Share,
    /// Texts come a second apart, so that a long session has time enough.
    millis: u64,
}

/// A text that was read.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    pub(crate) text: Rc<Command>,
    /// What it does, with what its EXECUTEs run.
    pub command: Rc<Command>,
}

impl Rehearsal {
    /// Reads the next text of the session.
    ///
    /// # Errors
    /// With the reason for which the flow refuses it, whatever the policy says.
    pub fn read(&mut self, text: &[u8]) -> Result<Rehearsed, Reason> {
        self.millis += 1_000;
        let text = self.cache.command(text);
        let command = self.meanings.resolve(Rc::clone(&text), self.millis)?;
        Ok(Rehearsed { text, command })
    }

    /// The text goes to the server: what it prepares and declares is known from now on.
    ///
    /// # Errors
    /// With the reason for which the flow refuses it all the same.
    pub fn runs(&mut self, read: &Rehearsed) -> Result<(), Reason> {
        self.meanings.remember(&mut self.memory, &read.text)
    }
}

#[cfg(test)]
mod tests {
    use chaperone_model::facts::Verb;

    use super::*;

    #[test]
    fn execute_is_read_with_what_was_prepared_and_ran() {
        let mut session = Rehearsal::default();
        let prepare = session.read(b"PREPARE q AS DELETE FROM t").unwrap();
        assert_eq!(session.read(b"EXECUTE q").unwrap_err(), Reason::PreparedUnknown);
        session.runs(&prepare).unwrap();
        let execute = session.read(b"EXECUTE q").unwrap();
        let verbs: Vec<_> = execute.command.facts().statements.iter().flat_map(|it| &it.verbs).collect();
        assert_eq!(verbs, [&Verb::Execute, &Verb::Delete]);
    }
}
