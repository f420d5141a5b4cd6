//! CREATE and ALTER PUBLICATION: which tables go out to whoever subscribes.

use chaperone_model::facts::{Access, Effect, ObjectKind};

use super::Draft;
use super::subscription::with;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("publication").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
    if cursor.words(&["for", "all", "tables"]) {
        draft.effect(Effect::CopyOut);
        draft.effect(Effect::Unnamed(Access::Read));
    } else if cursor.word("for") {
        tables(cursor, draft)?;
    }
    with(cursor)
}

/// Reads the statement behind ALTER, where it is about tables.
pub(super) fn alter<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("publication").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Alter);
    (cursor.word("add") || cursor.word("drop") || cursor.word("set")).then_some(())?;
    tables(cursor, draft)
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
