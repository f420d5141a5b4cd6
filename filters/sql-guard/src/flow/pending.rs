//! What is remembered of a request until it is answered.

use std::rc::Rc;

use chaperone_flow::{Command, Room};
use chaperone_pgwire::exchange::Request;

use super::SqlGuard;

/// What to do when a request is answered.
#[derive(Debug, Default)]
pub(super) enum Pending {
    #[default]
    Nothing,
    /// Bind: the portal's name and the definition's number.
    Bind(Vec<u8>, u64),
    /// Close of a portal: its name and the mark.
    ClosePortal(Vec<u8>, u64),
    /// Close of a statement.
    CloseStatement(Vec<u8>, u64),
    /// Parse.
    Parse(Vec<u8>, u64),
    /// Query, Execute: the command whose result is counted.
    Run { command: Rc<Command>, _room: Option<Room> },
}

/// What a command that is judged does by that.
#[derive(Clone, Copy, Debug)]
pub(super) enum Runs<'a> {
    /// It is prepared, or bound.
    Nothing,
    /// What a portal means is run.
    Portal,
    /// This text is run.
    Text(&'a Command),
}

impl Pending {
    /// The command whose result it is.
    pub(super) fn command(&self) -> Option<Rc<Command>> {
        match self {
            Self::Run { command, _room } => Some(Rc::clone(command)),
            Self::Bind(..)
            | Self::ClosePortal(..)
            | Self::CloseStatement(..)
            | Self::Nothing
            | Self::Parse(..) => None,
        }
    }
}

impl SqlGuard {
    /// The server has skipped these.
    pub(super) fn forget(&mut self, skipped: Vec<(Request, Pending)>) {
        for (_, pending) in skipped {
            match pending {
                Pending::Parse(name, definition) => self.meanings.statements.fail(&name, definition),
                Pending::Bind(name, definition) => self.meanings.portals.fail(&name, definition),
                Pending::ClosePortal(..)
                | Pending::CloseStatement(..)
                | Pending::Nothing
                | Pending::Run { .. } => {}
            }
        }
    }
}
