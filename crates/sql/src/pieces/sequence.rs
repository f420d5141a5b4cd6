//! CREATE SEQUENCE, ALTER SEQUENCE, and the options of identities.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    let _ = cursor.word("temp") || cursor.word("temporary") || cursor.word("unlogged");
    cursor.word("sequence").then_some(())?;
    cursor.if_not_exists();
    draft.touch(&cursor.name()?, ObjectKind::Sequence, Access::Create);
    options(cursor, draft)
}

/// Reads the statement behind ALTER.
pub(super) fn alter<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("sequence").then_some(())?;
    cursor.if_exists();
    draft.touch(&cursor.name()?, ObjectKind::Sequence, Access::Alter);
    options(cursor, draft)
}

/// Options up to the end.
pub(super) fn options<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    while !cursor.at_end() {
        option(cursor, draft)?;
    }
    Some(())
}

/// One option.
pub(super) fn option<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    match cursor.bare()? {
        "as" => cursor.type_name(),
        "increment" => {
            cursor.word("by");
            cursor.number().then_some(())
        }
        "start" => {
            cursor.word("with");
            cursor.number().then_some(())
        }
        "restart" => {
            if cursor.word("with") {
                return cursor.number().then_some(());
            }
            cursor.number();
            Some(())
        }
        "minvalue" | "maxvalue" | "cache" => cursor.number().then_some(()),
        "no" => ["minvalue", "maxvalue", "cycle"].iter().any(|word| cursor.word(word)).then_some(()),
        "cycle" | "logged" | "unlogged" => Some(()),
        "sequence" => {
            cursor.word("name").then_some(())?;
            draft.touch(&cursor.name()?, ObjectKind::Sequence, Access::Create);
            Some(())
        }
        "owned" => {
            cursor.word("by").then_some(())?;
            if cursor.word("none") {
                return Some(());
            }
            let name = cursor.name()?;
            let (table, column) = name.of_column()?;
            draft.touch(&table, ObjectKind::Table, Access::Alter);
            draft.column(column);
            Some(())
        }
        _ => None,
    }
}
