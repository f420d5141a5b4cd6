//! A part of a table's rows: what people take from a table first, to write those rows afterwards.

use sqlparser::ast::{Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, TableFactor};

use super::calls::name;
use super::target::{Company, Target};
use super::{is_bounding, is_plain};

/// Some rows of one table, under their own columns' names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Part<'a> {
    /// The table.
    pub(crate) table: &'a str,
    /// The columns that are told.
    pub(crate) columns: Vec<&'a str>,
}

/// The part of a table that a query gives: `SELECT id FROM orders WHERE placed < $1 ORDER BY id LIMIT 1000`.
pub(crate) fn part_of(query: &Query) -> Option<Part<'_>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let Select { from, selection: Some(selection), group_by, having: None, projection, .. } = select.as_ref()
    else {
        return None;
    };
    let [item] = from.as_slice() else { return None };
    let TableFactor::Table { name: table, alias, args: None, .. } = &item.relation else { return None };
    let alone = item.joins.is_empty() && alias.as_ref().is_none_or(|alias| alias.columns.is_empty());
    let ungrouped = matches!(group_by, GroupByExpr::Expressions(expressions, _) if expressions.is_empty());
    if !alone || !ungrouped || !is_plain(query) {
        return None;
    }
    let table = name(&table.0)?;
    let company = Company::default();
    let target = Target::new(table, alias.as_ref().map(|alias| alias.name.value.as_str()), &company);
    if !is_bounding(selection, &target) {
        return None;
    }
    Some(Part { table, columns: projection.iter().filter_map(column).collect() })
}

/// The name under which a plain column is given.
fn column(item: &SelectItem) -> Option<&str> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(&name.value),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => {
            names.last().map(|name| name.value.as_str())
        }
        SelectItem::ExprWithAlias { expr: Expr::Identifier(_) | Expr::CompoundIdentifier(_), alias } => {
            Some(&alias.value)
        }
        _ => None,
    }
}
