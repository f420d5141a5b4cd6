//! What a statement puts into tables, and what it is computed from.

use chaperone_model::facts::{Output, Stored};
use sqlparser::ast::{Assignment, AssignmentTarget, Expr, Ident, ObjectName, ObjectNamePart, SetExpr};

use super::{MAX_OUTPUTS, Walk};
use crate::scope::{Columns, Out};

impl<'a> Walk<'a> {
    /// A value goes into a column; constants tell nothing.
    pub(super) fn store(&mut self, column: Option<&Ident>, out: Out<'a>) {
        if matches!(&out, Out::Computed(names) if names.is_empty()) {
            return;
        }
        let from = self.spend(out).into_output();
        let known = self.stored.len() < MAX_OUTPUTS;
        let (column, from) =
            if known { (column.map(|column| column.value.clone()), from) } else { (None, Output::Unknown) };
        // One more than the most stands for all that come behind.
        if self.stored.len() <= MAX_OUTPUTS {
            self.stored.push(Stored { column, from });
        }
    }

    /// An expression goes into a column.
    pub(super) fn store_value(&mut self, column: Option<&Ident>, value: &'a Expr) {
        let out = self.output(value);
        self.store(column, out);
    }

    /// Rows go into these columns, or into all of a table.
    pub(super) fn store_rows(&mut self, columns: &'a [ObjectName], rows: Columns<'a>) {
        let Some(rows) = rows else { return self.store(None, Out::Unknown) };
        // Behind a `*` nobody knows which column is which.
        let told = rows.iter().take_while(|(_, out)| !matches!(out, Out::Star)).count();
        for (position, (_, out)) in rows.iter().enumerate() {
            let column = columns.get(position).filter(|_| position < told).and_then(first);
            self.store(column, out.clone());
        }
    }

    /// SET of an UPDATE.
    pub(super) fn assign(&mut self, assignment: &'a Assignment) {
        let Assignment { target, value } = assignment;
        match target {
            AssignmentTarget::ColumnName(name) => {
                self.column_names(std::slice::from_ref(name));
                self.store_value(first(name), value);
            }
            AssignmentTarget::Tuple(names) => {
                self.column_names(names);
                self.store_value(None, value);
            }
        }
    }
}

/// The column of a target; behind it may stand a part of it (`column.field`).
fn first(name: &ObjectName) -> Option<&Ident> {
    name.0.first().and_then(ObjectNamePart::as_ident)
}

/// Whether a query is a SELECT INTO: the first SELECT of a set operation says so for all of it.
pub(super) fn is_into(body: &SetExpr) -> bool {
    let mut body = body;
    loop {
        body = match body {
            SetExpr::Select(select) => return select.into.is_some(),
            SetExpr::SetOperation { left, .. } => left,
            SetExpr::Query(query) => &query.body,
            _ => return false,
        };
    }
}
