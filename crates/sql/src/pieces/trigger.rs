//! CREATE TRIGGER and CREATE EVENT TRIGGER: functions that run later, whenever something happens.

use chaperone_model::facts::{Access, Effect, ObjectKind, Output, Stored};

use super::Draft;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["or", "replace"]);
    cursor.word("constraint");
    cursor.word("trigger").then_some(())?;
    draft.has_rows = true;
    draft.touch(&cursor.name()?, ObjectKind::Trigger, Access::Create);
    (cursor.word("before") || cursor.word("after") || cursor.words(&["instead", "of"])).then_some(())?;
    loop {
        match cursor.bare()? {
            "insert" | "delete" | "truncate" => {}
            "update" => {
                while cursor.word("of") || cursor.comma() {
                    let column = cursor.clone().any_word()?;
                    cursor.simple_name()?;
                    draft.column(column);
                }
            }
            _ => return None,
        }
        if !cursor.word("or") {
            break;
        }
    }
    cursor.word("on").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Table, Access::Alter);
    if cursor.word("from") {
        draft.touch(&cursor.name()?, ObjectKind::Table, Access::Read);
    }
    loop {
        if cursor.word("referencing") {
            while cursor.word("old") || cursor.word("new") {
                (cursor.word("table") || cursor.word("row")).then_some(())?;
                cursor.word("as");
                cursor.simple_name()?;
            }
        } else if cursor.word("for") {
            cursor.word("each");
            (cursor.word("row") || cursor.word("statement")).then_some(())?;
        } else if cursor.word("when") {
            draft.expression(cursor.parentheses()?);
        } else if !super::constraint::attributes(cursor) {
            break;
        }
    }
    // The rows are handed to a function, which may put them anywhere.
    draft.statement.stored.push(Stored { column: None, from: Output::Unknown });
    executes(cursor, draft)
}

/// CREATE EVENT TRIGGER, behind CREATE.
pub(super) fn create_event<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["event", "trigger"]).then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Trigger, Access::Create);
    // Whatever is made, changed or dropped later.
    draft.effect(Effect::Unnamed(Access::Alter));
    cursor.word("on").then_some(())?;
    cursor.any_word()?;
    if cursor.word("when") {
        loop {
            cursor.any_word()?;
            cursor.word("in").then_some(())?;
            cursor.constants()?;
            if !cursor.word("and") {
                break;
            }
        }
    }
    executes(cursor, draft)
}

/// `EXECUTE FUNCTION f ('x', …)`: its arguments are words and constants.
fn executes<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("execute").then_some(())?;
    (cursor.word("function") || cursor.word("procedure")).then_some(())?;
    let function = cursor.name()?;
    draft.call(&function);
    cursor.constants()
}
