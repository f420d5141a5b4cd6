//! CREATE INDEX, and what indexes and keys of partitions are made of.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("unique");
    cursor.word("index").then_some(())?;
    cursor.word("concurrently");
    cursor.if_not_exists();
    if !cursor.clone().word("on") {
        draft.touch(&cursor.name()?, ObjectKind::Index, Access::Create);
    }
    cursor.word("on").then_some(())?;
    draft.touch(&cursor.relation_name()?, ObjectKind::Table, Access::Alter);
    if cursor.word("using") {
        cursor.simple_name()?;
    }
    let elements = cursor.members().filter(|elements| !elements.is_empty())?;
    for mut member in elements {
        element(&mut member, draft)?;
    }
    if cursor.word("include") {
        for column in cursor.columns()? {
            draft.column(column);
        }
    }
    let _ = cursor.words(&["nulls", "not", "distinct"]) || cursor.words(&["nulls", "distinct"]);
    let mut ahead = cursor.clone();
    if ahead.word("with") {
        ahead.options()?;
        *cursor = ahead;
    }
    if cursor.word("tablespace") {
        cursor.simple_name()?;
    }
    if cursor.word("where") {
        draft.expression(cursor.rest());
    }
    Some(())
}

/// A column, a call or an expression in parentheses, and how its values are compared.
pub(super) fn element<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    draft.expression(cursor.operand()?);
    if cursor.word("collate") {
        cursor.name()?;
    }
    if !matches!(cursor.clone().bare(), Some("asc" | "desc" | "nulls")) && !cursor.at_end() {
        cursor.name()?;
        // Parameters of the class.
        let _ = cursor.options();
    }
    let _ = cursor.word("asc") || cursor.word("desc");
    let _ = cursor.words(&["nulls", "first"]) || cursor.words(&["nulls", "last"]);
    cursor.at_end().then_some(())
}
