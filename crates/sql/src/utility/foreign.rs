//! Foreign servers, their wrappers, and who is who there.

use chaperone_model::facts::{Access, ObjectKind, Relation, Statement, Verb};

use super::cursor::Cursor;

/// Reads the statement behind CREATE, ALTER or DROP, where it is about one of them and about nothing that all kinds of
/// objects have.
pub(super) fn object(cursor: &mut Cursor<'_>, statement: &mut Statement, verb: Verb) -> Option<()> {
    let access = match verb {
        Verb::Create => Access::Create,
        Verb::Drop => Access::Drop,
        _ => Access::Alter,
    };
    statement.verbs.push(verb);
    if cursor.words(&["user", "mapping"]) {
        return mapping(cursor, statement, access);
    }
    let is_wrapper = cursor.words(&["foreign", "data", "wrapper"]);
    (is_wrapper || cursor.word("server")).then_some(())?;
    (verb != Verb::Drop).then_some(())?;
    if_exists(cursor)?;
    statement.relations.push(cursor.name()?.relation(ObjectKind::Extension, access));
    let mut told = false;
    while !cursor.at_end() {
        told = true;
        if is_wrapper && (cursor.words(&["no", "handler"]) || cursor.words(&["no", "validator"])) {
            continue;
        }
        if is_wrapper && (cursor.word("handler") || cursor.word("validator")) {
            // They run whenever something foreign is read or described.
            statement.relations.push(cursor.name()?.relation(ObjectKind::Function, Access::Read));
            continue;
        }
        if !is_wrapper && (cursor.word("type") || cursor.word("version")) {
            (cursor.string() || cursor.word("null")).then_some(())?;
            continue;
        }
        if !is_wrapper && cursor.words(&["foreign", "data", "wrapper"]) {
            statement.relations.push(cursor.name()?.relation(ObjectKind::Extension, Access::Read));
            continue;
        }
        cursor.word("options").then_some(())?;
        cursor.options()?;
    }
    (told || verb == Verb::Create).then_some(())
}

/// Behind USER MAPPING: FOR a role at a server.
fn mapping(cursor: &mut Cursor<'_>, statement: &mut Statement, access: Access) -> Option<()> {
    if_exists(cursor)?;
    cursor.word("for").then_some(())?;
    let name = cursor.role()?.to_owned();
    statement.relations.push(Relation { schema: None, name, kind: ObjectKind::Role, access: Access::Alter });
    cursor.word("server").then_some(())?;
    let server = cursor.name()?;
    statement.relations.push(server.relation(ObjectKind::Extension, access));
    if access != Access::Drop && cursor.word("options") {
        cursor.options()?;
    }
    Some(())
}

/// IF EXISTS and IF NOT EXISTS.
fn if_exists(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.word("if") {
        cursor.word("not");
        cursor.word("exists").then_some(())?;
    }
    Some(())
}
