//! Operators, their families and classes, types and casts. The functions behind them run whenever a value is used, which
//! then names none of them: a statement that brings one is told, and stays opaque.

use chaperone_model::facts::{Access, ObjectKind, Relation};

use super::Draft;
use crate::utility::Cursor;

/// What of a definition names a function.
const FUNCTIONS: [&str; 16] = [
    "analyze",
    "canonical",
    "function",
    "input",
    "join",
    "output",
    "procedure",
    "receive",
    "restrict",
    "send",
    "subscript",
    "subtype_diff",
    "typmod_in",
    "typmod_out",
    "handler",
    "validator",
];

/// CREATE OPERATOR, behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("operator").then_some(())?;
    if matches!(cursor.clone().bare(), Some("class" | "family")) {
        return None;
    }
    let name = cursor.operator()?;
    draft.statement.relations.push(Relation {
        schema: None,
        name,
        kind: ObjectKind::Function,
        access: Access::Create,
    });
    definition(cursor, draft)
}

/// CREATE TYPE of a base type or a range, behind CREATE.
pub(super) fn create_type<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("type").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Type, Access::Create);
    if cursor.word("as") {
        cursor.word("range").then_some(())?;
    }
    definition(cursor, draft)
}

/// `(key = value, …)`.
fn definition<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    for mut member in cursor.members()? {
        let key = member.any_word()?;
        if !member.equals() {
            member.at_end().then_some(())?;
        } else if FUNCTIONS.contains(&key) {
            draft.hidden_call(&member.name()?);
            member.at_end().then_some(())?;
        }
    }
    Some(())
}

/// CREATE OPERATOR FAMILY, behind CREATE.
pub(super) fn create_family<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["operator", "family"]).then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Function, Access::Create);
    cursor.word("using").then_some(())?;
    cursor.simple_name()
}

/// CREATE OPERATOR CLASS, behind CREATE.
pub(super) fn create_class<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["operator", "class"]).then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Function, Access::Create);
    cursor.word("default");
    cursor.words(&["for", "type"]).then_some(())?;
    draft.touch(&cursor.clone().name()?, ObjectKind::Type, Access::Alter);
    cursor.type_name()?;
    cursor.word("using").then_some(())?;
    cursor.simple_name()?;
    if cursor.word("family") {
        draft.touch(&cursor.name()?, ObjectKind::Function, Access::Alter);
    }
    cursor.word("as").then_some(())?;
    items(cursor, draft)
}

/// ALTER OPERATOR FAMILY, behind ALTER: what is added to it, and what is taken out.
pub(super) fn alter_family<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["operator", "family"]).then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Function, Access::Alter);
    cursor.word("using").then_some(())?;
    cursor.simple_name()?;
    if cursor.word("drop") {
        loop {
            (cursor.word("operator") || cursor.word("function")).then_some(())?;
            cursor.integer().then_some(())?;
            cursor.parentheses()?;
            if !cursor.comma() {
                return Some(());
            }
        }
    }
    cursor.word("add").then_some(())?;
    items(cursor, draft)
}

/// `OPERATOR 1 < (a, b) FOR SEARCH, FUNCTION 1 (a, b) f (a, b), STORAGE t`.
fn items<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    loop {
        match cursor.bare()? {
            "operator" => {
                cursor.integer().then_some(())?;
                cursor.operator()?;
                cursor.skip_parentheses();
                if cursor.words(&["for", "order", "by"]) {
                    cursor.name()?;
                } else {
                    cursor.words(&["for", "search"]);
                }
                cursor.word("recheck");
            }
            "function" => {
                cursor.integer().then_some(())?;
                cursor.skip_parentheses();
                draft.hidden_call(&cursor.name()?);
                cursor.skip_parentheses();
            }
            "storage" => cursor.type_name()?,
            _ => return None,
        }
        if !cursor.comma() {
            return Some(());
        }
    }
}

/// CREATE CAST, behind CREATE.
pub(super) fn create_cast<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("cast").then_some(())?;
    crate::utility::cast(cursor, &mut draft.statement, Access::Create)?;
    if cursor.words(&["with", "function"]) {
        draft.hidden_call(&cursor.name()?);
        cursor.skip_parentheses();
    } else {
        (cursor.words(&["without", "function"]) || cursor.words(&["with", "inout"])).then_some(())?;
    }
    if cursor.word("as") {
        (cursor.word("assignment") || cursor.word("implicit")).then_some(())?;
    }
    Some(())
}
