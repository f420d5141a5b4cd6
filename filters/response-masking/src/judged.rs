//! What is found in a command before it runs, and on which grounds: the flow keeps the latest.

use std::rc::Rc;

use chaperone_model::Reason;

use crate::catalogue::Known;
use crate::plan::Plan;

/// How many are kept: as many as the session can ask for without the guard counting it as work, and more.
pub(crate) const MOST: usize = 128;

/// What was found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Findings {
    /// It names tables that have hidden columns, or may quote a hidden value.
    pub(crate) touched: bool,
    /// It names tables, and nobody knows yet which have hidden columns.
    pub(crate) unjudged: bool,
    /// It defines something.
    pub(crate) defined: bool,
    /// It defines something out of hidden columns.
    pub(crate) derives: bool,
    /// Why it is refused.
    pub(crate) refused: Option<Reason>,
}

/// Everything on which that depended. Pointers tell: none of these changes once it is made.
#[derive(Clone, Debug)]
pub(crate) struct Grounds {
    pub(crate) plan: Rc<Plan>,
    pub(crate) known: Option<Rc<Known>>,
    pub(crate) derived: bool,
    pub(crate) made: bool,
}

/// What was found, and on which grounds.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) grounds: Grounds,
    pub(crate) findings: Findings,
}

impl Grounds {
    /// Whether the same would be found on both.
    pub(crate) fn are(&self, other: &Self) -> bool {
        let same_known = match (&self.known, &other.known) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same_known
            && Rc::ptr_eq(&self.plan, &other.plan)
            && self.derived == other.derived
            && self.made == other.made
    }
}

#[cfg(test)]
mod tests {
    use chaperone_policy::Masks;

    use super::*;

    #[test]
    fn grounds_are_the_same_while_nothing_of_them_is_another() {
        let plan = || Rc::new(Plan::new(Masks::default(), [0; 32]));
        let grounds = Grounds { plan: plan(), known: None, derived: false, made: false };
        assert!(grounds.are(&grounds.clone()));
        assert!(!grounds.are(&Grounds { plan: plan(), ..grounds.clone() }), "a plan like it");
        assert!(!grounds.are(&Grounds { derived: true, ..grounds.clone() }));
        assert!(!grounds.are(&Grounds { made: true, ..grounds.clone() }));
    }
}
