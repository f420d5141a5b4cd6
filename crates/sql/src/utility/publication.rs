//! CREATE and ALTER PUBLICATION: which tables go out to whoever subscribes.

use chaperone_model::facts::{Access, Effect, ObjectKind, Statement, Verb};

use super::cursor::Cursor;
use super::unnamed;

/// Reads the statement behind CREATE PUBLICATION.
pub(super) fn create(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Create);
    statement.relations.push(cursor.name()?.relation(ObjectKind::Other, Access::Create));
    if cursor.word("for") {
        if cursor.words(&["all", "tables"]) {
            statement.effects.push(Effect::CopyOut);
            unnamed(statement, &[Access::Read]);
        } else {
            tables(cursor, statement)?;
        }
    }
    if cursor.word("with") {
        cursor.options()?;
    }
    Some(())
}

/// Reads the statement behind ALTER PUBLICATION, where it is about tables.
pub(super) fn alter(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Alter);
    statement.relations.push(cursor.name()?.relation(ObjectKind::Other, Access::Alter));
    ["add", "drop", "set"].iter().any(|action| cursor.word(action)).then_some(())?;
    tables(cursor, statement)
}

/// Tables, and all of schemas. A condition of a table is an expression, and not read.
fn tables(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    // Rows of theirs leave, as by COPY.
    statement.effects.push(Effect::CopyOut);
    let mut in_schemas = None;
    loop {
        if cursor.words(&["tables", "in", "schema"]) {
            in_schemas = Some(true);
        } else if cursor.word("table") {
            in_schemas = Some(false);
        }
        if in_schemas? {
            if !cursor.word("current_schema") {
                statement.relations.push(cursor.name()?.relation(ObjectKind::Schema, Access::Read));
            }
            unnamed(statement, &[Access::Read]);
        } else {
            statement.relations.push(cursor.relation_name()?.relation(ObjectKind::Table, Access::Read));
            for column in cursor.columns()? {
                statement.columns.push(column.to_owned());
            }
        }
        if !cursor.comma() {
            return Some(());
        }
    }
}
