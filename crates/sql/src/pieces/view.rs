//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use super::draft::Part;
use super::table::filled;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["or", "replace"]);
    let _ = cursor.word("temp") || cursor.word("temporary");
    let recursive = cursor.word("recursive");
    let materialized =
        !recursive && (cursor.word("materialized") || cursor.words(&["unlogged", "materialized"]));
    cursor.word("view").then_some(())?;
    cursor.if_not_exists();
    let name = cursor.name()?;
    draft.touch(&name, ObjectKind::Table, Access::Create);
    if recursive {
        // It reads itself by its name.
        draft.touch(&name, ObjectKind::Table, Access::Read);
    }
    for column in cursor.columns()? {
        draft.column(column);
    }
    if materialized && cursor.word("using") {
        cursor.simple_name()?;
    }
    if cursor.word("with") {
        cursor.options()?;
    }
    if materialized && cursor.word("tablespace") {
        cursor.simple_name()?;
    }
    cursor.word("as").then_some(())?;
    // What a view shows is told by its rule in the catalogue.
    if materialized {
        return filled(cursor, draft, Part::Statement);
    }
    let checks: [&[&str]; 3] = [
        &["with", "check", "option"],
        &["with", "cascaded", "check", "option"],
        &["with", "local", "check", "option"],
    ];
    let query = checks.iter().rev().find_map(|words| cursor.before(words));
    let tokens = query.map_or_else(|| cursor.rest(), |mut query| query.rest());
    draft.query(Part::Statement, tokens)
}
