//! CREATE and ALTER of everything that is not a table.

use chaperone_model::facts::{Access, ObjectKind};
use sqlparser::ast::{
    AlterFunctionAction, AlterFunctionOperation, AlterIndexOperation, AlterPolicyOperation,
    AlterRoleOperation, AlterSchemaOperation, CreateIndex, CreatePolicy, CreateRole,
    FunctionDefinitionSetParam, FunctionSetValue, ResetConfig, SchemaName, SetConfigValue, Statement,
    UserDefinedTypeRepresentation,
};

use super::Walk;

impl<'a> Walk<'a> {
    pub(super) fn create(&mut self, statement: &'a Statement) {
        match statement {
            Statement::CreateIndex(index) => self.create_index(index),
            Statement::CreateRole(role) => self.create_role(role),
            Statement::CreatePolicy(policy) => self.create_policy(policy),
            Statement::CreateServer(server) => {
                self.touch(&server.name, ObjectKind::Extension, Access::Create)
            }
            Statement::CreateExtension(extension) => {
                self.touch_ident(&extension.name, ObjectKind::Extension, Access::Create);
                // What it makes, and with CASCADE further extensions.
                self.unnamed(&[Access::Create]);
                if let Some(schema) = &extension.schema {
                    self.touch_ident(schema, ObjectKind::Schema, Access::Read);
                }
            }
            Statement::CreateSchema {
                schema_name,
                or_replace,
                if_not_exists: _,
                with,
                options,
                default_collate_spec,
                clone,
            } => {
                let foreign = *or_replace || with.is_some() || options.is_some();
                self.foreign(
                    foreign || default_collate_spec.is_some() || clone.is_some(),
                    "kind of CREATE SCHEMA",
                );
                match schema_name {
                    SchemaName::Simple(name) => self.touch(name, ObjectKind::Schema, Access::Create),
                    SchemaName::UnnamedAuthorization(role) => {
                        self.touch_ident(role, ObjectKind::Schema, Access::Create);
                    }
                    SchemaName::NamedAuthorization(name, role) => {
                        self.touch(name, ObjectKind::Schema, Access::Create);
                        self.touch_ident(role, ObjectKind::Role, Access::Grant);
                    }
                }
            }
            Statement::CreateDatabase { db_name, .. } => {
                self.touch(db_name, ObjectKind::Database, Access::Create)
            }
            Statement::CreateSequence {
                temporary: _,
                if_not_exists: _,
                name,
                data_type: _,
                sequence_options,
                owned_by,
            } => {
                self.touch(name, ObjectKind::Sequence, Access::Create);
                self.sequence_options(sequence_options);
                self.foreign(owned_by.is_some(), "OWNED BY");
            }
            Statement::CreateDomain(domain) => {
                self.touch(&domain.name, ObjectKind::Type, Access::Create);
                self.discard_all(&domain.default);
                for constraint in &domain.constraints {
                    self.table_constraint(constraint);
                }
            }
            Statement::CreateType { name, representation } => {
                self.touch(name, ObjectKind::Type, Access::Create);
                match representation {
                    Some(
                        UserDefinedTypeRepresentation::Composite { attributes: _ }
                        | UserDefinedTypeRepresentation::Enum { labels: _ },
                    )
                    | None => {}
                    Some(
                        UserDefinedTypeRepresentation::Range { options: _ }
                        | UserDefinedTypeRepresentation::SqlDefinition { options: _ },
                    ) => self.opaque("type with functions"),
                }
            }
            Statement::CreateCollation(collation) => {
                self.touch(&collation.name, ObjectKind::Other, Access::Create)
            }
            Statement::CreateTextSearch(search) => {
                self.touch(&search.name, ObjectKind::Other, Access::Create)
            }
            // Code: what it does when it is called later is not told.
            Statement::CreateFunction(function) => {
                self.touch(&function.name, ObjectKind::Function, Access::Create);
                self.opaque("create function");
            }
            Statement::CreateProcedure { name, .. } => {
                self.touch(name, ObjectKind::Function, Access::Create);
                self.opaque("create procedure");
            }
            Statement::CreateTrigger(trigger) => {
                self.touch(&trigger.name, ObjectKind::Trigger, Access::Create);
                self.touch(&trigger.table_name, ObjectKind::Table, Access::Alter);
                self.opaque("create trigger");
            }
            Statement::CreateOperator(operator) => {
                self.touch(&operator.name, ObjectKind::Function, Access::Create);
                self.opaque("create operator");
            }
            Statement::CreateOperatorFamily(family) => {
                self.touch(&family.name, ObjectKind::Function, Access::Create);
                self.opaque("create operator family");
            }
            Statement::CreateOperatorClass(class) => {
                self.touch(&class.name, ObjectKind::Function, Access::Create);
                self.opaque("create operator class");
            }
            _ => self.opaque("kind of CREATE"),
        }
    }

    fn create_index(&mut self, index: &'a CreateIndex) {
        let CreateIndex {
            name,
            table_name,
            using: _,
            columns,
            unique: _,
            concurrently: _,
            r#async,
            if_not_exists: _,
            include,
            nulls_distinct: _,
            with,
            predicate,
            index_options,
            alter_options,
        } = index;
        self.foreign(
            *r#async || !index_options.is_empty() || !alter_options.is_empty(),
            "kind of CREATE INDEX",
        );
        self.touch(table_name, ObjectKind::Table, Access::Alter);
        // It belongs to the table's schema, and its name has none.
        let schema = self.parts(table_name).and_then(|(schema, _)| schema);
        for name in name.iter() {
            self.touch_beside(name, schema, ObjectKind::Index, Access::Create);
        }
        self.index_columns(columns);
        for column in include {
            self.column(column);
        }
        // `fillfactor = 70`: words and values that are no columns.
        for option in with {
            match option {
                sqlparser::ast::Expr::BinaryOp { left: _, op: sqlparser::ast::BinaryOperator::Eq, right } => {
                    self.option_value(right);
                }
                other => self.option_value(other),
            }
        }
        self.discard_all(predicate);
    }

    fn create_role(&mut self, role: &'a CreateRole) {
        let CreateRole {
            names,
            if_not_exists,
            login: _,
            inherit: _,
            bypassrls: _,
            password: _,
            superuser: _,
            create_db: _,
            create_role: _,
            replication: _,
            connection_limit: _,
            valid_until: _,
            in_role,
            in_group,
            role,
            user,
            admin,
            authorization_owner,
        } = role;
        self.foreign(*if_not_exists || authorization_owner.is_some(), "kind of CREATE ROLE");
        self.touch_all(names, ObjectKind::Role, Access::Create);
        for member in in_role.iter().chain(in_group).chain(role).chain(user).chain(admin) {
            self.touch_ident(member, ObjectKind::Role, Access::Grant);
        }
    }

    fn create_policy(&mut self, policy: &'a CreatePolicy) {
        let CreatePolicy { name, table_name, policy_type: _, command: _, to: _, using, with_check } = policy;
        self.touch_ident(name, ObjectKind::Trigger, Access::Create);
        self.touch(table_name, ObjectKind::Table, Access::Alter);
        self.discard_all(using);
        self.discard_all(with_check);
    }

    pub(super) fn alter(&mut self, statement: &'a Statement) {
        match statement {
            Statement::AlterSchema(schema) => {
                self.touch(&schema.name, ObjectKind::Schema, Access::Alter);
                for operation in &schema.operations {
                    match operation {
                        AlterSchemaOperation::Rename { name } => {
                            self.touch(name, ObjectKind::Schema, Access::Create)
                        }
                        AlterSchemaOperation::OwnerTo { owner: _ } => {}
                        AlterSchemaOperation::SetDefaultCollate { .. }
                        | AlterSchemaOperation::AddReplica { .. }
                        | AlterSchemaOperation::DropReplica { .. }
                        | AlterSchemaOperation::SetOptionsParens { .. } => {
                            self.opaque("operation of ALTER SCHEMA")
                        }
                    }
                }
            }
            Statement::AlterIndex { name, operation: AlterIndexOperation::RenameIndex { index_name } } => {
                // PostgreSQL takes any relation here.
                self.touch(name, ObjectKind::Table, Access::Alter);
                self.touch(index_name, ObjectKind::Table, Access::Create);
            }
            Statement::AlterType(alter) => self.touch(&alter.name, ObjectKind::Type, Access::Alter),
            Statement::AlterCollation(alter) => self.touch(&alter.name, ObjectKind::Other, Access::Alter),
            Statement::AlterTextSearch(alter) => self.touch(&alter.name, ObjectKind::Other, Access::Alter),
            Statement::AlterFunction(alter) => {
                self.touch(&alter.function.name, ObjectKind::Function, Access::Alter);
                self.alter_function(&alter.operation);
            }
            Statement::AlterOperator(alter) => self.touch(&alter.name, ObjectKind::Function, Access::Alter),
            Statement::AlterOperatorFamily(alter) => {
                self.touch(&alter.name, ObjectKind::Function, Access::Alter);
                self.opaque("alter operator family");
            }
            Statement::AlterOperatorClass(alter) => {
                self.touch(&alter.name, ObjectKind::Function, Access::Alter)
            }
            Statement::AlterPolicy(alter) => {
                self.touch_ident(&alter.name, ObjectKind::Trigger, Access::Alter);
                self.touch(&alter.table_name, ObjectKind::Table, Access::Alter);
                match &alter.operation {
                    AlterPolicyOperation::Rename { new_name: _ } => {}
                    AlterPolicyOperation::Apply { to: _, using, with_check } => {
                        self.discard_all(using);
                        self.discard_all(with_check);
                    }
                }
            }
            Statement::AlterRole { name, operation } => {
                self.touch_ident(name, ObjectKind::Role, Access::Alter);
                self.alter_role(operation);
            }
            _ => self.opaque("kind of ALTER"),
        }
    }

    fn alter_role(&mut self, operation: &'a AlterRoleOperation) {
        match operation {
            AlterRoleOperation::RenameRole { role_name } => {
                self.touch_ident(role_name, ObjectKind::Role, Access::Create);
            }
            AlterRoleOperation::WithOptions { options: _ } => {}
            // Settings of later sessions.
            AlterRoleOperation::Set { config_name, config_value, in_database } => {
                match config_value {
                    SetConfigValue::Default | SetConfigValue::FromCurrent => {}
                    SetConfigValue::Value(value) => self.option_value(value),
                }
                self.touch_all(in_database, ObjectKind::Database, Access::Alter);
                self.setting_named(config_name);
            }
            AlterRoleOperation::Reset { config_name, in_database } => {
                self.touch_all(in_database, ObjectKind::Database, Access::Alter);
                self.setting_reset(config_name);
            }
            AlterRoleOperation::AddMember { .. } | AlterRoleOperation::DropMember { .. } => {
                self.opaque("member of a role");
            }
        }
    }

    fn alter_function(&mut self, operation: &'a AlterFunctionOperation) {
        match operation {
            AlterFunctionOperation::RenameTo { new_name } => {
                self.touch_ident(new_name, ObjectKind::Function, Access::Create);
            }
            AlterFunctionOperation::OwnerTo(_) => {}
            AlterFunctionOperation::SetSchema { schema_name } => {
                self.touch(schema_name, ObjectKind::Schema, Access::Create);
            }
            AlterFunctionOperation::DependsOnExtension { no: _, extension_name } => {
                self.touch(extension_name, ObjectKind::Extension, Access::Read);
            }
            AlterFunctionOperation::Actions { actions, restrict: _ } => {
                for action in actions {
                    self.alter_function_action(action);
                }
            }
        }
    }

    fn alter_function_action(&mut self, action: &'a AlterFunctionAction) {
        match action {
            AlterFunctionAction::CalledOnNull(_)
            | AlterFunctionAction::Behavior(_)
            | AlterFunctionAction::Leakproof(_)
            | AlterFunctionAction::Security { external: _, security: _ }
            | AlterFunctionAction::Parallel(_) => {}
            AlterFunctionAction::Cost(value) | AlterFunctionAction::Rows(value) => self.discard(value),
            AlterFunctionAction::Support(name) => self.touch(name, ObjectKind::Function, Access::Read),
            // For as long as the function runs.
            AlterFunctionAction::Set(FunctionDefinitionSetParam { name, value }) => {
                match value {
                    FunctionSetValue::Default | FunctionSetValue::FromCurrent => {}
                    FunctionSetValue::Values(values) => {
                        for value in values {
                            self.option_value(value);
                        }
                    }
                }
                self.setting_named(name);
            }
            AlterFunctionAction::Reset(config) => self.setting_reset(config),
        }
    }

    fn setting_reset(&mut self, config: &'a ResetConfig) {
        match config {
            ResetConfig::ALL => self.effect(chaperone_model::facts::Effect::Setting("all".to_owned())),
            ResetConfig::ConfigName(name) => self.setting_named(name),
        }
    }

    fn setting_named(&mut self, name: &'a sqlparser::ast::ObjectName) {
        match self.parts(name) {
            Some((None, name)) => self.effect(crate::utility::setting(name)),
            Some((Some(class), name)) => self.effect(crate::utility::setting(&format!("{class}.{name}"))),
            None => {}
        }
    }
}
