//! Which hidden columns the tables of a statement have.

use chaperone_model::facts::Relation;
use chaperone_model::mask::Transform;
use chaperone_policy::ColumnMask;

use crate::catalogue::Known;
use crate::plan::Plan;

/// The hidden columns, by name, of every table that a statement touches.
#[derive(Debug, Default)]
pub(crate) struct Exposure<'a> {
    names: Vec<(&'a str, Transform)>,
    /// A view that reads hidden columns and shows none of them is among the tables.
    quoting: bool,
}

impl<'a> Exposure<'a> {
    /// Takes the catalogue's word and the policy's, for a table may be newer than the catalogue. A name without a
    /// schema may be a table of any.
    pub(crate) fn of<'r>(
        plan: &'a Plan,
        known: Option<&'a Known>,
        relations: impl IntoIterator<Item = &'r Relation>,
    ) -> Self {
        let (mut names, mut quoting) = (Vec::new(), false);
        for relation in relations {
            let schema = relation.schema.as_deref();
            quoting |= known.is_some_and(|known| known.quotes(schema, &relation.name));
            names.extend(known.into_iter().flat_map(|known| known.hidden_in(schema, &relation.name)));
            let named = plan.columns.iter().filter(|mask| may_be(mask, schema, &relation.name));
            names.extend(named.map(|mask| (mask.column.as_str(), mask.transform)));
        }
        Self { names, quoting }
    }

    /// Whether no table has any.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a hidden value may be in an error, though no table shows it: a view may read it in its condition.
    pub(crate) const fn may_quote(&self) -> bool {
        self.quoting
    }

    /// What is done to a hidden column of this name.
    pub(crate) fn transform(&self, column: &str) -> Option<Transform> {
        self.names.iter().find(|(name, _)| *name == column).map(|(_, transform)| *transform)
    }

    /// Whether any of these is the name of a hidden column.
    pub(crate) fn any(&self, columns: &[String]) -> bool {
        columns.iter().any(|column| self.transform(column).is_some())
    }
}

/// Whether a table that a statement names may be the one of the mask.
fn may_be(mask: &ColumnMask, schema: Option<&str>, table: &str) -> bool {
    mask.table == table
        && match (&mask.schema, schema) {
            (Some(of_mask), Some(schema)) => of_mask == schema,
            (None, _) | (_, None) => true,
        }
}
