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
        for factor in factors {
            company.joined = true;
            let (name, is_itself) = match factor {
                TableFactor::Table { name, alias, args, .. } => {
                    let bare = self.parts(name).map_or("", |(_, bare)| bare);
                    let of_with = || self.scopes.iter().rev().find_map(|scope| scope.cte_is_plain(bare));
                    let itself = match args {
                        None if bare == target => true,
                        None => {
                            let is_part = company.parts.iter().any(|(name, _)| *name == bare);
                            !is_part && of_with().is_some_and(|plain| is_read || !plain)
                        }
                        Some(_) => is_read || !is_list(factor),
                    };
                    (Some(alias.as_ref().map_or(bare, |alias| alias.name.value.as_str())), itself)
                }
                TableFactor::Function { name, alias, .. } => {
                    let bare = self.parts(name).map_or("", |(_, bare)| bare);
                    let called = alias.as_ref().map_or(bare, |alias| alias.name.value.as_str());
                    (Some(called), is_read || !is_list(factor))
                }
                TableFactor::Derived { alias, subquery, .. } => {
                    let called = alias.as_ref().map(|alias| alias.name.value.as_str());
                    (called, is_read || !is_plain(subquery))
                }
                TableFactor::NestedJoin { alias, .. } => {
                    (alias.as_ref().map(|alias| alias.name.value.as_str()), is_read)
                }
                TableFactor::UNNEST { alias, .. } => {
                    (alias.as_ref().map(|alias| alias.name.value.as_str()), is_read || !is_list(factor))
                }
                _ => (None, true),
            };
            if is_itself {
                company.stand_ins.push(name.unwrap_or(""));
            }
        }
        company
    }
}
