//! COMMENT on the kinds of objects that the parser does not know.

use chaperone_model::facts::{Access, ObjectKind, Statement, Verb};

use super::cursor::Cursor;
use super::kinds::{cast, is_operator, kind, object, operator, transform};
use super::unnamed;

/// Reads the statement behind COMMENT.
pub(super) fn comment(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Comment);
    cursor.word("on").then_some(())?;
    if cursor.word("column") {
        let name = cursor.name()?;
        let (table, column) = name.of_column()?;
        statement.columns.push(column.to_owned());
        statement.relations.push(table.relation(ObjectKind::Table, Access::Alter));
    } else if cursor.words(&["large", "object"]) {
        cursor.integer().then_some(())?;
        unnamed(statement, &[Access::Alter]);
    } else if cursor.word("cast") {
        cast(cursor, statement, Access::Alter)?;
    } else if is_operator(cursor) {
        operator(cursor, statement, Access::Alter)?;
    } else if cursor.words(&["transform", "for"]) {
        transform(cursor, statement, Access::Alter)?;
    } else if cursor.word("constraint") {
        cursor.simple_name()?;
        cursor.word("on").then_some(())?;
        let kind = if cursor.word("domain") { ObjectKind::Type } else { ObjectKind::Table };
        statement.relations.push(cursor.name()?.relation(kind, Access::Alter));
    } else {
        let kind = kind(cursor)?;
        object(cursor, statement, kind, Access::Alter)?;
    }
    cursor.word("is").then_some(())?;
    (cursor.string() || cursor.word("null")).then_some(())
}
