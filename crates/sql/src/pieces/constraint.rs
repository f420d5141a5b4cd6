//! Constraints of tables.

use chaperone_model::facts::{Access, ObjectKind};

use super::{Draft, index};
use crate::utility::Cursor;

/// A constraint of a table, with or without a name.
pub(super) fn table_constraint<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.word("constraint") {
        cursor.simple_name()?;
    }
    match cursor.bare()? {
        "check" => draft.expression(cursor.parentheses()?),
        "primary" => {
            cursor.word("key").then_some(())?;
            keys(cursor, draft)?;
        }
        "unique" => {
            let _ = cursor.words(&["nulls", "not", "distinct"]) || cursor.words(&["nulls", "distinct"]);
            keys(cursor, draft)?;
        }
        "not" => {
            cursor.word("null").then_some(())?;
            let column = cursor.clone().any_word()?;
            cursor.simple_name()?;
            draft.column(column);
        }
        "exclude" => exclude(cursor, draft)?,
        "foreign" => {
            cursor.word("key").then_some(())?;
            for column in cursor.columns()? {
                draft.column(column);
            }
            cursor.word("references").then_some(())?;
            references(cursor, draft)?;
        }
        _ => return None,
    }
    while attributes(cursor) {}
    Some(())
}

/// Behind PRIMARY KEY or UNIQUE: columns, or an index that is there.
fn keys<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    let mut ahead = cursor.clone();
    if ahead.words(&["using", "index"]) && !ahead.clone().word("tablespace") {
        draft.touch(&ahead.name()?, ObjectKind::Index, Access::Alter);
        *cursor = ahead;
        return Some(());
    }
    let columns = cursor.columns().filter(|columns| !columns.is_empty())?;
    for column in columns {
        draft.column(column);
    }
    index_options(cursor, draft)
}

/// INCLUDE, WITH, USING INDEX TABLESPACE.
pub(super) fn index_options<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.word("include") {
        for column in cursor.columns()? {
            draft.column(column);
        }
    }
    let mut ahead = cursor.clone();
    if ahead.word("with") && ahead.options().is_some() {
        *cursor = ahead;
    }
    if cursor.words(&["using", "index", "tablespace"]) {
        cursor.simple_name()?;
    }
    Some(())
}

/// Behind EXCLUDE: expressions with the operators that compare them.
fn exclude<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.word("using") {
        cursor.simple_name()?;
    }
    for mut member in cursor.members()? {
        let element = member.before_with()?;
        index::element(&mut Cursor::new(element), draft)?;
        member.word("with").then_some(())?;
        member.operator()?;
        member.at_end().then_some(())?;
    }
    index_options(cursor, draft)?;
    if cursor.word("where") {
        draft.expression(cursor.parentheses()?);
    }
    Some(())
}

/// Behind REFERENCES.
pub(super) fn references<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    draft.touch(&cursor.name()?, ObjectKind::Table, Access::Read);
    for column in cursor.columns()? {
        draft.column(column);
    }
    loop {
        if cursor.word("match") {
            ["full", "partial", "simple"].iter().any(|kind| cursor.word(kind)).then_some(())?;
        } else if cursor.word("on") {
            (cursor.word("delete") || cursor.word("update")).then_some(())?;
            let known = cursor.words(&["no", "action"])
                || ["restrict", "cascade"].iter().any(|action| cursor.word(action))
                || cursor.words(&["set", "null"])
                || cursor.words(&["set", "default"]);
            known.then_some(())?;
            for column in cursor.columns()? {
                draft.column(column);
            }
        } else {
            return Some(());
        }
    }
}

/// Passes what says when a constraint holds.
pub(super) fn attributes(cursor: &mut Cursor<'_>) -> bool {
    cursor.word("deferrable")
        || cursor.words(&["not", "deferrable"])
        || cursor.words(&["initially", "deferred"])
        || cursor.words(&["initially", "immediate"])
        || cursor.words(&["not", "valid"])
        || cursor.words(&["no", "inherit"])
        || cursor.word("enforced")
        || cursor.words(&["not", "enforced"])
}
