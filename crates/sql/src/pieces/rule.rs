//! CREATE RULE: queries that run later in the place of others, or beside them.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use super::draft::Part;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["or", "replace"]);
    cursor.word("rule").then_some(())?;
    draft.has_rows = true;
    draft.touch(&cursor.name()?, ObjectKind::Trigger, Access::Create);
    cursor.words(&["as", "on"]).then_some(())?;
    ["select", "insert", "update", "delete"].iter().any(|event| cursor.word(event)).then_some(())?;
    cursor.word("to").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Table, Access::Alter);
    if cursor.word("where") {
        draft.expression(cursor.expression(|word| word == "do")?);
    }
    cursor.word("do").then_some(())?;
    let _ = cursor.word("also") || cursor.word("instead");
    if cursor.word("nothing") {
        return Some(());
    }
    // `(SELECT 1)` is one action in parentheses, and a list of one.
    let mut list = cursor.clone();
    if let Some(inner) = list.parentheses().filter(|_| list.at_end()) {
        *cursor = list;
        let mut actions = Cursor::new(inner);
        loop {
            let action = actions.before_semicolon()?;
            if !action.is_empty() {
                draft.query(Part::Statement, action)?;
            }
            if !actions.semicolon() {
                return actions.at_end().then_some(());
            }
        }
    }
    draft.query(Part::Statement, cursor.rest())
}
