//! Kinds of objects as DROP and COMMENT name them, and what may stand around the name of each.

use chaperone_model::facts::{Access, ObjectKind, Relation, Statement};

use super::cursor::Cursor;

/// What may stand around the name of a kind of object.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Form {
    /// A name alone.
    Plain,
    /// Behind it the types of arguments.
    Called,
    /// Behind it `ON table`.
    On,
    /// Behind it `USING method`.
    Using,
}

/// The words of a kind, what kind it is for rules, and its form.
const KINDS: [(&[&str], ObjectKind, Form); 39] = [
    (&["access", "method"], ObjectKind::Extension, Form::Plain),
    (&["aggregate"], ObjectKind::Function, Form::Called),
    (&["collation"], ObjectKind::Other, Form::Plain),
    (&["conversion"], ObjectKind::Other, Form::Plain),
    (&["database"], ObjectKind::Database, Form::Plain),
    (&["domain"], ObjectKind::Type, Form::Plain),
    (&["event", "trigger"], ObjectKind::Trigger, Form::Plain),
    (&["extension"], ObjectKind::Extension, Form::Plain),
    (&["foreign", "data", "wrapper"], ObjectKind::Extension, Form::Plain),
    (&["foreign", "table"], ObjectKind::Table, Form::Plain),
    (&["function"], ObjectKind::Function, Form::Called),
    (&["group"], ObjectKind::Role, Form::Plain),
    (&["index"], ObjectKind::Index, Form::Plain),
    (&["language"], ObjectKind::Extension, Form::Plain),
    (&["materialized", "view"], ObjectKind::Table, Form::Plain),
    (&["operator", "class"], ObjectKind::Function, Form::Using),
    (&["operator", "family"], ObjectKind::Function, Form::Using),
    (&["policy"], ObjectKind::Trigger, Form::On),
    (&["procedural", "language"], ObjectKind::Extension, Form::Plain),
    (&["procedure"], ObjectKind::Function, Form::Called),
    (&["publication"], ObjectKind::Other, Form::Plain),
    (&["role"], ObjectKind::Role, Form::Plain),
    (&["routine"], ObjectKind::Function, Form::Called),
    (&["rule"], ObjectKind::Trigger, Form::On),
    (&["schema"], ObjectKind::Schema, Form::Plain),
    (&["sequence"], ObjectKind::Sequence, Form::Plain),
    (&["server"], ObjectKind::Extension, Form::Plain),
    (&["statistics"], ObjectKind::Other, Form::Plain),
    (&["subscription"], ObjectKind::Other, Form::Plain),
    (&["table"], ObjectKind::Table, Form::Plain),
    (&["tablespace"], ObjectKind::Other, Form::Plain),
    (&["text", "search", "configuration"], ObjectKind::Other, Form::Plain),
    (&["text", "search", "dictionary"], ObjectKind::Other, Form::Plain),
    (&["text", "search", "parser"], ObjectKind::Other, Form::Plain),
    (&["text", "search", "template"], ObjectKind::Other, Form::Plain),
    (&["trigger"], ObjectKind::Trigger, Form::On),
    (&["type"], ObjectKind::Type, Form::Plain),
    (&["user"], ObjectKind::Role, Form::Plain),
    (&["view"], ObjectKind::Table, Form::Plain),
];

/// Passes the words of a kind.
pub(crate) fn kind(cursor: &mut Cursor<'_>) -> Option<(ObjectKind, Form)> {
    let (_, kind, form) = KINDS.iter().find(|(words, ..)| cursor.words(words))?;
    Some((*kind, *form))
}

/// Passes the name of an object and what stands behind it, and tells what is done to it.
pub(crate) fn object(
    cursor: &mut Cursor<'_>,
    statement: &mut Statement,
    (kind, form): (ObjectKind, Form),
    access: Access,
) -> Option<()> {
    statement.relations.push(cursor.name()?.relation(kind, access));
    match form {
        Form::Plain => {}
        Form::Called => cursor.skip_parentheses(),
        Form::Using => {
            cursor.word("using").then_some(())?;
            cursor.simple_name()?;
        }
        Form::On => {
            cursor.word("on").then_some(())?;
            statement.relations.push(cursor.name()?.relation(ObjectKind::Table, Access::Alter));
        }
    }
    Some(())
}

/// `(one AS other)`: a cast is known by its types, and does its work for every value of them.
pub(crate) fn cast(cursor: &mut Cursor<'_>, statement: &mut Statement, access: Access) -> Option<()> {
    let mut types = Cursor::new(cursor.parentheses()?);
    for last in [false, true] {
        let name = types.clone().name()?;
        types.type_name()?;
        statement.relations.push(name.relation(ObjectKind::Type, Access::Alter));
        if last {
            statement.relations.push(name.relation(ObjectKind::Function, access));
        } else {
            types.word("as").then_some(())?;
        }
    }
    types.at_end().then_some(())
}

/// Passes OPERATOR, where neither CLASS nor FAMILY follows.
pub(crate) fn is_operator(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    let found = ahead.word("operator") && !matches!(ahead.clone().bare(), Some("class" | "family"));
    if found {
        *cursor = ahead;
    }
    found
}

/// An operator and the types of its operands.
pub(crate) fn operator(cursor: &mut Cursor<'_>, statement: &mut Statement, access: Access) -> Option<()> {
    let name = cursor.operator()?;
    statement.relations.push(Relation { schema: None, name, kind: ObjectKind::Function, access });
    cursor.parentheses().map(|_| ())
}

/// Behind `TRANSFORM FOR`: `type LANGUAGE language`.
pub(crate) fn transform(cursor: &mut Cursor<'_>, statement: &mut Statement, access: Access) -> Option<()> {
    statement.relations.push(cursor.clone().name()?.relation(ObjectKind::Type, Access::Alter));
    cursor.type_name()?;
    cursor.word("language").then_some(())?;
    statement.relations.push(cursor.name()?.relation(ObjectKind::Extension, access));
    Some(())
}
