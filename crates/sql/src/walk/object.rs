//! DROP, GRANT, REVOKE, COMMENT.

use chaperone_model::facts::{Access, ObjectKind, Verb};
use sqlparser::ast::{
    Action, CascadeOption, CommentObject, DropBehavior, FunctionDesc, Grant, GrantObjects, Grantee,
    GranteeName, GranteesType, ObjectName, ObjectNamePart, ObjectType, Privileges, Revoke, Statement,
};

use super::Walk;

impl<'a> Walk<'a> {
    pub(super) fn drop_objects(&mut self, statement: &'a Statement) {
        match statement {
            Statement::Drop {
                object_type,
                if_exists: _,
                names,
                cascade,
                restrict: _,
                purge,
                temporary,
                table,
            } => {
                self.foreign(*purge || *temporary || table.is_some(), "kind of DROP");
                let kind = match object_type {
                    ObjectType::Table | ObjectType::View | ObjectType::MaterializedView => ObjectKind::Table,
                    ObjectType::Index => ObjectKind::Index,
                    ObjectType::Schema => ObjectKind::Schema,
                    ObjectType::Database => ObjectKind::Database,
                    ObjectType::Role | ObjectType::User => ObjectKind::Role,
                    ObjectType::Sequence => ObjectKind::Sequence,
                    ObjectType::Type => ObjectKind::Type,
                    ObjectType::Collation => ObjectKind::Other,
                    ObjectType::Stage | ObjectType::Stream | ObjectType::Warehouse => {
                        return self.opaque("kind of DROP");
                    }
                };
                self.touch_all(names, kind, Access::Drop);
                // All that is in a database goes with it.
                self.cascades(*cascade || kind == ObjectKind::Database);
            }
            Statement::DropFunction(drop) => {
                self.drop_functions(&drop.func_desc);
                self.drop_behavior(drop.drop_behavior.as_ref());
            }
            Statement::DropProcedure { if_exists: _, proc_desc, drop_behavior } => {
                self.drop_functions(proc_desc);
                self.drop_behavior(drop_behavior.as_ref());
            }
            Statement::DropDomain(drop) => {
                self.touch(&drop.name, ObjectKind::Type, Access::Drop);
                self.drop_behavior(drop.drop_behavior.as_ref());
            }
            Statement::DropPolicy(drop) => {
                self.drop_behavior(drop.drop_behavior.as_ref());
                self.touch_ident(&drop.name, ObjectKind::Trigger, Access::Drop);
                self.touch(&drop.table_name, ObjectKind::Table, Access::Alter);
            }
            Statement::DropTrigger(drop) => {
                self.touch(&drop.trigger_name, ObjectKind::Trigger, Access::Drop);
                self.touch_all(&drop.table_name, ObjectKind::Table, Access::Alter);
            }
            Statement::DropExtension(drop) => {
                // What it has made goes with it.
                self.cascades(true);
                for name in &drop.names {
                    self.touch_ident(name, ObjectKind::Extension, Access::Drop);
                }
            }
            Statement::DropOperator(drop) => {
                self.drop_behavior(drop.drop_behavior.as_ref());
                for operator in &drop.operators {
                    self.touch(&operator.name, ObjectKind::Function, Access::Drop);
                }
            }
            Statement::DropOperatorFamily(drop) => {
                self.drop_behavior(drop.drop_behavior.as_ref());
                self.touch_all(&drop.names, ObjectKind::Function, Access::Drop)
            }
            Statement::DropOperatorClass(drop) => {
                self.drop_behavior(drop.drop_behavior.as_ref());
                self.touch_all(&drop.names, ObjectKind::Function, Access::Drop)
            }
            _ => self.opaque("kind of DROP"),
        }
    }

    pub(super) fn drop_behavior(&mut self, behavior: Option<&DropBehavior>) {
        self.cascades(behavior == Some(&DropBehavior::Cascade));
    }

    fn drop_functions(&mut self, functions: &'a [FunctionDesc]) {
        for FunctionDesc { name, args: _ } in functions {
            self.touch(name, ObjectKind::Function, Access::Drop);
        }
    }

    pub(super) fn grant(&mut self, grant: &'a Grant) {
        let Grant {
            privileges,
            objects,
            grantees,
            with_grant_option: _,
            as_grantor,
            granted_by: _,
            current_grants,
        } = grant;
        self.verb(Verb::Grant);
        self.foreign(as_grantor.is_some() || current_grants.is_some(), "kind of GRANT");
        self.rights(privileges, objects.as_ref(), grantees);
    }

    pub(super) fn revoke(&mut self, revoke: &'a Revoke) {
        let Revoke { grant_option_for: _, privileges, objects, grantees, granted_by: _, cascade } = revoke;
        self.verb(Verb::Revoke);
        if *cascade == Some(CascadeOption::Cascade) {
            // From everybody to whom the right was passed on.
            self.unnamed(&[Access::Grant]);
        }
        self.rights(privileges, objects.as_ref(), grantees);
    }

    fn rights(
        &mut self,
        privileges: &'a Privileges,
        objects: Option<&'a GrantObjects>,
        grantees: &'a [Grantee],
    ) {
        for Grantee { grantee_type, name } in grantees {
            match name {
                Some(GranteeName::ObjectName(name)) => self.touch_grantee(name),
                Some(GranteeName::UserHost { .. }) => self.opaque("grantee"),
                None if *grantee_type == GranteesType::Public => {
                    self.relations.push(chaperone_model::facts::Relation {
                        schema: None,
                        name: "public".to_owned(),
                        kind: ObjectKind::Role,
                        access: Access::Grant,
                    });
                }
                None => self.opaque("grantee"),
            }
        }
        if let Privileges::Actions(actions) = privileges {
            for action in actions {
                self.privilege(action, objects.is_some());
            }
        }
        match objects {
            Some(objects) => self.objects(objects),
            // GRANT role TO role.
            None if matches!(privileges, Privileges::All { .. }) => self.opaque("GRANT without objects"),
            None => {}
        }
    }

    /// `public` and role names; CURRENT_USER and its kind are words here.
    fn touch_grantee(&mut self, name: &'a ObjectName) {
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() {
            self.relations.push(chaperone_model::facts::Relation {
                schema: None,
                name: ident.value.clone(),
                kind: ObjectKind::Role,
                access: Access::Grant,
            });
        } else {
            self.opaque("grantee");
        }
    }

    fn privilege(&mut self, action: &'a Action, on_objects: bool) {
        match action {
            Action::Connect
            | Action::Create { obj_type: None }
            | Action::Delete
            | Action::Execute { obj_type: None }
            | Action::Temporary
            | Action::Trigger
            | Action::Truncate
            | Action::Usage
                if on_objects => {}
            Action::Insert { columns }
            | Action::References { columns }
            | Action::Select { columns }
            | Action::Update { columns }
                if on_objects =>
            {
                for column in columns.iter().flatten() {
                    self.column(column);
                }
            }
            Action::Role { role } => self.touch(role, ObjectKind::Role, Access::Grant),
            _ => self.opaque("kind of privilege"),
        }
    }

    fn objects(&mut self, objects: &'a GrantObjects) {
        match objects {
            GrantObjects::Tables(names) | GrantObjects::Views(names) => {
                self.touch_all(names, ObjectKind::Table, Access::Grant);
            }
            GrantObjects::Sequences(names) => self.touch_all(names, ObjectKind::Sequence, Access::Grant),
            GrantObjects::Schemas(names) => self.touch_all(names, ObjectKind::Schema, Access::Grant),
            GrantObjects::AllTablesInSchema { schemas: names }
            | GrantObjects::AllSequencesInSchema { schemas: names }
            | GrantObjects::AllFunctionsInSchema { schemas: names } => {
                self.touch_all(names, ObjectKind::Schema, Access::Grant);
                self.unnamed(&[Access::Grant]);
            }
            GrantObjects::Databases(names) => self.touch_all(names, ObjectKind::Database, Access::Grant),
            GrantObjects::Function { name, arg_types: _ }
            | GrantObjects::Procedure { name, arg_types: _ } => {
                self.touch(name, ObjectKind::Function, Access::Grant);
            }
            GrantObjects::AllViewsInSchema { .. }
            | GrantObjects::AllMaterializedViewsInSchema { .. }
            | GrantObjects::AllExternalTablesInSchema { .. }
            | GrantObjects::FutureSchemasInDatabase { .. }
            | GrantObjects::FutureTablesInSchema { .. }
            | GrantObjects::FutureViewsInSchema { .. }
            | GrantObjects::FutureExternalTablesInSchema { .. }
            | GrantObjects::FutureMaterializedViewsInSchema { .. }
            | GrantObjects::FutureSequencesInSchema { .. }
            | GrantObjects::Warehouses(_)
            | GrantObjects::Integrations(_)
            | GrantObjects::ResourceMonitors(_)
            | GrantObjects::Users(_)
            | GrantObjects::ComputePools(_)
            | GrantObjects::Connections(_)
            | GrantObjects::FailoverGroup(_)
            | GrantObjects::ReplicationGroup(_)
            | GrantObjects::ExternalVolumes(_) => self.opaque("objects of GRANT"),
        }
    }

    pub(super) fn comment(&mut self, object: &'a CommentObject, name: &'a ObjectName) {
        let kind = match object {
            CommentObject::Table | CommentObject::View | CommentObject::MaterializedView => ObjectKind::Table,
            CommentObject::Index => ObjectKind::Index,
            CommentObject::Sequence => ObjectKind::Sequence,
            CommentObject::Schema => ObjectKind::Schema,
            CommentObject::Database => ObjectKind::Database,
            CommentObject::Role | CommentObject::User => ObjectKind::Role,
            CommentObject::Extension => ObjectKind::Extension,
            CommentObject::Function | CommentObject::Procedure => ObjectKind::Function,
            CommentObject::Type | CommentObject::Domain => ObjectKind::Type,
            CommentObject::Collation => ObjectKind::Other,
            CommentObject::Column => return self.comment_on_column(name),
        };
        self.touch(name, kind, Access::Alter);
    }

    /// `table.column`, `schema.table.column`.
    fn comment_on_column(&mut self, name: &'a ObjectName) {
        let idents: Option<Vec<_>> = name
            .0
            .iter()
            .map(|part| match part {
                ObjectNamePart::Identifier(ident) => Some(ident),
                ObjectNamePart::Function(_) => None,
            })
            .collect();
        match idents.as_deref() {
            Some([before @ .., table, column]) if before.len() < 3 => {
                self.columns.push(&column.value);
                self.relations.push(chaperone_model::facts::Relation {
                    schema: before.last().map(|schema| schema.value.clone()),
                    name: table.value.clone(),
                    kind: ObjectKind::Table,
                    access: Access::Alter,
                });
            }
            _ => self.opaque("COMMENT ON COLUMN"),
        }
    }
}
