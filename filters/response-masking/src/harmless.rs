//! Remembers the last command in which nothing was found, for agents repeat themselves.

use std::rc::Rc;

use chaperone_model::facts::Facts;

use crate::catalogue::Known;
use crate::plan::Plan;

/// Everything on which it depended that nothing was found. Pointers tell: none of these changes once it is made.
#[derive(Debug)]
pub(crate) struct Harmless {
    pub(crate) plan: Rc<Plan>,
    pub(crate) facts: Rc<Facts>,
    pub(crate) known: Option<Rc<Known>>,
    pub(crate) derived: bool,
    pub(crate) made: bool,
}

impl Harmless {
    /// Whether the same would be found now: nothing.
    pub(crate) fn is(
        &self,
        plan: &Rc<Plan>,
        facts: &Rc<Facts>,
        known: Option<&Rc<Known>>,
        derived: bool,
        made: bool,
    ) -> bool {
        let same_known = match (&self.known, known) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same_known
            && Rc::ptr_eq(&self.plan, plan)
            && Rc::ptr_eq(&self.facts, facts)
            && self.derived == derived
            && self.made == made
    }
}
