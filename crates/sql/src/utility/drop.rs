//! DROP of the kinds of objects that the parser does not know, or not with all that may stand there.

use chaperone_model::facts::{Access, ObjectKind, Statement, Verb};

use super::cursor::Cursor;
use super::kinds::{cast, kind, object, operator, transform};
use super::{CASCADE, behavior, unnamed};

/// Reads the statement behind DROP.
pub(super) fn drop(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    if cursor.words(&["owned", "by"]) {
        return owned(cursor, statement);
    }
    let others: [(&[&str], Reader); 3] =
        [(&["cast"], cast), (&["operator"], operator), (&["transform"], for_transform)];
    for (words, reader) in others {
        let mut ahead = cursor.clone();
        if !ahead.words(words) || matches!(ahead.clone().bare(), Some("class" | "family")) {
            continue;
        }
        statement.verbs.push(Verb::Drop);
        ahead.if_exists();
        loop {
            reader(&mut ahead, statement, Access::Drop)?;
            if !ahead.comma() {
                break;
            }
        }
        behavior(&mut ahead, statement);
        *cursor = ahead;
        return Some(());
    }
    let kind = kind(cursor)?;
    statement.verbs.push(Verb::Drop);
    if kind.0 == ObjectKind::Index {
        cursor.word("concurrently");
    }
    if cursor.word("if") {
        cursor.word("exists").then_some(())?;
    }
    loop {
        object(cursor, statement, kind, Access::Drop)?;
        if !cursor.comma() {
            break;
        }
    }
    if kind.0 == ObjectKind::Database {
        cursor.word("with");
        let _ = cursor.options();
    }
    if matches!(kind.0, ObjectKind::Database | ObjectKind::Extension) {
        // All that is in a database or made by an extension goes with it.
        unnamed(statement, CASCADE);
    }
    behavior(cursor, statement);
    Some(())
}

/// What reads an object that is not known by a name alone.
type Reader = fn(&mut Cursor<'_>, &mut Statement, Access) -> Option<()>;

fn for_transform(cursor: &mut Cursor<'_>, statement: &mut Statement, access: Access) -> Option<()> {
    cursor.word("for").then_some(())?;
    transform(cursor, statement, access)
}

/// DROP OWNED BY role, …: everything that they own, and every right that they have.
fn owned(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Drop);
    loop {
        statement.relations.push(cursor.name()?.relation(ObjectKind::Role, Access::Alter));
        if !cursor.comma() {
            break;
        }
    }
    unnamed(statement, CASCADE);
    unnamed(statement, &[Access::Grant]);
    behavior(cursor, statement);
    Some(())
}
