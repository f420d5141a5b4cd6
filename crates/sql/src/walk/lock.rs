//! Row locks: SELECT … FOR UPDATE and its kind.

use std::collections::BTreeSet;

use chaperone_model::facts::{Access, ObjectKind};
use sqlparser::ast::{
    Ident, LockClause, ObjectName, ObjectNamePart, Query, SetExpr, TableFactor, TableWithJoins,
};

use super::Walk;

/// The tables that a lock reaches.
#[derive(Default)]
struct Reach<'a> {
    tables: BTreeSet<&'a ObjectName>,
    /// The common table expressions of each subquery around.
    hidden: Vec<BTreeSet<&'a str>>,
    /// Names behind OF that no FROM item has so far.
    missing: BTreeSet<&'a str>,
}

impl<'a> Walk<'a> {
    /// Locks the FROM items that are named, or all where none is. A lock on a subquery is one on its tables.
    pub(super) fn lock_rows(&mut self, body: &'a SetExpr, locks: &'a [LockClause]) {
        let mut named = BTreeSet::new();
        let mut all = locks.is_empty();
        for LockClause { lock_type: _, of, nonblock: _ } in locks {
            match of.as_ref().map(last_part) {
                Some(Some(name)) => {
                    named.insert(name);
                }
                Some(None) | None => all = true,
            }
        }
        let mut reach = Reach { missing: named.clone(), ..Reach::default() };
        self.lock_body(body, (!all).then_some(&named), &mut reach);
        if !all && !reach.missing.is_empty() {
            // The server refuses a name that is not in FROM.
            self.lock_body(body, None, &mut reach);
        }
        for table in reach.tables {
            self.touch(table, ObjectKind::Table, Access::Lock);
        }
    }

    fn lock_body(&self, body: &'a SetExpr, named: Option<&BTreeSet<&'a str>>, reach: &mut Reach<'a>) {
        match body {
            SetExpr::Select(select) => {
                for item in &select.from {
                    self.lock_item(item, named, reach);
                }
            }
            SetExpr::Query(query) => self.lock_query(query, named, reach),
            // The server refuses the others.
            SetExpr::SetOperation { .. }
            | SetExpr::Values(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => {}
        }
    }

    fn lock_query(&self, query: &'a Query, named: Option<&BTreeSet<&'a str>>, reach: &mut Reach<'a>) {
        let inside = query.with.iter().flat_map(|with| &with.cte_tables);
        reach.hidden.push(inside.map(|cte| cte.alias.name.value.as_str()).collect());
        self.lock_body(&query.body, named, reach);
        reach.hidden.pop();
    }

    fn lock_item(&self, item: &'a TableWithJoins, named: Option<&BTreeSet<&'a str>>, reach: &mut Reach<'a>) {
        let TableWithJoins { relation, joins } = item;
        for factor in std::iter::once(relation).chain(joins.iter().map(|join| &join.relation)) {
            let meant = |label: Option<&'a str>, reach: &mut Reach<'a>| {
                let Some(named) = named else { return true };
                label.is_some_and(|label| {
                    reach.missing.remove(label);
                    named.contains(label)
                })
            };
            match factor {
                TableFactor::Table { name, alias, args: None, .. } => {
                    let label = alias.as_ref().map(|alias| alias.name.value.as_str()).or(last_part(name));
                    if meant(label, reach) && !self.is_cte(name, &reach.hidden) {
                        reach.tables.insert(name);
                    }
                }
                TableFactor::Derived { subquery, alias, .. }
                    if meant(alias.as_ref().map(|alias| alias.name.value.as_str()), reach) =>
                {
                    self.lock_query(subquery, None, reach);
                }
                TableFactor::NestedJoin { table_with_joins, alias } => {
                    let label = alias.as_ref().map(|alias| alias.name.value.as_str());
                    // Without an alias the items inside keep their own names.
                    let within = if label.is_some() && meant(label, reach) { None } else { named };
                    self.lock_item(table_with_joins, within, reach);
                }
                _ => {}
            }
        }
    }

    fn is_cte(&self, name: &ObjectName, hidden: &[BTreeSet<&str>]) -> bool {
        match name.0.as_slice() {
            [ObjectNamePart::Identifier(Ident { value, .. })] => {
                hidden.iter().any(|names| names.contains(value.as_str()))
                    || self.scopes.iter().any(|scope| scope.cte(value).is_some())
            }
            _ => false,
        }
    }
}

fn last_part(name: &ObjectName) -> Option<&str> {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(Ident { value, .. })) => Some(value),
        _ => None,
    }
}
