//! DROP of the kinds of objects that the parser does not know, or not with all that may stand there.

use chaperone_model::facts::{Access, ObjectKind, Statement, Verb};

use super::cursor::Cursor;
use super::kinds::{kind, object};

/// Reads the statement behind DROP.
pub(super) fn drop(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
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
    let _ = cursor.word("cascade") || cursor.word("restrict");
    Some(())
}
