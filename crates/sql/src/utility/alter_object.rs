//! ALTER of any kind of object by what all of them have: a name, an owner, a schema, options, constraints.
//!
//! Tables are left to the parser, which knows more of theirs.

use chaperone_model::facts::{Access, ObjectKind, Relation, Statement, Verb};

use super::cursor::Cursor;
use super::{behavior, kinds, settings};

/// Reads the statement behind ALTER.
pub(super) fn object(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    if cursor.clone().word("table") {
        return None;
    }
    let kind = kinds::kind(cursor)?;
    statement.verbs.push(Verb::Alter);
    if cursor.word("if") {
        cursor.word("exists").then_some(())?;
    }
    kinds::object(cursor, statement, kind, Access::Alter)?;
    let kind = kind.0;
    if matches!(kind, ObjectKind::Database | ObjectKind::Role) {
        let mut ahead = cursor.clone();
        if kind == ObjectKind::Role && ahead.words(&["in", "database"]) {
            statement.relations.push(ahead.name()?.relation(ObjectKind::Database, Access::Alter));
        }
        if settings::of_later_sessions(&mut ahead, &mut statement.effects).is_some() {
            *cursor = ahead;
            return Some(());
        }
        statement.effects.clear();
    }
    match cursor.bare()? {
        "rename" => rename(cursor, statement, kind),
        "owner" => {
            cursor.word("to").then_some(())?;
            cursor.simple_name()
        }
        "set" if cursor.word("schema") => {
            statement.relations.push(cursor.name()?.relation(ObjectKind::Schema, Access::Create));
            Some(())
        }
        "set" if kind == ObjectKind::Database && cursor.word("tablespace") => cursor.simple_name(),
        "set" if kind == ObjectKind::Type && cursor.words(&["not", "null"]) => Some(()),
        "set" | "reset" => cursor.options(),
        "enable" if kind == ObjectKind::Trigger => {
            let _ = cursor.word("replica") || cursor.word("always");
            Some(())
        }
        "disable" if kind == ObjectKind::Trigger => Some(()),
        "validate" if kind == ObjectKind::Type => {
            cursor.word("constraint").then_some(())?;
            cursor.simple_name()
        }
        "drop" if kind == ObjectKind::Type => dropped(cursor, statement),
        _ => None,
    }
}

/// Behind RENAME: the object itself, or a part of it.
fn rename(cursor: &mut Cursor<'_>, statement: &mut Statement, kind: ObjectKind) -> Option<()> {
    if cursor.word("to") {
        // The new name is in the schema of the old one.
        let schema = statement.relations.first().and_then(|relation| relation.schema.clone());
        if kind == ObjectKind::Index {
            // PostgreSQL takes any relation here.
            for relation in &mut statement.relations {
                relation.kind = ObjectKind::Table;
            }
        }
        let kind = if kind == ObjectKind::Index { ObjectKind::Table } else { kind };
        let new = cursor.name()?.relation(kind, Access::Create);
        statement.relations.push(Relation { schema, ..new });
        return Some(());
    }
    let is_part = ["column", "attribute", "constraint"].iter().any(|part| cursor.word(part));
    if !is_part && kind != ObjectKind::Table {
        return None;
    }
    statement.columns.push(cursor.name()?.dotted());
    cursor.word("to").then_some(())?;
    cursor.simple_name()?;
    // Typed tables may follow their type.
    behavior(cursor, statement);
    Some(())
}

/// Behind DROP: what a type or a domain has.
fn dropped(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    if cursor.word("default") || cursor.words(&["not", "null"]) {
        return Some(());
    }
    (cursor.word("constraint") || cursor.word("attribute")).then_some(())?;
    if cursor.word("if") {
        cursor.word("exists").then_some(())?;
    }
    cursor.simple_name()?;
    behavior(cursor, statement);
    Some(())
}
