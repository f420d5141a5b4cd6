//! What was done to the last result, for the next one that is made of the same.

use std::rc::Rc;

use chaperone_model::facts::Facts;

use crate::asked::Run;
use crate::catalogue::Known;
use crate::plan::Plan;
use crate::shape::Shape;

/// Longest RowDescription that is remembered, in bytes.
const DESCRIPTION_MOST: usize = 4 << 10;

/// Whether the session was touched, has derived something, has made something, and the result was added by a rule.
pub(crate) type State = (bool, bool, bool, bool);

/// Everything that a shape is decided by, and the shape.
#[derive(Debug)]
pub(crate) struct Last {
    plan: Rc<Plan>,
    facts: Rc<Facts>,
    statement: usize,
    alone: bool,
    known: Option<Rc<Known>>,
    state: State,
    description: Vec<u8>,
    shape: Shape,
}

impl Last {
    /// Remembers a shape; none where it would take too much.
    pub(crate) fn of(
        run: &Run,
        known: Option<Rc<Known>>,
        state: State,
        description: &[u8],
        shape: &Shape,
    ) -> Option<Self> {
        let command = run.command.as_ref()?;
        (description.len() <= DESCRIPTION_MOST).then(|| Self {
            plan: Rc::clone(&run.plan),
            facts: Rc::clone(command.facts()),
            statement: run.statement,
            alone: run.description.is_some(),
            known,
            state,
            description: description.to_vec(),
            shape: shape.clone(),
        })
    }

    /// The shape, if everything is as it was.
    pub(crate) fn get(
        &self,
        run: &Run,
        known: Option<&Rc<Known>>,
        state: State,
        description: &[u8],
    ) -> Option<Shape> {
        let facts = run.command.as_ref()?.facts();
        let known_is_same = match (&self.known, known) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let same = known_is_same
            && Rc::ptr_eq(&self.plan, &run.plan)
            && Rc::ptr_eq(&self.facts, facts)
            && self.statement == run.statement
            && self.alone == run.description.is_some()
            && self.state == state
            && self.description == description;
        same.then(|| self.shape.clone())
    }
}
