//! ALTER TABLE and its kin, where actions of several kinds stand beside each other.

use chaperone_model::facts::{Access, Effect, ObjectKind};

use super::constraint::{attributes, table_constraint};
use super::draft::Part;
use super::{Draft, column, sequence};
use crate::utility::{Cursor, behavior, relation_action};

/// Reads the statement behind ALTER.
pub(super) fn alter<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.word("foreign") {
        // Its options may make it another name for a table of this database.
        draft.opaque("foreign table");
    } else {
        let _ = cursor.word("materialized");
    }
    let kind = if cursor.word("table") || cursor.word("view") {
        ObjectKind::Table
    } else if cursor.word("index") {
        ObjectKind::Index
    } else {
        return None;
    };
    cursor.if_exists();
    draft.touch(&cursor.relation_name()?, kind, Access::Alter);
    if cursor.word("rename") {
        return rename(cursor, draft);
    }
    loop {
        action(cursor, draft)?;
        if !cursor.comma() {
            return Some(());
        }
    }
}

/// `ALTER TABLE ALL IN TABLESPACE a [OWNED BY b] SET TABLESPACE c`, behind ALTER.
pub(super) fn all_in_tablespace<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    let _ = cursor.words(&["materialized", "view"]) || cursor.word("table") || cursor.word("index");
    cursor.words(&["all", "in", "tablespace"]).then_some(())?;
    cursor.simple_name()?;
    draft.effect(Effect::Unnamed(Access::Alter));
    if cursor.words(&["owned", "by"]) {
        loop {
            draft.touch_role(cursor.role()?, Access::Alter);
            if !cursor.comma() {
                break;
            }
        }
    }
    cursor.words(&["set", "tablespace"]).then_some(())?;
    cursor.simple_name()?;
    cursor.word("nowait");
    Some(())
}

/// Behind RENAME: a column or a constraint.
fn rename<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.clone().word("to") {
        return None;
    }
    if cursor.word("constraint") {
        cursor.simple_name()?;
        cursor.word("to").then_some(())?;
        return cursor.simple_name();
    }
    cursor.word("column");
    for joint in [true, false] {
        let name = cursor.clone().any_word()?;
        cursor.simple_name()?;
        draft.column(name);
        if joint {
            cursor.word("to").then_some(())?;
        }
    }
    Some(())
}

fn action<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    let mut ahead = cursor.clone();
    if own_action(&mut ahead, draft).is_some() {
        *cursor = ahead;
        return Some(());
    }
    // What it told by then is true of a statement that the server takes.
    relation_action(cursor, &mut draft.statement)
}

fn own_action<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    match cursor.bare()? {
        "add" => {
            let mut ahead = cursor.clone();
            let parts = draft.parts.len();
            if table_constraint(&mut ahead, draft).is_some() {
                *cursor = ahead;
                return Some(());
            }
            draft.parts.truncate(parts);
            cursor.word("column");
            cursor.if_not_exists();
            let name = cursor.clone().any_word()?;
            cursor.simple_name()?;
            draft.column(name);
            cursor.type_name()?;
            while !cursor.at_end() && !cursor.clone().comma() {
                column::constraint(cursor, draft, name)?;
            }
            Some(())
        }
        "drop" => {
            if !cursor.word("constraint") {
                cursor.word("column");
                cursor.if_exists();
                draft.column(cursor.clone().any_word()?);
            }
            cursor.if_exists();
            cursor.simple_name()?;
            behavior(cursor, &mut draft.statement);
            Some(())
        }
        "alter" => {
            if cursor.word("constraint") {
                cursor.simple_name()?;
                while attributes(cursor) {}
                return Some(());
            }
            cursor.word("column");
            let name = cursor.clone().any_word()?;
            cursor.simple_name()?;
            draft.column(name);
            part(cursor, draft, name)
        }
        "options" => cursor.options(),
        "owner" => {
            cursor.word("to").then_some(())?;
            cursor.role().map(|_| ())
        }
        "validate" => {
            cursor.word("constraint").then_some(())?;
            cursor.simple_name()
        }
        "force" => cursor.words(&["row", "level", "security"]).then_some(()),
        "no" if cursor.words(&["force", "row", "level", "security"]) => Some(()),
        "enable" | "disable" => enable(cursor, draft),
        _ => None,
    }
}

fn enable<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    if cursor.words(&["row", "level", "security"]) {
        return Some(());
    }
    let _ = cursor.word("always") || cursor.word("replica");
    (cursor.word("trigger") || cursor.word("rule")).then_some(())?;
    // ALL and USER stand for triggers, too.
    let name = cursor.any_word()?;
    draft.statement.relations.push(chaperone_model::facts::Relation {
        schema: None,
        name: name.to_owned(),
        kind: ObjectKind::Trigger,
        access: Access::Alter,
    });
    Some(())
}

/// Behind `ALTER COLUMN c`.
fn part<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, name: &str) -> Option<()> {
    match cursor.bare()? {
        "type" => retype(cursor, draft, name),
        "options" => cursor.options(),
        "reset" => cursor.options(),
        "restart" => {
            cursor.word("with");
            cursor.number();
            identity(cursor, draft)
        }
        "add" => {
            cursor.word("generated").then_some(())?;
            column::generated(cursor, draft, name)
        }
        "drop" => {
            let known = cursor.word("default")
                || cursor.words(&["not", "null"])
                || cursor.word("identity")
                || cursor.word("expression");
            cursor.if_exists();
            known.then_some(())
        }
        "set" => {
            if cursor.words(&["data", "type"]) {
                return retype(cursor, draft, name);
            }
            if cursor.words(&["not", "null"]) || cursor.options().is_some() {
                return Some(());
            }
            if cursor.word("default") {
                draft.expression(cursor.expression(|_| false)?);
                return Some(());
            }
            if cursor.words(&["expression", "as"]) {
                draft.part(Part::Value(name.to_owned()), cursor.parentheses()?);
                return Some(());
            }
            if cursor.word("statistics") {
                return (cursor.number() || cursor.word("default")).then_some(());
            }
            if cursor.word("storage") || cursor.word("compression") {
                return (cursor.bare().is_some() || cursor.string()).then_some(());
            }
            if cursor.word("generated") {
                let _ = cursor.word("always") || cursor.words(&["by", "default"]);
            } else {
                sequence::option(cursor, draft)?;
            }
            identity(cursor, draft)
        }
        _ => None,
    }
}

/// Further changes of an identity: `SET START 5 RESTART`.
fn identity<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    loop {
        if cursor.word("restart") {
            cursor.word("with");
            cursor.number();
        } else if cursor.words(&["set", "generated"]) {
            let _ = cursor.word("always") || cursor.words(&["by", "default"]);
        } else if cursor.word("set") {
            sequence::option(cursor, draft)?;
        } else {
            return Some(());
        }
    }
}

/// Behind TYPE: what the values become.
fn retype<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, name: &str) -> Option<()> {
    cursor.type_name()?;
    if cursor.word("collate") {
        cursor.name()?;
    }
    if cursor.word("using") {
        draft.part(Part::Value(name.to_owned()), cursor.expression(|_| false)?);
    }
    Some(())
}
