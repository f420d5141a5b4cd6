//! CREATE AGGREGATE and CREATE STATISTICS.

use chaperone_model::facts::{Access, ObjectKind, Statement, Verb};

use super::cursor::Cursor;

/// What of an aggregate's definition names a function that it calls.
const FUNCTIONS: [&str; 10] = [
    "combinefunc",
    "deserialfunc",
    "finalfunc",
    "finalfunc1",
    "mfinalfunc",
    "minvfunc",
    "msfunc",
    "serialfunc",
    "sfunc",
    "sfunc1",
];

/// Reads the statement behind CREATE (OR REPLACE) AGGREGATE. Its functions are called whenever it is, which then tells
/// its own name alone; so they count as called here.
pub(super) fn aggregate(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Create);
    statement.relations.push(cursor.name()?.relation(ObjectKind::Function, Access::Create));
    // The arguments, but in the old form, which has them in the definition.
    let mut behind = cursor.clone();
    behind.skip_parentheses();
    if !behind.at_end() {
        *cursor = behind;
    }
    cursor.open().then_some(())?;
    loop {
        let key = cursor.bare()?;
        if cursor.equals() {
            if FUNCTIONS.contains(&key) {
                statement.functions.push(cursor.name()?.dotted());
            } else {
                cursor.skip_value();
            }
        }
        if !cursor.comma() {
            break;
        }
    }
    cursor.close().then_some(())
}

/// Reads the statement behind CREATE STATISTICS, of columns alone: expressions are not read.
pub(super) fn statistics(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Create);
    if cursor.word("if") {
        cursor.words(&["not", "exists"]).then_some(())?;
    }
    if !cursor.clone().word("on") {
        statement.relations.push(cursor.name()?.relation(ObjectKind::Other, Access::Create));
        let _kinds = cursor.columns()?;
    }
    cursor.word("on").then_some(())?;
    loop {
        statement.columns.push(cursor.name()?.dotted());
        if !cursor.comma() {
            break;
        }
    }
    cursor.word("from").then_some(())?;
    statement.relations.push(cursor.name()?.relation(ObjectKind::Table, Access::Alter));
    Some(())
}
