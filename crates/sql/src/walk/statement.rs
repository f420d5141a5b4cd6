//! Every kind of statement that the parser knows.

use std::rc::Rc;

use chaperone_model::facts::{Access, Effect, ObjectKind, Relation, Verb};
use sqlparser::ast::{
    Analyze, CascadeOption, CopySource, CopyTarget, Declare, DescribeAlias, Expr, Ident, LockTableTarget,
    ObjectName, Query, Statement, TransactionAccessMode, TransactionMode, Truncate, TruncateTableTarget,
    UtilityOption, Value, ValueWithSpan,
};

use super::Walk;
use crate::scope::{Columns, Lineage, Named, Out};

impl<'a> Walk<'a> {
    /// Walks a statement; the columns of its result.
    ///
    /// The match names every kind, so that a parser that knows a new one fails to compile here.
    pub(super) fn statement(&mut self, statement: &'a Statement) -> Columns<'a> {
        match statement {
            Statement::Query(query) => return self.query(query),
            Statement::Insert(insert) => return self.insert(insert),
            Statement::Update(update) => return self.update(update),
            Statement::Delete(delete) => return self.delete(delete),
            Statement::Merge(merge) => return self.merge(merge),
            Statement::Copy { source, to, target, options: _, legacy_options: _, values } => {
                self.foreign(!values.is_empty(), "COPY with data");
                return self.copy(source, *to, target);
            }
            Statement::Explain {
                describe_alias,
                analyze,
                verbose: _,
                query_plan,
                estimate,
                statement,
                format: _,
                options,
            } => {
                self.foreign(*query_plan || *estimate, "kind of EXPLAIN");
                self.explain(describe_alias, *analyze, options.as_deref(), statement);
            }
            Statement::Prepare { name, data_types: _, statement } => {
                self.verb(Verb::Prepare);
                self.effect(Effect::Prepared(name.value.clone()));
                self.statement(statement);
            }
            Statement::Execute {
                name,
                parameters,
                has_parentheses: _,
                immediate,
                into,
                using,
                output,
                default,
            } => {
                self.verb(Verb::Execute);
                self.foreign(
                    *immediate || *output || *default || !into.is_empty() || !using.is_empty(),
                    "kind of EXECUTE",
                );
                match name.as_ref().map(|name| self.parts(name)) {
                    Some(Some((None, name))) => self.effect(Effect::Prepared(name.to_owned())),
                    _ => self.opaque("name of EXECUTE"),
                }
                self.discard_all(parameters);
            }
            Statement::Deallocate { name: _, prepare: _ } => self.verb(Verb::Deallocate),
            Statement::Call(function) => {
                self.verb(Verb::Call);
                self.function(function, &mut Lineage::default());
            }
            Statement::Declare { stmts } => self.declare(stmts),
            Statement::Fetch { name: _, direction: _, position: _, into } => {
                self.verb(Verb::Fetch);
                self.foreign(into.is_some(), "FETCH INTO");
            }
            Statement::Close { cursor: _ } => self.verb(Verb::Close),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::Lock(lock) => {
                self.verb(Verb::Lock);
                for LockTableTarget { name, only: _, has_asterisk: _ } in &lock.tables {
                    self.touch(name, ObjectKind::Table, Access::Lock);
                }
            }
            Statement::StartTransaction {
                modes,
                begin: _,
                transaction: _,
                modifier,
                statements,
                exception,
                has_end_keyword,
            } => {
                self.verb(Verb::Begin);
                let block = !statements.is_empty() || exception.is_some() || *has_end_keyword;
                self.foreign(modifier.is_some() || block, "kind of BEGIN");
                let writes = |mode: &TransactionMode| {
                    *mode == TransactionMode::AccessMode(TransactionAccessMode::ReadWrite)
                };
                if modes.iter().any(writes) {
                    self.effect(Effect::Setting("transaction_read_only".to_owned()));
                }
            }
            Statement::Commit { chain: _, end: _, modifier } => {
                self.verb(Verb::Commit);
                self.foreign(modifier.is_some(), "kind of COMMIT");
            }
            Statement::Rollback { chain: _, savepoint: _ } => self.verb(Verb::Rollback),
            Statement::Savepoint { name: _ } => self.verb(Verb::Savepoint),
            Statement::ReleaseSavepoint { name: _ } => self.verb(Verb::Release),
            Statement::Discard { object_type } => {
                self.verb(Verb::Discard);
                if *object_type == sqlparser::ast::DiscardObject::ALL {
                    // It resets all settings, and who the session is.
                    self.effect(Effect::Setting("all".to_owned()));
                    self.effect(Effect::SwitchRole);
                }
            }
            Statement::LISTEN { channel: _ } | Statement::UNLISTEN { channel: _ } => self.verb(Verb::Listen),
            Statement::NOTIFY { channel: _, payload: _ } => self.verb(Verb::Notify),
            Statement::Load { extension_name: _ } => {
                self.verb(Verb::Load);
                self.opaque("load");
            }
            Statement::ShowVariable { variable: _ } => self.verb(Verb::Show),
            Statement::Analyze(analyze) => self.analyze(analyze),
            Statement::CreateTable(table) => self.create_table(table),
            Statement::CreateView(view) => self.create_view(view),
            Statement::AlterTable(table) => self.alter_table(table),
            Statement::AlterView { name, columns: _, query, with_options: _ } => {
                self.verb(Verb::Alter);
                self.opaque("ALTER VIEW AS");
                self.touch(name, ObjectKind::Table, Access::Alter);
                self.query(query);
            }
            Statement::CreateIndex(_)
            | Statement::CreateRole(_)
            | Statement::CreateServer(_)
            | Statement::CreatePolicy(_)
            | Statement::CreateOperator(_)
            | Statement::CreateOperatorFamily(_)
            | Statement::CreateOperatorClass(_)
            | Statement::CreateTextSearch(_)
            | Statement::CreateExtension(_)
            | Statement::CreateCollation(_)
            | Statement::CreateSchema { .. }
            | Statement::CreateDatabase { .. }
            | Statement::CreateFunction(_)
            | Statement::CreateProcedure { .. }
            | Statement::CreateTrigger(_)
            | Statement::CreateSequence { .. }
            | Statement::CreateDomain(_)
            | Statement::CreateType { .. } => {
                self.verb(Verb::Create);
                self.create(statement);
            }
            Statement::AlterSchema(_)
            | Statement::AlterIndex { .. }
            | Statement::AlterFunction(_)
            | Statement::AlterType(_)
            | Statement::AlterCollation(_)
            | Statement::AlterOperator(_)
            | Statement::AlterOperatorFamily(_)
            | Statement::AlterOperatorClass(_)
            | Statement::AlterTextSearch(_)
            | Statement::AlterRole { .. }
            | Statement::AlterPolicy(_) => {
                self.verb(Verb::Alter);
                self.alter(statement);
            }
            Statement::Drop { .. }
            | Statement::DropFunction(_)
            | Statement::DropDomain(_)
            | Statement::DropProcedure { .. }
            | Statement::DropPolicy(_)
            | Statement::DropTrigger(_)
            | Statement::DropExtension(_)
            | Statement::DropOperator(_)
            | Statement::DropOperatorFamily(_)
            | Statement::DropOperatorClass(_) => {
                self.verb(Verb::Drop);
                self.drop_objects(statement);
            }
            Statement::Grant(grant) => self.grant(grant),
            Statement::Revoke(revoke) => self.revoke(revoke),
            Statement::Comment { object_type, object_name, comment: _, if_exists } => {
                self.verb(Verb::Comment);
                self.foreign(*if_exists, "COMMENT IF EXISTS");
                self.comment(object_type, object_name);
            }
            // Read by `utility` before the parser.
            Statement::Set(_) | Statement::Reset(_) | Statement::Vacuum(_) => {
                self.opaque("setting or maintenance")
            }
            // Not PostgreSQL's.
            Statement::Msck(_)
            | Statement::Install { .. }
            | Statement::Directory { .. }
            | Statement::Case(_)
            | Statement::If(_)
            | Statement::While(_)
            | Statement::Raise(_)
            | Statement::CopyIntoSnowflake { .. }
            | Statement::Open(_)
            | Statement::CreateVirtualTable { .. }
            | Statement::CreateSecret { .. }
            | Statement::CreateConnector(_)
            | Statement::AlterConnector { .. }
            | Statement::AlterSession { .. }
            | Statement::AttachDatabase { .. }
            | Statement::AttachDuckDBDatabase { .. }
            | Statement::DetachDuckDBDatabase { .. }
            | Statement::DropSecret { .. }
            | Statement::DropConnector { .. }
            | Statement::Flush { .. }
            | Statement::ShowFunctions { .. }
            | Statement::ShowStatus { .. }
            | Statement::ShowVariables { .. }
            | Statement::ShowCreate { .. }
            | Statement::ShowColumns { .. }
            | Statement::ShowCatalogs { .. }
            | Statement::ShowDatabases { .. }
            | Statement::ShowProcessList { .. }
            | Statement::ShowSchemas { .. }
            | Statement::ShowCharset(_)
            | Statement::ShowObjects(_)
            | Statement::ShowTables { .. }
            | Statement::ShowViews { .. }
            | Statement::ShowCollation { .. }
            | Statement::Use(_)
            | Statement::CreateMacro { .. }
            | Statement::CreateStage { .. }
            | Statement::CreateFileFormat { .. }
            | Statement::CreateWarehouse(_)
            | Statement::Assert { .. }
            | Statement::Deny(_)
            | Statement::Kill { .. }
            | Statement::ExplainTable { .. }
            | Statement::Cache { .. }
            | Statement::UNCache { .. }
            | Statement::Pragma { .. }
            | Statement::LockTables { .. }
            | Statement::UnlockTables
            | Statement::Unload { .. }
            | Statement::OptimizeTable { .. }
            | Statement::LoadData { .. }
            | Statement::RenameTable(_)
            | Statement::List(_)
            | Statement::Put { .. }
            | Statement::Remove(_)
            | Statement::RaisError { .. }
            | Statement::Throw(_)
            | Statement::Print(_)
            | Statement::WaitFor(_)
            | Statement::Return(_)
            | Statement::ExportData(_)
            | Statement::CreateUser(_)
            | Statement::AlterUser(_) => self.opaque("statement of another dialect"),
        }
        None
    }

    /// COPY; its columns are those of the rows that go to the client.
    fn copy(&mut self, source: &'a CopySource, to: bool, target: &'a CopyTarget) -> Columns<'a> {
        self.verb(Verb::Copy);
        match (target, to) {
            (CopyTarget::Stdin | CopyTarget::Stdout, true) => self.effect(Effect::CopyOut),
            (CopyTarget::Stdin | CopyTarget::Stdout, false) => self.effect(Effect::CopyIn),
            (CopyTarget::File { filename: _ }, _) => self.effect(Effect::File),
            (CopyTarget::Program { command: _ }, _) => self.effect(Effect::Program),
        }
        match source {
            CopySource::Query(query) => self.query(query),
            CopySource::Table { table_name, columns } => {
                let access = if to { Access::Read } else { Access::Write };
                self.touch(table_name, ObjectKind::Table, access);
                for column in columns {
                    self.column(column);
                }
                if columns.is_empty() {
                    self.all_columns();
                }
                let outputs = columns.iter().map(|Ident { value, .. }| (value.as_str(), Out::Column(value)));
                let outputs: Vec<_> =
                    if columns.is_empty() { vec![("*", Out::Star)] } else { outputs.collect() };
                to.then(|| Rc::new(Named::new(outputs)))
            }
        }
    }

    fn explain(
        &mut self,
        alias: &DescribeAlias,
        analyze: bool,
        options: Option<&'a [UtilityOption]>,
        statement: &'a Statement,
    ) {
        self.verb(Verb::Explain);
        self.foreign(*alias != DescribeAlias::Explain, "DESCRIBE");
        let runs = analyze || options.unwrap_or_default().iter().any(runs_the_statement);
        if runs {
            self.statement(statement);
            return;
        }
        // Planned, not run: what it would write is only looked up, but what would be opaque stays so.
        let outer = (std::mem::take(&mut self.verbs), std::mem::take(&mut self.effects), self.unbounded);
        let stored = std::mem::take(&mut self.stored);
        self.statement(statement);
        self.stored = stored;
        let inner = std::mem::replace(&mut self.effects, outer.1);
        self.effects.extend(inner.into_iter().filter(|effect| matches!(effect, Effect::Prepared(_))));
        (self.verbs, self.unbounded) = (outer.0, outer.2);
        for Relation { access, .. } in &mut self.relations {
            *access = Access::Read;
        }
    }

    fn declare(&mut self, declarations: &'a [Declare]) {
        self.verb(Verb::Declare);
        self.foreign(declarations.len() != 1, "DECLARE of several");
        for declaration in declarations {
            let Declare {
                names: _,
                data_type,
                assignment,
                declare_type: _,
                binary: _,
                sensitive: _,
                scroll: _,
                hold: _,
                for_query,
            } = declaration;
            self.foreign(data_type.is_some() || assignment.is_some(), "DECLARE of a variable");
            match for_query {
                Some(query) => {
                    self.query(query);
                }
                None => self.opaque("DECLARE without a query"),
            }
        }
    }

    fn truncate(&mut self, truncate: &'a Truncate) {
        let Truncate { table_names, partitions, table: _, if_exists, identity: _, cascade, on_cluster } =
            truncate;
        self.verb(Verb::Truncate);
        self.foreign(partitions.is_some() || *if_exists || on_cluster.is_some(), "kind of TRUNCATE");
        for TruncateTableTarget { name, only: _, has_asterisk: _ } in table_names {
            self.touch(name, ObjectKind::Table, Access::Write);
        }
        if *cascade == Some(CascadeOption::Cascade) {
            // To every table that has a foreign key to one of these.
            self.unnamed(&[Access::Write]);
        }
    }

    fn analyze(&mut self, analyze: &'a Analyze) {
        self.verb(Verb::Analyze);
        let Analyze {
            table_name,
            partitions,
            for_columns,
            columns,
            cache_metadata,
            noscan,
            compute_statistics,
            has_table_keyword,
        } = analyze;
        let foreign =
            partitions.is_some() || *for_columns || *cache_metadata || *noscan || *compute_statistics;
        self.foreign(foreign || *has_table_keyword, "kind of ANALYZE");
        match table_name {
            Some(name) => self.touch(name, ObjectKind::Table, Access::Read),
            None => self.unnamed(&[Access::Read]),
        }
        for column in columns {
            self.column(column);
        }
    }

    /// CREATE … AS: a query whose rows fill a new relation; its columns.
    pub(super) fn filled_by(&mut self, name: &'a ObjectName, query: &'a Query) -> Columns<'a> {
        self.touch(name, ObjectKind::Table, Access::Create);
        self.query(query)
    }
}

/// Whether an option of EXPLAIN makes it run the statement; what is not plainly off is on.
fn runs_the_statement(option: &UtilityOption) -> bool {
    let UtilityOption { name, arg } = option;
    if name.value != "analyze" && name.value != "analyse" {
        return false;
    }
    match arg {
        Some(Expr::Value(ValueWithSpan { value: Value::Boolean(on), span: _ })) => *on,
        Some(Expr::Value(ValueWithSpan { value: Value::Number(text, _), span: _ })) => {
            crate::shape::value(text) != Some("0")
        }
        Some(Expr::Identifier(word)) => word.value != "off" && word.value != "false",
        _ => true,
    }
}
