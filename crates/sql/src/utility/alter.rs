//! ALTER of relations by the actions that the parser does not know: partitions, inheritance, storage, schemas.
//!
//! A statement is read here only if every one of its actions is one of these; any other goes to the parser.

use chaperone_model::facts::{Access, ObjectKind, Statement, Verb};

use super::cursor::Cursor;

/// Reads the statement behind ALTER.
pub(super) fn relation(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    let kind = if cursor.word("foreign") || cursor.word("materialized") {
        (cursor.word("table") || cursor.word("view")).then_some(ObjectKind::Table)?
    } else if cursor.word("table") || cursor.word("view") {
        ObjectKind::Table
    } else if cursor.word("index") {
        ObjectKind::Index
    } else if cursor.word("sequence") {
        ObjectKind::Sequence
    } else {
        return None;
    };
    statement.verbs.push(Verb::Alter);
    if cursor.word("if") {
        cursor.word("exists").then_some(())?;
    }
    statement.relations.push(cursor.relation_name()?.relation(kind, Access::Alter));
    loop {
        action(cursor, statement)?;
        if !cursor.comma() {
            return Some(());
        }
    }
}

pub(crate) fn action(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    let table = |cursor: &mut Cursor<'_>, statement: &mut Statement| {
        statement.relations.push(cursor.name()?.relation(ObjectKind::Table, Access::Alter));
        Some(())
    };
    match cursor.bare()? {
        "attach" => {
            cursor.word("partition").then_some(())?;
            table(cursor, statement)?;
            bound(cursor)
        }
        "detach" => {
            cursor.word("partition").then_some(())?;
            table(cursor, statement)?;
            let _ = cursor.word("concurrently") || cursor.word("finalize");
            Some(())
        }
        "inherit" => table(cursor, statement),
        "no" => {
            cursor.word("inherit").then_some(())?;
            table(cursor, statement)
        }
        "cluster" => {
            cursor.word("on").then_some(())?;
            statement.relations.push(cursor.name()?.relation(ObjectKind::Index, Access::Read));
            Some(())
        }
        "of" => {
            statement.relations.push(cursor.name()?.relation(ObjectKind::Type, Access::Read));
            Some(())
        }
        "not" => cursor.word("of").then_some(()),
        "set" => set(cursor, statement),
        "reset" => cursor.options(),
        "alter" => part(cursor, statement),
        _ => None,
    }
}

/// Behind `ATTACH PARTITION name`: nothing, or a bound of constants.
fn bound(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.word("default") {
        return Some(());
    }
    if !cursor.word("for") {
        return Some(());
    }
    cursor.word("values").then_some(())?;
    if cursor.word("from") {
        cursor.constants()?;
        cursor.word("to").then_some(())?;
        return cursor.constants();
    }
    if cursor.word("with") {
        return cursor.options();
    }
    cursor.word("in").then_some(())?;
    cursor.constants()
}

fn set(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    if cursor.options().is_some() {
        return Some(());
    }
    match cursor.bare()? {
        "schema" => {
            statement.relations.push(cursor.name()?.relation(ObjectKind::Schema, Access::Create));
            Some(())
        }
        "logged" | "unlogged" => Some(()),
        "tablespace" => cursor.simple_name(),
        "access" => {
            cursor.word("method").then_some(())?;
            cursor.simple_name()
        }
        "without" => (cursor.word("cluster") || cursor.word("oids")).then_some(()),
        _ => None,
    }
}

/// Behind `ALTER`: a column or a constraint.
fn part(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    if cursor.word("constraint") {
        cursor.simple_name()?;
        while ["not", "deferrable", "initially", "deferred", "immediate"].iter().any(|word| cursor.word(word))
        {
        }
        return Some(());
    }
    cursor.word("column");
    // A column of an index is told by its number.
    if !cursor.integer() {
        statement.columns.push(cursor.name()?.dotted());
    }
    if cursor.word("reset") {
        return cursor.options();
    }
    if cursor.word("drop") {
        (cursor.word("expression") || cursor.word("identity")).then_some(())?;
        return if cursor.word("if") { cursor.word("exists").then_some(()) } else { Some(()) };
    }
    cursor.word("set").then_some(())?;
    if cursor.options().is_some() {
        return Some(());
    }
    match cursor.bare()? {
        "statistics" => cursor.integer().then_some(()),
        "storage" | "compression" => (cursor.bare().is_some() || cursor.string()).then_some(()),
        _ => None,
    }
}
