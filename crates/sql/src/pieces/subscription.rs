//! Subscriptions, and publications with conditions.

use chaperone_model::facts::{Access, Effect, ObjectKind};

use super::Draft;
use crate::utility::Cursor;

/// CREATE SUBSCRIPTION, behind CREATE: rows of another server come into tables that the text does not name.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("subscription").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
    draft.effect(Effect::Unnamed(Access::Write));
    cursor.word("connection").then_some(())?;
    cursor.string().then_some(())?;
    cursor.word("publication").then_some(())?;
    names(cursor)?;
    if cursor.word("with") {
        cursor.options()?;
    }
    Some(())
}

fn names(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        cursor.simple_name()?;
        if !cursor.comma() {
            return Some(());
        }
    }
}

/// ALTER SUBSCRIPTION and ALTER PUBLICATION, behind ALTER.
pub(super) fn alter<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.word("publication") {
        draft.touch(&cursor.name()?, ObjectKind::Other, Access::Alter);
        (cursor.word("add") || cursor.word("drop") || cursor.word("set")).then_some(())?;
        return tables(cursor, draft);
    }
    cursor.word("subscription").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Alter);
    match cursor.bare()? {
        "connection" => {
            draft.effect(Effect::Unnamed(Access::Write));
            cursor.string().then_some(())
        }
        "set" if cursor.options().is_some() => Some(()),
        "skip" => cursor.options(),
        "refresh" => {
            draft.effect(Effect::Unnamed(Access::Write));
            cursor.word("publication").then_some(())?;
            with(cursor)
        }
        "add" | "drop" | "set" => {
            draft.effect(Effect::Unnamed(Access::Write));
            cursor.word("publication").then_some(())?;
            names(cursor)?;
            with(cursor)
        }
        "enable" => {
            draft.effect(Effect::Unnamed(Access::Write));
            Some(())
        }
        "disable" => Some(()),
        _ => None,
    }
}

fn with(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.word("with") { cursor.options() } else { Some(()) }
}

/// CREATE PUBLICATION, behind CREATE.
pub(super) fn create_publication<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("publication").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
    cursor.word("for").then_some(())?;
    tables(cursor, draft)?;
    with(cursor)
}

/// Tables with columns and conditions, and all of schemas.
fn tables<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    // Rows of theirs leave, as by COPY.
    draft.effect(Effect::CopyOut);
    let mut in_schemas = None;
    loop {
        if cursor.words(&["tables", "in", "schema"]) {
            in_schemas = Some(true);
        } else if cursor.word("table") {
            in_schemas = Some(false);
        }
        if in_schemas? {
            if !cursor.word("current_schema") {
                draft.touch(&cursor.name()?, ObjectKind::Schema, Access::Read);
            }
            draft.effect(Effect::Unnamed(Access::Read));
        } else {
            draft.touch(&cursor.relation_name()?, ObjectKind::Table, Access::Read);
            for column in cursor.columns()? {
                draft.column(column);
            }
        }
        if cursor.word("where") {
            draft.expression(cursor.parentheses()?);
        }
        if !cursor.comma() {
            return Some(());
        }
    }
}
