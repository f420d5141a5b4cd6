//! What the connections of one plugin share in a VM.

use std::cell::RefCell;
use std::rc::Rc;

use chaperone_flow::Session;
use chaperone_policy::{ColumnMask, Masks};

use crate::catalogue::{CATALOGUE_AGE_MOST, Known};
use crate::plan::Plan;

/// How many databases' catalogues are shared; where there are more, the one learnt longest ago is forgotten.
const DATABASES_MOST: usize = 64;

/// How many plans are shared; where there are more, the oldest is forgotten.
const PLANS_MOST: usize = 64;

/// The key of the `hash` transform, the plans that are in use, and the catalogues that any of the connections has learnt.
#[derive(Clone, Debug)]
pub struct Shared {
    key: [u8; 32],
    plans: Rc<RefCell<Vec<Rc<Plan>>>>,
    shelf: Rc<RefCell<Vec<Learnt>>>,
}

#[derive(Debug)]
struct Learnt {
    /// Of the target's many hosts this one: the same table may have another OID elsewhere.
    target: String,
    database: String,
    known: Rc<Known>,
    at: u64,
}

impl Learnt {
    fn is_of(&self, session: &Session) -> bool {
        self.database == session.database && self.target == session.target
    }
}

impl Shared {
    /// Nothing is learnt yet.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, plans: Rc::default(), shelf: Rc::default() }
    }

    /// The plan for these masks: one for all that have the same.
    pub(crate) fn plan(&self, masks: Masks) -> Rc<Plan> {
        let Ok(mut plans) = self.plans.try_borrow_mut() else { return Rc::new(Plan::new(masks, self.key)) };
        if let Some(plan) = plans.iter().find(|plan| plan.is_made_of(&masks)) {
            return Rc::clone(plan);
        }
        if plans.len() >= PLANS_MOST {
            plans.remove(0);
        }
        let plan = Rc::new(Plan::new(masks, self.key));
        plans.push(Rc::clone(&plan));
        plan
    }

    /// What another connection has learnt of the database, and when (milliseconds), if that is not too long ago.
    pub(crate) fn known(
        &self,
        session: &Session,
        columns: &Rc<[ColumnMask]>,
        now: u64,
    ) -> Option<(Rc<Known>, u64)> {
        let shelf = self.shelf.try_borrow().ok()?;
        let learnt = shelf.iter().find(|learnt| learnt.is_of(session))?;
        let fresh = now.saturating_sub(learnt.at) < CATALOGUE_AGE_MOST;
        (fresh && learnt.known.is_for(columns)).then(|| (Rc::clone(&learnt.known), learnt.at))
    }

    /// A connection has learnt this.
    pub(crate) fn put(&self, session: &Session, known: &Rc<Known>, at: u64) {
        self.forget(session);
        let Ok(mut shelf) = self.shelf.try_borrow_mut() else { return };
        if shelf.len() >= DATABASES_MOST {
            // They stand in the order in which they were learnt.
            shelf.remove(0);
        }
        let (target, database) = (session.target.clone(), session.database.clone());
        shelf.push(Learnt { target, database, known: Rc::clone(known), at });
    }

    /// A connection changes what tables there are.
    pub(crate) fn forget(&self, session: &Session) {
        if let Ok(mut shelf) = self.shelf.try_borrow_mut() {
            shelf.retain(|learnt| !learnt.is_of(session));
        }
    }
}
