//! What names mean to the server, which may be something else than what the client means by them: a Parse of a name that is
//! taken fails, and one behind an error is skipped.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Asked, MAX_NAMES, Portal, Transcript};

/// The portal that is run, where it is another one than what the client has just made of the name.
pub(super) fn other<'a>(
    taken: &'a HashMap<Vec<u8>, Rc<Portal>>,
    name: &[u8],
    meant: &Portal,
) -> Option<&'a Rc<Portal>> {
    taken.get(name).filter(|taken| taken.statement.text != meant.statement.text)
}

impl Transcript {
    /// The server has done what was asked: names mean that from now on.
    pub(super) fn done(&mut self, asked: &Asked) {
        match asked {
            Asked::Parse { name, meant } => {
                if self.taken_statements.len() < MAX_NAMES || self.taken_statements.contains_key(name) {
                    self.taken_statements.insert(name.clone(), Rc::clone(meant));
                }
            }
            Asked::Bind { name, statement, meant } => {
                // One that SQL's PREPARE made is not known here, and keeps the client's word for it.
                let statement = self.taken_statements.get(statement);
                let statement = statement.map_or_else(|| Rc::clone(&meant.statement), Rc::clone);
                let portal = if Rc::ptr_eq(&statement, &meant.statement) {
                    Rc::clone(meant)
                } else {
                    Portal::new(statement, meant.params.clone(), meant.formats.clone())
                };
                if self.taken_portals.len() < MAX_NAMES || self.taken_portals.contains_key(name) {
                    self.taken_portals.insert(name.clone(), portal);
                }
            }
            Asked::CloseStatement(name) => {
                self.taken_statements.remove(name);
            }
            Asked::ClosePortal(name) => {
                self.taken_portals.remove(name);
            }
            Asked::Execute { .. }
            | Asked::Nothing
            | Asked::Portal(_)
            | Asked::Query(_)
            | Asked::Statement(_) => {}
        }
    }

    /// After an error the client's names are again what the server has of them.
    pub(super) fn forget_refused(&mut self) {
        self.statements.clone_from(&self.taken_statements);
        self.portals.clone_from(&self.taken_portals);
    }
}
