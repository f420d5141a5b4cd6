//! CREATE TABLE, CREATE VIEW, ALTER TABLE.

use chaperone_model::facts::{Access, ObjectKind, Verb};
use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, CheckConstraint, ColumnDef, ColumnOption,
    CreateTable, CreateTableLike, CreateTableLikeKind, CreateTableOptions, CreateView, DataType,
    ExcludeConstraint, ForValues, ForeignKeyConstraint, Ident, IndexColumn, Partition, PartitionBoundValue,
    RenameTableNameKind, ReplicaIdentity, SequenceOptions, SqlOption, TableConstraint, ViewColumnDef,
};

use super::Walk;

impl<'a> Walk<'a> {
    pub(super) fn create_table(&mut self, table: &'a CreateTable) {
        self.verb(Verb::Create);
        let CreateTable {
            or_replace,
            temporary: _,
            unlogged: _,
            external,
            dynamic,
            global: _,
            if_not_exists: _,
            transient,
            volatile,
            iceberg,
            snapshot,
            name,
            columns,
            constraints,
            hive_distribution,
            hive_formats,
            table_options,
            file_format,
            location,
            query,
            without_rowid,
            like,
            clone,
            version,
            comment,
            on_commit: _,
            on_cluster,
            primary_key,
            order_by,
            partition_by,
            cluster_by,
            clustered_by,
            inherits,
            partition_of,
            for_values,
            strict,
            copy_grants,
            enable_schema_evolution,
            change_tracking,
            data_retention_time_in_days,
            max_data_extension_time_in_days,
            default_ddl_collation,
            with_aggregation_policy,
            with_row_access_policy,
            with_storage_lifecycle_policy,
            with_tags,
            external_volume,
            with_connection,
            base_location,
            catalog,
            catalog_sync,
            storage_serialization_policy,
            target_lag,
            warehouse,
            refresh_mode,
            initialize,
            require_user,
            diststyle,
            distkey,
            sortkey,
            backup,
            multiset,
            fallback,
            with_data,
        } = table;
        let foreign = *or_replace
            || *external
            || *dynamic
            || *transient
            || *volatile
            || *iceberg
            || *snapshot
            || *hive_distribution != sqlparser::ast::HiveDistributionStyle::NONE
            || hive_formats.as_ref().is_some_and(|formats| *formats != sqlparser::ast::HiveFormat::default())
            || file_format.is_some()
            || location.is_some()
            || *without_rowid
            || clone.is_some()
            || version.is_some()
            || comment.is_some()
            || on_cluster.is_some()
            || primary_key.is_some()
            || order_by.is_some()
            || cluster_by.is_some()
            || clustered_by.is_some()
            || *strict
            || *copy_grants
            || enable_schema_evolution.is_some()
            || change_tracking.is_some()
            || data_retention_time_in_days.is_some()
            || max_data_extension_time_in_days.is_some()
            || default_ddl_collation.is_some()
            || with_aggregation_policy.is_some()
            || with_row_access_policy.is_some()
            || with_storage_lifecycle_policy.is_some()
            || with_tags.is_some()
            || external_volume.is_some()
            || with_connection.is_some()
            || base_location.is_some()
            || catalog.is_some()
            || catalog_sync.is_some()
            || storage_serialization_policy.is_some()
            || target_lag.is_some()
            || warehouse.is_some()
            || refresh_mode.is_some()
            || initialize.is_some()
            || *require_user
            || diststyle.is_some()
            || distkey.is_some()
            || sortkey.is_some()
            || backup.is_some()
            || multiset.is_some()
            || fallback.is_some()
            || with_data.as_ref().is_some_and(|with| with.statistics.is_some());
        self.foreign(foreign, "kind of CREATE TABLE");
        match query {
            Some(query) => {
                let rows = self.filled_by(name, query);
                self.store_rows(&[], rows);
            }
            None => self.touch(name, ObjectKind::Table, Access::Create),
        }
        self.table_options(table_options);
        for ColumnDef { name, data_type, options } in columns {
            if name.quote_style.is_none() && name.value == "like" {
                // No column can be called so: it is LIKE with a table, for which the parser takes it nowhere but first.
                match data_type {
                    DataType::Custom(table, _) => self.touch(table, ObjectKind::Table, Access::Read),
                    _ => self.opaque("LIKE"),
                }
                continue;
            }
            self.column(name);
            for option in options {
                self.column_option(&option.option);
            }
        }
        for constraint in constraints {
            self.table_constraint(constraint);
        }
        if let Some(CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like)) = like {
            let CreateTableLike { name, defaults: _ } = like;
            self.touch(name, ObjectKind::Table, Access::Read);
        }
        self.touch_all(inherits.iter().flatten(), ObjectKind::Table, Access::Alter);
        self.touch_all(partition_of, ObjectKind::Table, Access::Alter);
        self.discard_all(partition_by.as_deref());
        match for_values {
            Some(ForValues::In(values)) => self.discard_all(values),
            Some(ForValues::From { from, to }) => {
                for bound in from.iter().chain(to) {
                    match bound {
                        PartitionBoundValue::Expr(expression) => self.discard(expression),
                        PartitionBoundValue::MinValue | PartitionBoundValue::MaxValue => {}
                    }
                }
            }
            Some(ForValues::With { modulus: _, remainder: _ } | ForValues::Default) | None => {}
        }
    }

    fn table_options(&mut self, options: &'a CreateTableOptions) {
        let options = match options {
            CreateTableOptions::None => return,
            CreateTableOptions::With(options) => options,
            CreateTableOptions::Plain(options) if options.is_empty() => return,
            CreateTableOptions::Options(_)
            | CreateTableOptions::Plain(_)
            | CreateTableOptions::TableProperties(_) => {
                return self.opaque("options of a table");
            }
        };
        self.options(options);
    }

    pub(super) fn options(&mut self, options: &'a [SqlOption]) {
        for option in options {
            match option {
                SqlOption::KeyValue { key: _, value } => self.option_value(value),
                SqlOption::Ident(_) => {}
                SqlOption::Clustered(_)
                | SqlOption::Partition { .. }
                | SqlOption::Comment(_)
                | SqlOption::TableSpace(_)
                | SqlOption::NamedParenthesizedList(_) => self.opaque("kind of option"),
            }
        }
    }

    /// Values of options are words and constants; anything else is not PostgreSQL's.
    pub(super) fn option_value(&mut self, value: &'a sqlparser::ast::Expr) {
        use sqlparser::ast::Expr;
        match value {
            Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {}
            Expr::UnaryOp { op: _, expr } => self.option_value(expr),
            _ => self.opaque("value of an option"),
        }
    }

    fn column_option(&mut self, option: &'a ColumnOption) {
        match option {
            ColumnOption::Null
            | ColumnOption::NotNull
            | ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::Collation(_) => {}
            ColumnOption::Default(expression) => self.discard(expression),
            ColumnOption::ForeignKey(constraint) => self.foreign_key(constraint),
            ColumnOption::Check(constraint) => self.check(constraint),
            ColumnOption::Generated {
                generated_as: _,
                sequence_options,
                generation_expr,
                generation_expr_mode: _,
                generated_keyword,
            } => {
                self.foreign(!*generated_keyword, "AS without GENERATED");
                self.sequence_options(sequence_options.as_deref().unwrap_or_default());
                if let Some(expression) = generation_expr {
                    self.store_value(None, expression);
                }
            }
            ColumnOption::Materialized(_)
            | ColumnOption::Ephemeral(_)
            | ColumnOption::Alias(_)
            | ColumnOption::DialectSpecific(_)
            | ColumnOption::CharacterSet(_)
            | ColumnOption::Comment(_)
            | ColumnOption::OnUpdate(_)
            | ColumnOption::Options(_)
            | ColumnOption::Identity(_)
            | ColumnOption::OnConflict(_)
            | ColumnOption::Policy(_)
            | ColumnOption::Tags(_)
            | ColumnOption::Srid(_)
            | ColumnOption::Invisible => self.opaque("option of a column"),
        }
    }

    pub(super) fn sequence_options(&mut self, options: &'a [SequenceOptions]) {
        for option in options {
            match option {
                SequenceOptions::IncrementBy(value, _)
                | SequenceOptions::StartWith(value, _)
                | SequenceOptions::Cache(value) => self.discard(value),
                SequenceOptions::MinValue(value) | SequenceOptions::MaxValue(value) => {
                    self.discard_all(value)
                }
                SequenceOptions::Cycle(_) => {}
            }
        }
    }

    fn foreign_key(&mut self, constraint: &'a ForeignKeyConstraint) {
        let ForeignKeyConstraint {
            name: _,
            index_name: _,
            columns,
            foreign_table,
            referred_columns,
            on_delete: _,
            on_update: _,
            match_kind: _,
            characteristics: _,
        } = constraint;
        self.touch(foreign_table, ObjectKind::Table, Access::Read);
        for column in columns.iter().chain(referred_columns) {
            self.column(column);
        }
    }

    fn check(&mut self, constraint: &'a CheckConstraint) {
        let CheckConstraint { name: _, expr, no_inherit: _, enforced: _ } = constraint;
        self.discard(expr);
    }

    pub(super) fn index_columns<'b: 'a>(&mut self, columns: impl IntoIterator<Item = &'b IndexColumn>) {
        for IndexColumn { column, operator_class: _ } in columns {
            self.order_by_expressions(std::slice::from_ref(column), &mut crate::scope::Lineage::default());
        }
    }

    pub(super) fn table_constraint(&mut self, constraint: &'a TableConstraint) {
        match constraint {
            TableConstraint::Unique(unique) => self.index_columns(&unique.columns),
            TableConstraint::PrimaryKey(key) => self.index_columns(&key.columns),
            TableConstraint::ForeignKey(key) => self.foreign_key(key),
            TableConstraint::Check(check) => self.check(check),
            TableConstraint::Exclude(exclude) => {
                let ExcludeConstraint {
                    name: _,
                    index_method: _,
                    elements,
                    include: _,
                    where_clause,
                    characteristics: _,
                } = exclude;
                self.index_columns(elements.iter().map(|element| &element.column));
                self.discard_all(where_clause.as_deref());
            }
            TableConstraint::PrimaryKeyUsingIndex(using) | TableConstraint::UniqueUsingIndex(using) => {
                self.touch_ident(&using.index_name, ObjectKind::Index, Access::Alter);
            }
            TableConstraint::Index(_) | TableConstraint::FulltextOrSpatial(_) => {
                self.opaque("kind of constraint")
            }
        }
    }

    pub(super) fn create_view(&mut self, view: &'a CreateView) {
        self.verb(Verb::Create);
        let CreateView {
            or_alter,
            or_replace: _,
            materialized: _,
            secure,
            name,
            name_before_not_exists,
            columns,
            query,
            options,
            cluster_by,
            comment,
            with_no_schema_binding,
            if_not_exists: _,
            temporary: _,
            copy_grants,
            to,
            params,
        } = view;
        let foreign = *or_alter
            || *secure
            || *name_before_not_exists
            || !cluster_by.is_empty()
            || comment.is_some()
            || *with_no_schema_binding
            || *copy_grants
            || to.is_some()
            || params.is_some();
        self.foreign(foreign, "kind of CREATE VIEW");
        for ViewColumnDef { name, data_type, options } in columns {
            self.column(name);
            self.foreign(data_type.is_some() || options.is_some(), "column of a view");
        }
        self.table_options(options);
        // What a view shows is told by its rule in the catalogue.
        self.filled_by(name, query);
    }

    pub(super) fn alter_table(&mut self, table: &'a AlterTable) {
        self.verb(Verb::Alter);
        let AlterTable {
            name,
            if_exists: _,
            only: _,
            operations,
            location,
            on_cluster,
            table_type,
            end_token: _,
        } = table;
        self.foreign(
            location.is_some() || on_cluster.is_some() || table_type.is_some(),
            "kind of ALTER TABLE",
        );
        self.touch(name, ObjectKind::Table, Access::Alter);
        let schema = self.parts(name).and_then(|(schema, _)| schema);
        for operation in operations {
            self.alter_table_operation(operation, schema);
        }
    }

    fn alter_table_operation(&mut self, operation: &'a AlterTableOperation, schema: Option<&str>) {
        match operation {
            AlterTableOperation::AddConstraint { constraint, not_valid: _ } => {
                self.table_constraint(constraint)
            }
            AlterTableOperation::AddColumn {
                column_keyword: _,
                if_not_exists: _,
                column_def,
                column_position,
            } => {
                self.foreign(column_position.is_some(), "position of a column");
                self.column(&column_def.name);
                for option in &column_def.options {
                    self.column_option(&option.option);
                }
            }
            AlterTableOperation::DropColumn {
                has_column_keyword: _,
                column_names,
                if_exists: _,
                drop_behavior,
            } => {
                self.drop_behavior(drop_behavior.as_ref());
                for column in column_names {
                    self.column(column);
                }
            }
            AlterTableOperation::AlterColumn { column_name, op } => {
                self.column(column_name);
                self.alter_column(column_name, op);
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                self.column(old_column_name);
                self.column(new_column_name);
            }
            AlterTableOperation::RenameTable { table_name: RenameTableNameKind::To(new) } => {
                self.touch_beside(new, schema, ObjectKind::Table, Access::Create);
            }
            AlterTableOperation::AttachPartition { partition: Partition::Identifier(name) } => {
                self.touch_ident(name, ObjectKind::Table, Access::Alter);
            }
            AlterTableOperation::ReplicaIdentity { identity } => match identity {
                ReplicaIdentity::Nothing | ReplicaIdentity::Full | ReplicaIdentity::Default => {}
                ReplicaIdentity::Index(index) => self.touch_ident(index, ObjectKind::Index, Access::Read),
            },
            AlterTableOperation::EnableTrigger { name }
            | AlterTableOperation::EnableAlwaysTrigger { name }
            | AlterTableOperation::EnableReplicaTrigger { name }
            | AlterTableOperation::DisableTrigger { name }
            | AlterTableOperation::EnableRule { name }
            | AlterTableOperation::EnableAlwaysRule { name }
            | AlterTableOperation::EnableReplicaRule { name }
            | AlterTableOperation::DisableRule { name } => {
                // ALL and USER stand for triggers, too.
                self.relations.push(chaperone_model::facts::Relation {
                    schema: None,
                    name: name.value.clone(),
                    kind: ObjectKind::Trigger,
                    access: Access::Alter,
                });
            }
            AlterTableOperation::SetOptionsParens { options } => self.options(options),
            AlterTableOperation::DropConstraint { name: _, if_exists: _, drop_behavior } => {
                self.drop_behavior(drop_behavior.as_ref());
            }
            AlterTableOperation::RenameConstraint { old_name: _, new_name: _ }
            | AlterTableOperation::ValidateConstraint { name: _ }
            | AlterTableOperation::OwnerTo { new_owner: _ }
            | AlterTableOperation::SetLogged
            | AlterTableOperation::SetUnlogged
            | AlterTableOperation::EnableRowLevelSecurity
            | AlterTableOperation::DisableRowLevelSecurity
            | AlterTableOperation::ForceRowLevelSecurity
            | AlterTableOperation::NoForceRowLevelSecurity => {}
            _ => self.opaque("operation of ALTER TABLE"),
        }
    }

    fn alter_column(&mut self, column: &Ident, operation: &'a AlterColumnOperation) {
        match operation {
            AlterColumnOperation::SetNotNull
            | AlterColumnOperation::DropNotNull
            | AlterColumnOperation::DropDefault => {}
            AlterColumnOperation::SetDefault { value } => self.discard(value),
            AlterColumnOperation::SetDataType { data_type: _, using, had_set: _ } => {
                if let Some(using) = using {
                    self.store_value(Some(column), using);
                }
            }
            AlterColumnOperation::AddGenerated { generated_as: _, sequence_options } => {
                self.sequence_options(sequence_options.as_deref().unwrap_or_default());
            }
        }
    }
}
