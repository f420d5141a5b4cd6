//! Whether an UPDATE, DELETE or MERGE leaves rows out: its target, and what stands beside it.

use std::collections::BTreeSet;
use std::rc::Rc;

use chaperone_model::facts::Access;
use sqlparser::ast::{Expr, ObjectName, TableAlias, TableFactor, TableWithJoins};

use super::Walk;
use crate::predicate::{Company, Target, factors, is_bounding, is_list, is_plain};

impl<'a> Walk<'a> {
    /// A write with this WHERE: whether it may leave rows out.
    pub(super) fn bound(
        &mut self,
        selection: Option<&'a Expr>,
        name: &'a ObjectName,
        alias: Option<&'a TableAlias>,
        company: &Company<'a>,
    ) {
        let table = self.parts(name).map_or("", |(_, bare)| bare);
        let target = Target::new(table, alias.map(|alias| alias.name.value.as_str()), company);
        self.unbounded |= !selection.is_some_and(|selection| is_bounding(selection, &target));
    }

    /// What stands beside the target of a write, which has been walked.
    pub(super) fn company(&mut self, target: &'a ObjectName, items: &'a [TableWithJoins]) -> Company<'a> {
        self.company_of(target, factors(items))
    }

    /// Whether the statement, as far as it was walked, reads a table of that name.
    pub(super) fn reads(&self, table: &str) -> bool {
        self.relations.iter().any(|relation| relation.access == Access::Read && relation.name == table)
    }

    /// Whether the statement, as far as it was walked, may make up as many rows as it likes, with keys that are those of a
    /// table.
    pub(super) fn counts_rows(&self) -> bool {
        self.functions.iter().any(|it| it.ends_with("generate_series"))
            || self.scopes.iter().any(|scope| scope.has_recursive_cte())
    }

    /// As [`Self::company`], of these FROM items.
    pub(super) fn company_of(
        &mut self,
        target: &'a ObjectName,
        factors: impl Iterator<Item = &'a TableFactor>,
    ) -> Company<'a> {
        let target = self.parts(target).map_or("", |(_, bare)| bare);
        // Also by WITH: what was made there may hold the target's rows.
        let is_read = self.reads(target)
            || self.functions.iter().any(|it| it.ends_with("generate_series") || it.ends_with("row_number"));
        let mut company = Company::default();
        // What counts, or calls what nobody knows, may give any rows.
        let mut seen = BTreeSet::new();
        for scope in self.scopes.iter().rev() {
            for name in scope.cte_names().filter(|name| seen.insert(*name)) {
                match scope.cte_part(name) {
                    Some(part) => company.parts.push((name, Rc::clone(part))),
                    None if is_read || scope.cte_is_plain(name) != Some(true) => {
                        company.made_of_it.push(name)
                    }
                    None => {}
                }
            }
        }
        let mut left: Vec<&'a TableFactor> = factors.collect();
        left.reverse();
        while let Some(factor) = left.pop() {
            company.joined = true;
            let name = match factor {
                // The items of a join in parentheses keep their names.
                TableFactor::NestedJoin { alias: None, table_with_joins } => {
                    left.extend(factors_of(table_with_joins));
                    continue;
                }
                TableFactor::NestedJoin { alias, .. }
                | TableFactor::Derived { alias, .. }
                | TableFactor::UNNEST { alias, .. } => alias.as_ref().map(|alias| alias.name.value.as_str()),
                TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                    let bare = self.parts(name).map_or("", |(_, bare)| bare);
                    Some(alias.as_ref().map_or(bare, |alias| alias.name.value.as_str()))
                }
                _ => None,
            };
            if self.may_be_itself(factor, target, is_read, &company) {
                company.stand_ins.push(name.unwrap_or(""));
            }
        }
        company
    }

    /// Whether the rows of a FROM item may be those of the target.
    fn may_be_itself(
        &mut self,
        factor: &'a TableFactor,
        target: &str,
        is_read: bool,
        company: &Company<'a>,
    ) -> bool {
        match factor {
            TableFactor::Table { name, args: None, .. } => {
                let bare = self.parts(name).map_or("", |(_, bare)| bare);
                let of_with = || self.scopes.iter().rev().find_map(|scope| scope.cte_is_plain(bare));
                let is_part = || company.parts.iter().any(|(name, _)| *name == bare);
                bare == target || (!is_part() && of_with().is_some_and(|plain| is_read || !plain))
            }
            TableFactor::Table { .. } | TableFactor::Function { .. } | TableFactor::UNNEST { .. } => {
                is_read || !is_list(factor)
            }
            TableFactor::Derived { subquery, .. } => is_read || !is_plain(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                is_read
                    || factors_of(table_with_joins)
                        .any(|inner| self.may_be_itself(inner, target, is_read, company))
            }
            _ => true,
        }
    }
}

fn factors_of(item: &TableWithJoins) -> impl Iterator<Item = &TableFactor> {
    factors(std::slice::from_ref(item))
}
