//! FETCH and MOVE, in all their spellings.

use chaperone_model::facts::{Statement, Verb};

use super::cursor::Cursor;

/// Behind the word: a direction, a count, FROM or IN, the cursor; all but the cursor may be left out.
pub(super) fn fetch(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Fetch);
    let before = cursor.clone();
    let directed = direction(cursor);
    let _ = cursor.word("from") || cursor.word("in");
    if !directed || cursor.at_end() {
        // The words of a direction are names, too: `FETCH next` is about a cursor of that name.
        *cursor = before;
    }
    cursor.simple_name()
}

/// Passes a direction; false where it lacks its count.
fn direction(cursor: &mut Cursor<'_>) -> bool {
    if cursor.word("absolute") || cursor.word("relative") {
        return cursor.integer();
    }
    let _ = if cursor.word("forward") || cursor.word("backward") {
        cursor.word("all") || cursor.integer()
    } else {
        ["next", "prior", "first", "last", "all"].iter().any(|word| cursor.word(word)) || cursor.integer()
    };
    true
}
