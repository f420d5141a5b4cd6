//! INSERT, UPDATE, DELETE, MERGE.

use chaperone_model::facts::{Access, ObjectKind, Verb};
use sqlparser::ast::{
    Assignment, ConflictTarget, Delete, DoUpdate, FromTable, Insert, Merge, MergeAction, MergeClause,
    MergeClauseKind, MergeInsertExpr, MergeInsertKind, MergeUpdateExpr, MergeUpdateKind, ObjectName,
    OnConflict, OnConflictAction, OnInsert, OutputClause, Query, SelectItem, SetExpr, TableAlias,
    TableAliasWithoutColumns, TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::Walk;
use crate::predicate::{Target, cover_all, is_bounding};
use crate::scope::{Columns, Source};

impl<'a> Walk<'a> {
    pub(super) fn insert(&mut self, insert: &'a Insert) -> Columns<'a> {
        let Insert {
            insert_token: _,
            optimizer_hints: _,
            or,
            ignore,
            into,
            table,
            table_alias,
            columns,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        self.verb(Verb::Insert);
        let foreign = or.is_some()
            || *ignore
            || !*into
            || *overwrite
            || !assignments.is_empty()
            || partitioned.is_some()
            || !after_columns.is_empty()
            || *has_table_keyword
            || output.is_some()
            || *replace_into
            || priority.is_some()
            || insert_alias.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || multi_table_insert_type.is_some()
            || !multi_table_into_clauses.is_empty()
            || !multi_table_when_clauses.is_empty()
            || multi_table_else_clause.is_some();
        self.foreign(foreign, "kind of INSERT");
        let TableObject::TableName(name) = table else {
            self.opaque("target of INSERT");
            return None;
        };
        self.touch(name, ObjectKind::Table, Access::Write);
        if columns.is_empty() {
            self.all_columns();
        }
        self.column_names(columns);
        if let Some(source) = source {
            let rows = self.rows(source);
            self.store_rows(columns, rows);
        }
        self.scoped(|walk| {
            let alias = table_alias.as_ref().map(|TableAliasWithoutColumns { explicit: _, alias }| alias);
            if let Some(alias) = alias {
                walk.check_name(alias);
            }
            let bare = walk.parts(name).map(|(_, bare)| bare);
            walk.add_source(alias.map(|alias| alias.value.as_str()).or(bare), Source::Relation);
            match on {
                Some(OnInsert::OnConflict(conflict)) => {
                    // Every row of the target meets itself.
                    let bare = walk.parts(name).map_or("", |(_, bare)| bare);
                    let with_itself = walk.reads(bare) || walk.counts_rows();
                    if let Some(scope) = walk.scope() {
                        scope.name_source("excluded", Source::Relation);
                    }
                    walk.on_conflict(conflict, with_itself);
                }
                None => {}
                Some(_) => walk.opaque("ON DUPLICATE KEY"),
            }
            walk.returning(returning.as_deref(), name)
        })
    }

    /// The rows of an INSERT. Plain VALUES are no SELECT.
    fn rows(&mut self, source: &'a Query) -> Columns<'a> {
        match (source.body.as_ref(), &source.with, &source.order_by, &source.limit_clause) {
            (SetExpr::Values(values), None, None, None)
                if source.fetch.is_none() && source.locks.is_empty() && source.for_clause.is_none() =>
            {
                self.foreign(
                    source.settings.is_some() || source.format_clause.is_some(),
                    "SETTINGS or FORMAT",
                );
                self.foreign(!source.pipe_operators.is_empty(), "pipe operator");
                self.scoped(|walk| walk.values(values))
            }
            _ => self.query(source),
        }
    }

    fn on_conflict(&mut self, conflict: &'a OnConflict, with_itself: bool) {
        let OnConflict { conflict_target, action } = conflict;
        match conflict_target {
            Some(ConflictTarget::Columns(columns)) => {
                for column in columns {
                    self.column(column);
                }
            }
            Some(ConflictTarget::OnConstraint(_)) | None => {}
        }
        match action {
            OnConflictAction::DoNothing => {}
            OnConflictAction::DoUpdate(DoUpdate { assignments, selection }) => {
                self.verb(Verb::Update);
                self.unbounded |= with_itself;
                self.assignments(assignments);
                self.discard_all(selection);
            }
        }
    }

    pub(super) fn update(&mut self, update: &'a Update) -> Columns<'a> {
        let Update {
            update_token: _,
            optimizer_hints: _,
            table,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
        } = update;
        self.verb(Verb::Update);
        let foreign = output.is_some() || or.is_some() || !order_by.is_empty() || limit.is_some();
        self.foreign(foreign, "kind of UPDATE");
        self.scoped(|walk| {
            let target = walk.target(table);
            walk.update_from(from.as_ref());
            let items: &[TableWithJoins] = match from {
                Some(UpdateTableFromKind::AfterSet(items) | UpdateTableFromKind::BeforeSet(items)) => items,
                None => &[],
            };
            let company = target.map(|(name, _)| walk.company(name, items));
            walk.assignments(assignments);
            walk.discard_all(selection);
            let ((name, alias), company) = (target?, company?);
            walk.bound(selection.as_ref(), name, alias, &company);
            walk.returning(returning.as_deref(), name)
        })
    }

    pub(super) fn delete(&mut self, delete: &'a Delete) -> Columns<'a> {
        let Delete {
            delete_token: _,
            optimizer_hints: _,
            tables,
            from,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
        } = delete;
        self.verb(Verb::Delete);
        let foreign = !tables.is_empty() || output.is_some() || !order_by.is_empty() || limit.is_some();
        self.foreign(foreign, "kind of DELETE");
        let FromTable::WithFromKeyword(from) = from else {
            self.opaque("DELETE without FROM");
            self.unbounded = true;
            return None;
        };
        self.scoped(|walk| {
            let target = match from.as_slice() {
                [table] => walk.target(table),
                _ => {
                    walk.opaque("target of DELETE");
                    walk.from(from);
                    None
                }
            };
            if let Some(using) = using {
                walk.from(using);
            }
            let company = target.map(|(name, _)| walk.company(name, using.as_deref().unwrap_or_default()));
            walk.discard_all(selection);
            let (Some((name, alias)), Some(company)) = (target, company) else {
                walk.unbounded = true;
                return None;
            };
            walk.bound(selection.as_ref(), name, alias, &company);
            walk.returning(returning.as_deref(), name)
        })
    }

    /// The target of an UPDATE or DELETE: a relation, never a common table expression.
    fn target(&mut self, table: &'a TableWithJoins) -> Option<(&'a ObjectName, Option<&'a TableAlias>)> {
        let TableWithJoins { relation, joins } = table;
        if !joins.is_empty() {
            self.opaque("join as a target");
            self.unbounded = true;
        }
        self.target_factor(relation)
    }

    fn target_factor(&mut self, factor: &'a TableFactor) -> Option<(&'a ObjectName, Option<&'a TableAlias>)> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = factor
        else {
            self.opaque("kind of target");
            self.unbounded = true;
            return None;
        };
        let foreign = !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty();
        self.foreign(foreign, "kind of target");
        self.touch(name, ObjectKind::Table, Access::Write);
        self.settings_view(name);
        if let Some(alias) = alias {
            self.check_alias(alias);
        }
        let bare = self.parts(name).map(|(_, bare)| bare);
        self.add_source(alias.as_ref().map(|alias| alias.name.value.as_str()).or(bare), Source::Relation);
        Some((name, alias.as_ref()))
    }

    /// An UPDATE of `pg_settings` is a SET.
    fn settings_view(&mut self, name: &'a ObjectName) {
        if matches!(self.parts(name), Some((None | Some("pg_catalog"), "pg_settings"))) {
            self.opaque("pg_settings");
        }
    }

    fn assignments(&mut self, assignments: &'a [Assignment]) {
        for assignment in assignments {
            self.assign(assignment);
        }
    }

    /// Columns that are written; `column.field` and `column[1]` write a part of one.
    pub(super) fn column_names(&mut self, names: &'a [ObjectName]) {
        for name in names {
            if self.parts(name).is_none() {
                continue;
            }
            for part in &name.0 {
                if let sqlparser::ast::ObjectNamePart::Identifier(ident) = part {
                    self.columns.push(&ident.value);
                }
            }
        }
    }

    /// RETURNING shows rows of the table that was written.
    fn returning(&mut self, items: Option<&'a [SelectItem]>, name: &'a ObjectName) -> Columns<'a> {
        let items = items?;
        self.touch(name, ObjectKind::Table, Access::Read);
        self.rows_before_and_after();
        self.projection(items)
    }

    /// In RETURNING `old` and `new` are whole rows, since PostgreSQL 18.
    fn rows_before_and_after(&mut self) {
        let rows = self.rows;
        if let Some(scope) = self.scope() {
            for name in ["old", "new"].into_iter().chain(rows.iter().map(String::as_str)) {
                scope.name_source(name, Source::Relation);
            }
        }
    }

    pub(super) fn merge(&mut self, merge: &'a Merge) -> Columns<'a> {
        let Merge { merge_token: _, optimizer_hints: _, into, table, source, on, clauses, output } = merge;
        self.verb(Verb::Merge);
        self.foreign(!*into, "MERGE without INTO");
        self.scoped(|walk| {
            let target = walk.target_factor(table);
            walk.table_factor(source);
            let company = target.map(|(name, _)| walk.company_of(name, std::iter::once(source)));
            walk.discard(on);
            let ((name, alias), company) = (target?, company?);
            let bare = walk.parts(name).map_or("", |(_, bare)| bare);
            let target = Target::new(bare, alias.map(|alias| alias.name.value.as_str()), &company);
            let joined = is_bounding(on, &target);
            let conditions: Vec<_> = clauses.iter().filter_map(|clause| clause.predicate.as_ref()).collect();
            // What none of them covers alone they may cover together.
            walk.unbounded |= !joined && conditions.len() > 1 && cover_all(&conditions);
            for clause in clauses {
                walk.merge_clause(clause, joined, &target);
            }
            match output {
                Some(OutputClause::Returning { returning_token: _, select_items }) => {
                    // The source's columns are in sight as well.
                    walk.touch(name, ObjectKind::Table, Access::Read);
                    walk.rows_before_and_after();
                    walk.projection(select_items)
                }
                Some(OutputClause::Output { .. }) => {
                    walk.opaque("OUTPUT");
                    None
                }
                None => None,
            }
        })
    }

    fn merge_clause(&mut self, clause: &'a MergeClause, joined: bool, target: &Target<'_>) {
        let MergeClause { when_token: _, clause_kind, predicate, action } = clause;
        self.discard_all(predicate);
        let chosen = predicate.as_ref().is_some_and(|predicate| is_bounding(predicate, target));
        let bounded = chosen || (joined && *clause_kind != MergeClauseKind::NotMatchedBySource);
        match action {
            MergeAction::DoNothing { .. } => {}
            MergeAction::Delete { .. } => {
                self.verb(Verb::Delete);
                self.unbounded |= !bounded;
            }
            MergeAction::Update(MergeUpdateExpr {
                update_token: _,
                kind,
                update_predicate,
                delete_predicate,
            }) => {
                self.verb(Verb::Update);
                self.unbounded |= !bounded;
                self.foreign(update_predicate.is_some() || delete_predicate.is_some(), "predicate in MERGE");
                match kind {
                    MergeUpdateKind::Set(assignments) => self.assignments(assignments),
                    MergeUpdateKind::Wildcard => self.opaque("UPDATE *"),
                }
            }
            MergeAction::Insert(MergeInsertExpr {
                insert_token: _,
                columns,
                kind_token: _,
                kind,
                insert_predicate,
            }) => {
                self.verb(Verb::Insert);
                self.foreign(insert_predicate.is_some(), "predicate in MERGE");
                if columns.is_empty() {
                    self.all_columns();
                }
                self.column_names(columns);
                match kind {
                    MergeInsertKind::Values(values) => {
                        let rows = self.values(values);
                        self.store_rows(columns, rows);
                    }
                    MergeInsertKind::Row | MergeInsertKind::Wildcard => self.opaque("INSERT ROW"),
                }
            }
        }
    }

    fn update_from(&mut self, from: Option<&'a UpdateTableFromKind>) {
        match from {
            Some(UpdateTableFromKind::AfterSet(from)) => self.from(from),
            Some(UpdateTableFromKind::BeforeSet(from)) => {
                self.opaque("FROM before SET");
                self.from(from);
            }
            None => {}
        }
    }
}
