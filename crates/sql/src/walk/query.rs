//! SELECT, set operations, VALUES, WITH.

use std::rc::Rc;

use chaperone_model::facts::{Access, ObjectKind, Verb};
use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, LimitClause, NamedWindowDefinition, NamedWindowExpr, Offset,
    OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, Query, Select, SelectFlavor, SelectInto,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias, Values,
    WildcardAdditionalOptions, With,
};

use super::stored::is_into;
use super::{MAX_OUTPUTS, Walk};
use crate::predicate::{is_plain, part_of};
use crate::scope::{Columns, Lineage, NAMELESS, Named, Out, Source};

impl<'a> Walk<'a> {
    /// Walks a query; its columns with their lineage.
    pub(super) fn query(&mut self, query: &'a Query) -> Columns<'a> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        self.foreign(for_clause.is_some(), "FOR clause");
        self.foreign(settings.is_some() || format_clause.is_some(), "SETTINGS or FORMAT");
        self.foreign(!pipe_operators.is_empty(), "pipe operator");
        self.scoped(|walk| {
            // The statement's own verb goes before those of what WITH contains.
            walk.verb_of(body);
            if let Some(with) = with {
                walk.with(with);
            }
            let columns = walk.scoped(|walk| {
                let columns = walk.set_expr(body);
                if is_into(body) {
                    walk.store_rows(&[], columns.clone());
                }
                if let Some(order_by) = order_by {
                    walk.order_by(order_by);
                }
                if let Some(limit) = limit_clause {
                    walk.limit(limit);
                }
                if let Some(quantity) = fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()) {
                    walk.discard(quantity);
                }
                columns
            });
            if !locks.is_empty() {
                walk.lock_rows(body, locks);
            }
            columns
        })
    }

    fn verb_of(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::SetOperation { .. } | SetExpr::Values(_) => {
                self.verb(Verb::Select);
            }
            SetExpr::Insert(_) => self.verb(Verb::Insert),
            SetExpr::Update(_) => self.verb(Verb::Update),
            SetExpr::Delete(_) => self.verb(Verb::Delete),
            SetExpr::Merge(_) => self.verb(Verb::Merge),
            SetExpr::Table(_) => {}
        }
    }

    fn with(&mut self, with: &'a With) {
        let With { with_token: _, recursive, cte_tables } = with;
        if *recursive {
            for Cte { alias, .. } in cte_tables {
                // A query that reads itself: its columns are not told.
                if let Some(scope) = self.scope() {
                    scope.add_recursive_cte(&alias.name.value);
                }
            }
        }
        for cte in cte_tables {
            let Cte { alias, query, from, materialized: _, closing_paren_token: _ } = cte;
            self.foreign(from.is_some(), "FROM in WITH");
            self.check_name(&alias.name);
            let columns = self.query(query);
            let columns = self.renamed(columns, alias);
            // Of a table: what another of them calls by a column's name may be anything.
            let is_cte = |name: &str| self.scopes.iter().any(|scope| scope.cte(name).is_some());
            let part =
                part_of(query).filter(|part| !*recursive && alias.columns.is_empty() && !is_cte(part.table));
            if let Some(scope) = self.scope() {
                scope.add_cte(&alias.name.value, columns);
                scope.set_part(&alias.name.value, part);
                scope.set_plain(&alias.name.value, !*recursive && is_plain(query));
            }
        }
    }

    /// The columns under the names that an alias gives them.
    pub(super) fn renamed(&mut self, columns: Columns<'a>, alias: &'a TableAlias) -> Columns<'a> {
        let TableAlias { explicit: _, name, columns: names, at } = alias;
        self.check_name(name);
        self.foreign(at.is_some(), "AT alias");
        if names.is_empty() {
            return columns;
        }
        let mut renamed = self.copied(columns?.as_ref())?;
        if renamed.iter().any(|(_, out)| matches!(out, Out::Star)) {
            return None;
        }
        for (column, new) in renamed.iter_mut().zip(names) {
            column.0 = &new.name.value;
        }
        Some(Rc::new(Named::new(renamed)))
    }

    /// A copy of a query's columns, within the budget.
    fn copied(&mut self, columns: &Named<'a>) -> Option<Vec<(&'a str, Out<'a>)>> {
        let weight = columns.iter().map(|(_, out)| out.weight()).fold(0, usize::saturating_add);
        self.lineage_left = self.lineage_left.checked_sub(weight)?;
        Some(columns.iter().cloned().collect())
    }

    fn set_expr(&mut self, body: &'a SetExpr) -> Columns<'a> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.foreign(*op == SetOperator::Minus, "MINUS");
                let known = matches!(
                    set_quantifier,
                    SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None
                );
                self.foreign(!known, "BY NAME");
                self.verb(Verb::Select);
                let one = self.scoped(|walk| walk.set_expr(left));
                let two = self.scoped(|walk| walk.set_expr(right));
                self.united(one, two)
            }
            SetExpr::Values(values) => {
                self.verb(Verb::Select);
                self.values(values)
            }
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.statement(statement),
            SetExpr::Table(_) => {
                self.opaque("TABLE");
                None
            }
        }
    }

    /// Columns of a set operation: computed from those of both sides.
    fn united(&mut self, one: Columns<'a>, two: Columns<'a>) -> Columns<'a> {
        let (one, two) = (one?, two?);
        if one.len() != two.len() {
            return None;
        }
        let mut united = Vec::with_capacity(one.len());
        for ((name, left), (_, right)) in one.iter().zip(two.iter()) {
            if matches!(left, Out::Star) || matches!(right, Out::Star) {
                return None;
            }
            let mut lineage = Lineage::default();
            lineage.add(left);
            lineage.add(right);
            united.push((*name, self.spend(lineage.into_out())));
        }
        Some(Rc::new(Named::new(united)))
    }

    pub(super) fn values(&mut self, values: &'a Values) -> Columns<'a> {
        let Values { explicit_row, value_keyword, rows } = values;
        self.foreign(*explicit_row || *value_keyword, "VALUES ROW");
        let mut columns: Vec<Lineage<'a>> = Vec::new();
        // `VALUES (new.*)`: how many there are is not told.
        let mut told = true;
        for row in rows {
            for (position, expression) in row.content.iter().enumerate() {
                told &= !matches!(expression, Expr::QualifiedWildcard(..) | Expr::Wildcard(_));
                if position >= columns.len() && columns.len() < MAX_OUTPUTS {
                    columns.push(Lineage::default());
                }
                match columns.get_mut(position) {
                    Some(lineage) => self.expression(expression, lineage),
                    None => self.discard(expression),
                }
            }
        }
        const NAMES: [&str; 8] =
            ["column1", "column2", "column3", "column4", "column5", "column6", "column7", "column8"];
        let named = columns.into_iter().enumerate().map(|(position, lineage)| {
            (NAMES.get(position).copied().unwrap_or(NAMELESS), lineage.into_out())
        });
        told.then(|| Rc::new(Named::new(named.collect())))
    }

    fn select(&mut self, select: &'a Select) -> Columns<'a> {
        let Select {
            select_token: _,
            optimizer_hints: _,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        self.verb(Verb::Select);
        self.foreign(select_modifiers.is_some() || value_table_mode.is_some(), "SELECT modifier");
        self.foreign(top.is_some(), "TOP");
        self.foreign(exclude.is_some(), "EXCLUDE");
        self.foreign(!lateral_views.is_empty(), "LATERAL VIEW");
        self.foreign(prewhere.is_some() || qualify.is_some(), "PREWHERE or QUALIFY");
        self.foreign(!connect_by.is_empty(), "CONNECT BY");
        self.foreign(
            !cluster_by.is_empty() || !distribute_by.is_empty() || !sort_by.is_empty(),
            "CLUSTER, DISTRIBUTE or SORT BY",
        );
        self.foreign(*flavor != SelectFlavor::Standard, "FROM before SELECT");
        if let Some(into) = into {
            self.select_into(into);
        }
        self.from(from);
        let columns = self.projection(projection);
        match distinct {
            Some(Distinct::On(expressions)) => self.discard_all(expressions),
            Some(Distinct::All | Distinct::Distinct) | None => {}
        }
        self.discard_all(selection);
        match group_by {
            GroupByExpr::All(_) => self.opaque("GROUP BY ALL"),
            GroupByExpr::Expressions(expressions, modifiers) => {
                self.foreign(!modifiers.is_empty(), "GROUP BY … WITH");
                self.discard_all(expressions);
            }
        }
        self.discard_all(having);
        for NamedWindowDefinition(_, window) in named_window {
            match window {
                NamedWindowExpr::NamedWindow(_) => {}
                NamedWindowExpr::WindowSpec(window) => self.window(window, &mut Lineage::default()),
            }
        }
        columns
    }

    fn select_into(&mut self, into: &'a SelectInto) {
        let SelectInto { temporary: _, unlogged: _, table: _, targets } = into;
        self.verb(Verb::Create);
        self.foreign(targets.len() != 1, "SELECT INTO variables");
        for target in targets {
            let parts = match target {
                Expr::Identifier(name) => (None, name),
                Expr::CompoundIdentifier(names) => match names.as_slice() {
                    [.., schema, name] => (Some(schema), name),
                    _ => return self.opaque("SELECT INTO"),
                },
                _ => return self.opaque("SELECT INTO"),
            };
            let (schema, name) = parts;
            self.check_name(schema.unwrap_or(name));
            self.relations.push(chaperone_model::facts::Relation {
                schema: schema.map(|schema| schema.value.clone()),
                name: name.value.clone(),
                kind: ObjectKind::Table,
                access: Access::Create,
            });
        }
    }

    /// The columns of a SELECT list or of RETURNING.
    pub(super) fn projection(&mut self, items: &'a [SelectItem]) -> Columns<'a> {
        let mut columns = Some(Vec::with_capacity(items.len().min(MAX_OUTPUTS)));
        for item in items {
            let added = self.select_item(item);
            match (&mut columns, added) {
                (Some(all), Some(added)) if all.len().saturating_add(added.len()) <= MAX_OUTPUTS => {
                    all.extend(added)
                }
                _ => columns = None,
            }
        }
        columns.map(Named::new).map(Rc::new)
    }

    fn select_item(&mut self, item: &'a SelectItem) -> Option<Vec<(&'a str, Out<'a>)>> {
        match item {
            SelectItem::UnnamedExpr(expression) => {
                Some(vec![(output_name(expression), self.output(expression))])
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                Some(vec![(alias.value.as_str(), self.output(expr))])
            }
            SelectItem::ExprWithAliases { expr, aliases: _ } => {
                self.opaque("several aliases");
                self.discard(expr);
                None
            }
            SelectItem::Wildcard(options) => {
                self.wildcard_options(options);
                self.all_columns();
                self.star()
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                self.wildcard_options(options);
                self.all_columns();
                let (_, name) = self.parts(name)?;
                let source = self.scopes.iter().rev().find_map(|scope| scope.source(name)).cloned();
                // Also `new.*`, `excluded.*` and the target of a write are relations.
                self.expanded(&source.unwrap_or(Source::Relation))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expression), options) => {
                self.wildcard_options(options);
                self.all_columns();
                self.discard(expression);
                None
            }
        }
    }

    fn wildcard_options(&mut self, options: &WildcardAdditionalOptions) {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        let any = opt_ilike.is_some()
            || opt_exclude.is_some()
            || opt_except.is_some()
            || opt_replace.is_some()
            || opt_rename.is_some()
            || opt_alias.is_some();
        self.foreign(any, "option of a wildcard");
    }

    /// What `*` stands for: told where it is plain columns only, or the columns of one query.
    fn star(&mut self) -> Option<Vec<(&'a str, Out<'a>)>> {
        let scope = self.scopes.last()?;
        if let ([source], false) = (scope.sources(), scope.merges_columns) {
            let source = source.clone();
            return self.expanded(&source);
        }
        let plain = scope.sources().iter().all(|source| match source {
            Source::Relation => true,
            Source::Query(Some(columns)) => {
                columns.iter().all(|(_, out)| matches!(out, Out::Column(_) | Out::Star))
            }
            Source::Query(None) | Source::Function(_) => false,
        });
        plain.then(|| vec![("*", Out::Star)])
    }

    fn expanded(&mut self, source: &Source<'a>) -> Option<Vec<(&'a str, Out<'a>)>> {
        match source {
            Source::Relation => Some(vec![("*", Out::Star)]),
            Source::Query(columns) => {
                let columns = Rc::clone(columns.as_ref()?);
                self.copied(&columns)
            }
            // How many columns a function gives is not told.
            Source::Function(_) => None,
        }
    }

    pub(super) fn order_by(&mut self, order_by: &'a OrderBy) {
        let OrderBy { kind, interpolate } = order_by;
        self.foreign(interpolate.is_some(), "INTERPOLATE");
        match kind {
            OrderByKind::All(_) => self.opaque("ORDER BY ALL"),
            OrderByKind::Expressions(expressions) => {
                self.order_by_expressions(expressions, &mut Lineage::default())
            }
        }
    }

    pub(super) fn order_by_expressions(&mut self, expressions: &'a [OrderByExpr], lineage: &mut Lineage<'a>) {
        for OrderByExpr { expr, options, with_fill } in expressions {
            self.foreign(with_fill.is_some(), "WITH FILL");
            let OrderByOptions { sort, nulls_first: _ } = options;
            match sort {
                Some(OrderBySort::Asc | OrderBySort::Desc | OrderBySort::Using(_)) | None => {}
            }
            self.expression(expr, lineage);
        }
    }

    fn limit(&mut self, limit: &'a LimitClause) {
        match limit {
            LimitClause::LimitOffset { limit, offset, limit_by } => {
                self.foreign(!limit_by.is_empty(), "LIMIT BY");
                self.discard_all(limit);
                if let Some(Offset { value, rows: _ }) = offset {
                    self.discard(value);
                }
            }
            LimitClause::OffsetCommaLimit { offset, limit } => {
                self.opaque("LIMIT with a comma");
                self.discard(offset);
                self.discard(limit);
            }
        }
    }
}

/// The name that PostgreSQL gives to an output column without an alias, where that is beyond doubt.
fn output_name(expression: &Expr) -> &str {
    match expression {
        Expr::Identifier(Ident { value, .. }) => value,
        Expr::CompoundIdentifier(names) => names.last().map_or(NAMELESS, |name| name.value.as_str()),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => output_name(inner),
        _ => NAMELESS,
    }
}
