//! FROM: relations, joins, subqueries, functions.

use chaperone_model::facts::{Access, ObjectKind};
use sqlparser::ast::{
    FunctionArg, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableFunctionArgs,
    TableSample, TableSampleKind, TableWithJoins, XmlTableColumnOption,
};

use super::Walk;
use crate::scope::{Columns, Lineage, Source};

impl<'a> Walk<'a> {
    pub(super) fn from(&mut self, items: &'a [TableWithJoins]) {
        for item in items {
            self.table_with_joins(item);
        }
    }

    pub(super) fn table_with_joins(&mut self, item: &'a TableWithJoins) {
        let TableWithJoins { relation, joins } = item;
        self.table_factor(relation);
        for Join { relation, global, join_operator } in joins {
            self.foreign(*global, "GLOBAL JOIN");
            self.table_factor(relation);
            self.join(join_operator);
        }
    }

    fn join(&mut self, operator: &'a JoinOperator) {
        let constraint = match operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => constraint,
            JoinOperator::Semi(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::RightSemi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftAnti(_)
            | JoinOperator::RightAnti(_)
            | JoinOperator::CrossApply
            | JoinOperator::OuterApply
            | JoinOperator::AsOf { .. }
            | JoinOperator::StraightJoin(_)
            | JoinOperator::ArrayJoin
            | JoinOperator::LeftArrayJoin
            | JoinOperator::InnerArrayJoin => return self.opaque("kind of join"),
        };
        match constraint {
            JoinConstraint::On(expression) => self.discard(expression),
            JoinConstraint::Using(columns) => {
                for column in columns {
                    if let Some((_, name)) = self.parts(column) {
                        self.columns.push(name);
                    }
                }
                self.merge_columns();
            }
            JoinConstraint::Natural => {
                // All columns that both sides have are compared.
                self.all_columns();
                self.merge_columns();
            }
            JoinConstraint::None => {}
        }
    }

    fn merge_columns(&mut self) {
        if let Some(scope) = self.scope() {
            scope.merges_columns = true;
        }
    }

    pub(super) fn table_factor(&mut self, factor: &'a TableFactor) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality: _,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                self.foreign(!with_hints.is_empty() || !index_hints.is_empty(), "table hint");
                self.foreign(version.is_some(), "version of a table");
                self.foreign(!partitions.is_empty(), "partition of a table");
                self.foreign(json_path.is_some(), "path behind a table");
                self.sample(sample.as_ref());
                match args {
                    None => self.relation(name, alias.as_ref()),
                    Some(TableFunctionArgs { args, settings }) => {
                        self.foreign(settings.is_some(), "SETTINGS");
                        self.function_in_from(name, args, alias.as_ref());
                    }
                }
            }
            TableFactor::Derived { lateral: _, subquery, alias, sample } => {
                self.sample(sample.as_ref());
                let columns = self.query(subquery);
                self.add_query(columns, alias.as_ref());
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality: _, alias } => {
                self.function_in_from(name, args, alias.as_ref());
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias,
                with_ordinality: _,
            } => {
                self.foreign(*with_offset || with_offset_alias.is_some(), "WITH OFFSET");
                self.function_name(None, "unnest");
                let mut lineage = Lineage::default();
                for expression in array_exprs {
                    self.expression(expression, &mut lineage);
                }
                self.add_function("unnest", lineage, alias.as_ref());
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.table_with_joins(table_with_joins);
                if let Some(alias) = alias {
                    self.columns_by_other_names(alias);
                    // The alias stands for all items of the join; what its columns are is not told.
                    self.add_query(None, Some(alias));
                }
            }
            TableFactor::XmlTable { namespaces, row_expression, passing, columns, alias } => {
                let mut lineage = Lineage::default();
                for namespace in namespaces {
                    self.expression(&namespace.uri, &mut lineage);
                }
                self.expression(row_expression, &mut lineage);
                for argument in &passing.arguments {
                    self.expression(&argument.expr, &mut lineage);
                }
                for column in columns {
                    match &column.option {
                        XmlTableColumnOption::NamedInfo { r#type: _, path, default, nullable: _ } => {
                            self.discard_all(path.iter().chain(default));
                        }
                        XmlTableColumnOption::ForOrdinality => {}
                    }
                }
                self.function_name(None, "xmltable");
                self.add_function("xmltable", lineage, alias.as_ref());
            }
            TableFactor::JsonTable { json_expr, json_path: _, columns: _, alias } => {
                let mut lineage = Lineage::default();
                self.expression(json_expr, &mut lineage);
                self.function_name(None, "json_table");
                self.add_function("json_table", lineage, alias.as_ref());
            }
            TableFactor::TableFunction { .. }
            | TableFactor::OpenJsonTable { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. }
            | TableFactor::UnpivotExpr { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::SemanticView { .. } => self.opaque("kind of FROM item"),
        }
    }

    fn sample(&mut self, sample: Option<&'a TableSampleKind>) {
        let Some(TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) =
            sample
        else {
            return;
        };
        let TableSample { modifier: _, name: _, quantity, seed: _, bucket, offset } = sample.as_ref();
        self.foreign(bucket.is_some() || offset.is_some(), "kind of sample");
        if let Some(quantity) = quantity {
            self.discard(&quantity.value);
        }
    }

    /// A relation, or a common table expression in sight.
    fn relation(&mut self, name: &'a ObjectName, alias: Option<&'a TableAlias>) {
        let Some((schema, bare)) = self.parts(name) else { return };
        let cte = match schema {
            None => self.scopes.iter().rev().find_map(|scope| scope.cte(bare)).cloned(),
            Some(_) => None,
        };
        if let Some(columns) = cte {
            let columns = match alias {
                Some(alias) => self.renamed(columns, alias),
                None => columns,
            };
            return self
                .add_source(Some(alias.map_or(bare, |alias| &alias.name.value)), Source::Query(columns));
        }
        self.touch(name, ObjectKind::Table, Access::Read);
        let source = match alias {
            // Renamed columns of a relation: which is which is not told.
            Some(alias) if !alias.columns.is_empty() => Source::Query(None),
            _ => Source::Relation,
        };
        if let Some(alias) = alias {
            self.check_alias(alias);
            self.columns_by_other_names(alias);
        }
        self.add_source(Some(alias.map_or(bare, |alias| &alias.name.value)), source);
    }

    /// `patients AS p (x, y, z)`: any column may be asked for by a name that it does not have.
    fn columns_by_other_names(&mut self, alias: &TableAlias) {
        if !alias.columns.is_empty() {
            self.all_columns();
        }
    }

    pub(super) fn check_alias(&mut self, alias: &'a TableAlias) {
        let TableAlias { explicit: _, name, columns: _, at } = alias;
        self.check_name(name);
        self.foreign(at.is_some(), "AT alias");
    }

    pub(super) fn add_source(&mut self, name: Option<&'a str>, source: Source<'a>) {
        if let Some(scope) = self.scope() {
            scope.add_source(name, source);
        }
    }

    pub(super) fn add_query(&mut self, columns: Columns<'a>, alias: Option<&'a TableAlias>) {
        let columns = match alias {
            Some(alias) => self.renamed(columns, alias),
            None => columns,
        };
        self.add_source(alias.map(|alias| alias.name.value.as_str()), Source::Query(columns));
    }

    fn function_in_from(
        &mut self,
        name: &'a ObjectName,
        args: &'a [FunctionArg],
        alias: Option<&'a TableAlias>,
    ) {
        let mut lineage = Lineage::default();
        for argument in args {
            self.argument(argument, &mut lineage);
        }
        self.call(name, &mut lineage, args);
        let bare = self.parts(name).map_or("", |(_, bare)| bare);
        self.add_function(bare, lineage, alias);
    }

    fn add_function(&mut self, name: &'a str, lineage: Lineage<'a>, alias: Option<&'a TableAlias>) {
        if let Some(alias) = alias {
            self.check_alias(alias);
        }
        self.add_source(Some(alias.map_or(name, |alias| &alias.name.value)), Source::Function(lineage));
    }
}
