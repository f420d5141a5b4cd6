//! A quick look that tells of most rules that they are not about a statement: a policy may have a thousand.
//!
//! It looks at verbs and names only, and never says so of a rule that matches (which every debug build asserts).

use chaperone_model::facts::{Effect, Relation, Statement};

use super::{Matcher, What};
use crate::verbs::VerbSet;

/// What a statement looks like at first sight.
#[derive(Debug)]
pub(crate) struct Glance<'s> {
    verbs: VerbSet,
    relations: &'s [Relation],
    /// It touches nothing but what its names tell.
    plain: bool,
}

impl<'s> Glance<'s> {
    pub(crate) fn at(statement: &'s Statement) -> Self {
        let unnamed = statement.effects.iter().any(|effect| matches!(effect, Effect::Unnamed(_)));
        Self {
            verbs: statement.verbs.iter().copied().collect(),
            relations: &statement.relations,
            // What befalls a schema befalls what is in it.
            plain: !unnamed && statement.relations.iter().all(|relation| relation.kind.has_schema()),
        }
    }
}

impl Matcher {
    /// Whether [`Self::touches`] is false for sure.
    pub(crate) fn surely_misses(&self, glance: &Glance<'_>) -> bool {
        let verbs = self.what.verbs.is_some_and(|verbs| !verbs.meets(glance.verbs));
        verbs || glance.plain && !self.what.lists_one_of(glance.relations)
    }

    /// Whether [`Self::covers`] is false for sure.
    pub(crate) fn surely_leaves_out(&self, glance: &Glance<'_>) -> bool {
        let verbs = self.what.verbs.is_some_and(|verbs| !verbs.includes(glance.verbs));
        verbs || glance.plain && !self.what.lists_all_of(glance.relations)
    }
}

impl What {
    fn lists(&self, relation: &Relation) -> bool {
        self.tables
            .as_ref()
            .is_none_or(|tables| tables.iter().any(|table| table.name.matches(&relation.name)))
    }

    fn lists_one_of(&self, relations: &[Relation]) -> bool {
        self.tables.is_none() || relations.iter().any(|relation| self.lists(relation))
    }

    fn lists_all_of(&self, relations: &[Relation]) -> bool {
        relations.iter().all(|relation| self.lists(relation))
    }
}
