//! CREATE TABLE and CREATE FOREIGN TABLE, in all their forms.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use super::constraint::table_constraint;
use super::draft::Part;
use super::{column, index};
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    let _ = cursor.word("global") || cursor.word("local");
    let _ = cursor.word("temp") || cursor.word("temporary") || cursor.word("unlogged");
    let foreign = cursor.word("foreign");
    if foreign {
        // It may be another name for a table of this database, whose columns a policy hides under the first one.
        draft.opaque("foreign table");
    }
    cursor.word("table").then_some(())?;
    cursor.if_not_exists();
    let name = cursor.name()?;
    draft.touch(&name, ObjectKind::Table, Access::Create);
    let part = if cursor.words(&["partition", "of"]) {
        draft.touch(&cursor.name()?, ObjectKind::Table, Access::Alter);
        true
    } else if cursor.word("of") {
        draft.touch(&cursor.name()?, ObjectKind::Type, Access::Read);
        true
    } else {
        false
    };
    if let Some(members) = cursor.members() {
        let named = members.iter().all(|member| {
            let mut member = member.clone();
            member.simple_name().is_some() && member.at_end()
        });
        for mut member in members {
            if named && !part {
                // `CREATE TABLE t (a, b) AS …`
                draft.column(member.any_word()?);
            } else {
                element(&mut member, draft, part)?;
                member.at_end().then_some(())?;
            }
        }
    }
    bound(cursor, draft)?;
    options(cursor, draft, foreign)?;
    if cursor.word("as") {
        // What a prepared statement gives is not told here.
        return filled(cursor, draft, Part::Rows);
    }
    Some(())
}

/// A column, a constraint, or LIKE.
fn element<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, part: bool) -> Option<()> {
    if cursor.word("like") {
        draft.touch(&cursor.name()?, ObjectKind::Table, Access::Read);
        while cursor.word("including") || cursor.word("excluding") {
            cursor.bare()?;
        }
        return Some(());
    }
    let mut ahead = cursor.clone();
    let parts = draft.parts.len();
    if table_constraint(&mut ahead, draft).is_some() && ahead.at_end() {
        *cursor = ahead;
        return Some(());
    }
    draft.parts.truncate(parts);
    column::definition(cursor, draft, !part)
}

/// `FOR VALUES …` or DEFAULT of a partition, if it is there.
pub(super) fn bound<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.word("default") || !cursor.words(&["for", "values"]) {
        return Some(());
    }
    if cursor.word("with") {
        return cursor.constants();
    }
    let lists = if cursor.word("from") { 2 } else { usize::from(cursor.word("in")) };
    (lists > 0).then_some(())?;
    for list in 0..lists {
        if list > 0 {
            cursor.word("to").then_some(())?;
        }
        for mut value in cursor.members()? {
            if !(value.word("minvalue") || value.word("maxvalue")) || !value.at_end() {
                draft.expression(value.rest());
            }
        }
    }
    Some(())
}

/// What may stand behind the columns, in any order.
fn options<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, foreign: bool) -> Option<()> {
    loop {
        if cursor.word("inherits") {
            for mut parent in cursor.members()? {
                draft.touch(&parent.name()?, ObjectKind::Table, Access::Alter);
                parent.at_end().then_some(())?;
            }
        } else if cursor.words(&["partition", "by"]) {
            cursor.bare()?;
            for mut key in cursor.members()? {
                index::element(&mut key, draft)?;
            }
        } else if cursor.word("using") || cursor.word("tablespace") {
            cursor.simple_name()?;
        } else if cursor.words(&["without", "oids"]) {
        } else if cursor.words(&["on", "commit"]) {
            let known = cursor.words(&["preserve", "rows"])
                || cursor.words(&["delete", "rows"])
                || cursor.word("drop");
            known.then_some(())?;
        } else if foreign && cursor.word("server") {
            draft.touch(&cursor.name()?, ObjectKind::Extension, Access::Read);
        } else if (foreign && cursor.word("options")) || cursor.word("with") {
            cursor.options()?;
        } else {
            return Some(());
        }
    }
}

/// A query whose rows fill what is made, and WITH [NO] DATA.
pub(super) fn filled<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, part: Part) -> Option<()> {
    let query = match cursor.before(&["with", "no", "data"]) {
        Some(query) => Some(query),
        None => cursor.before(&["with", "data"]),
    };
    let tokens = query.map_or_else(|| cursor.rest(), |mut query| query.rest());
    draft.query(part, tokens)
}
