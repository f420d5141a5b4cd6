//! What is remembered of a request until it is answered.

use std::cell::OnceCell;
use std::rc::Rc;

use chaperone_flow::{Command, Room};

use crate::catalogue::Known;
use crate::plan::Plan;
use crate::reading::Reading;
use crate::shape::Shape;

/// The answer to a Describe of a portal, shared with the Executes of that portal: the body of the RowDescription,
/// or none for NoData.
pub(crate) type Description = Rc<OnceCell<Option<Vec<u8>>>>;

/// A request.
#[derive(Debug, Default)]
pub(crate) enum Asked {
    /// The catalogue, by the filter itself.
    Catalogue,
    /// That the target knows who is calling, by the filter itself.
    Introduction,
    /// Describe of a portal, by the client or by the filter itself.
    Portal(Description),
    /// Nothing whose answer needs more than a look at its texts.
    #[default]
    Plain,
    /// Query or Execute.
    Run(Box<Run>),
}

/// A command whose results are masked.
#[derive(Debug)]
pub(crate) struct Run {
    /// What was hidden when the command was sent.
    pub(crate) plan: Rc<Plan>,
    pub(crate) command: Option<Rc<Command>>,
    /// What the command takes, until it is answered; none where others have it too.
    #[expect(dead_code, reason = "it counts for as long as it lives")]
    pub(crate) room: Option<Room>,
    /// Of an Execute.
    pub(crate) description: Option<Description>,
    /// Which statement of the command is answered now.
    pub(crate) statement: usize,
    pub(crate) showing: Showing,
}

/// What is being shown.
#[derive(Debug, Default)]
pub(crate) enum Showing {
    /// COPY data.
    Copy,
    /// No result yet.
    #[default]
    Nothing,
    /// Rows.
    Rows(Shape),
}

impl Asked {
    /// What was hidden when it was sent.
    pub(crate) fn plan(&self) -> Option<&Rc<Plan>> {
        match self {
            Self::Run(run) => Some(&run.plan),
            Self::Catalogue | Self::Introduction | Self::Plain | Self::Portal(_) => None,
        }
    }
}

impl Run {
    /// What the facts say of the statement that is answered now.
    pub(crate) fn reading<'a>(&'a self, known: Option<&'a Known>) -> Reading<'a> {
        let alone = self.description.is_some();
        Reading::of(self.command.as_deref(), self.statement, alone, &self.plan, known)
    }

    pub(crate) const fn new(
        plan: Rc<Plan>,
        command: Option<Rc<Command>>,
        room: Option<Room>,
        description: Option<Description>,
    ) -> Self {
        Self { plan, command, room, description, statement: 0, showing: Showing::Nothing }
    }
}
