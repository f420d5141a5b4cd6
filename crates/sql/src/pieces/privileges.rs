//! GRANT and REVOKE on what the parser does not know, and ALTER DEFAULT PRIVILEGES.

use chaperone_model::facts::{Access, Effect, ObjectKind, Verb};

use super::Draft;
use crate::utility::Cursor;

/// Kinds that rights are given on.
const KINDS: [(&[&str], ObjectKind); 16] = [
    (&["database"], ObjectKind::Database),
    (&["domain"], ObjectKind::Type),
    (&["foreign", "data", "wrapper"], ObjectKind::Extension),
    (&["foreign", "server"], ObjectKind::Extension),
    (&["function"], ObjectKind::Function),
    (&["language"], ObjectKind::Extension),
    (&["parameter"], ObjectKind::Other),
    (&["procedure"], ObjectKind::Function),
    (&["routine"], ObjectKind::Function),
    (&["schema"], ObjectKind::Schema),
    (&["sequence"], ObjectKind::Sequence),
    (&["table"], ObjectKind::Table),
    (&["tablespace"], ObjectKind::Other),
    (&["type"], ObjectKind::Type),
    (&["view"], ObjectKind::Table),
    (&[], ObjectKind::Table),
];

/// GRANT, behind the word.
pub(super) fn grant<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    privileges(cursor, draft)?;
    objects(cursor, draft)?;
    cursor.word("to").then_some(())?;
    grantees(cursor, draft)?;
    cursor.words(&["with", "grant", "option"]);
    grantor(cursor)
}

/// REVOKE, behind the word.
pub(super) fn revoke<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["grant", "option", "for"]);
    privileges(cursor, draft)?;
    objects(cursor, draft)?;
    cursor.word("from").then_some(())?;
    grantees(cursor, draft)?;
    grantor(cursor)?;
    cascade(cursor, draft);
    Some(())
}

/// ALTER DEFAULT PRIVILEGES, behind ALTER: rights on whatever is made later.
pub(super) fn alter_default<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["default", "privileges"]).then_some(())?;
    draft.effect(Effect::Unnamed(Access::Grant));
    loop {
        if cursor.words(&["for", "role"]) || cursor.words(&["for", "user"]) {
            loop {
                draft.touch_role(cursor.role()?, Access::Alter);
                if !cursor.comma() {
                    break;
                }
            }
        } else if cursor.words(&["in", "schema"]) {
            loop {
                draft.touch(&cursor.name()?, ObjectKind::Schema, Access::Grant);
                if !cursor.comma() {
                    break;
                }
            }
        } else {
            break;
        }
    }
    let gives = cursor.word("grant");
    draft.statement.verbs.push(if gives { Verb::Grant } else { Verb::Revoke });
    if !gives {
        cursor.word("revoke").then_some(())?;
        cursor.words(&["grant", "option", "for"]);
    }
    privileges(cursor, draft)?;
    cursor.word("on").then_some(())?;
    let kinds = ["tables", "sequences", "functions", "routines", "types", "schemas"];
    (kinds.iter().any(|kind| cursor.word(kind)) || cursor.words(&["large", "objects"])).then_some(())?;
    cursor.word(if gives { "to" } else { "from" }).then_some(())?;
    grantees(cursor, draft)?;
    if gives {
        cursor.words(&["with", "grant", "option"]);
    } else {
        cascade(cursor, draft);
    }
    Some(())
}

/// Rights, some with columns.
fn privileges<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    loop {
        match cursor.bare()? {
            "all" => {
                cursor.word("privileges");
            }
            "alter" => cursor.word("system").then_some(())?,
            _ => {}
        }
        for column in cursor.columns()? {
            draft.column(column);
        }
        if !cursor.comma() {
            return Some(());
        }
    }
}

fn objects<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("on").then_some(())?;
    if cursor.words(&["large", "object"]) {
        draft.effect(Effect::Unnamed(Access::Grant));
        loop {
            cursor.integer().then_some(())?;
            if !cursor.comma() {
                return Some(());
            }
        }
    }
    if cursor.word("all") {
        let kinds = ["tables", "sequences", "functions", "procedures", "routines"];
        kinds.iter().any(|kind| cursor.word(kind)).then_some(())?;
        cursor.words(&["in", "schema"]).then_some(())?;
        draft.effect(Effect::Unnamed(Access::Grant));
        return listed(cursor, draft, ObjectKind::Schema);
    }
    let (_, kind) = KINDS.iter().find(|(words, _)| cursor.words(words))?;
    listed(cursor, draft, *kind)
}

fn listed<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, kind: ObjectKind) -> Option<()> {
    loop {
        draft.touch(&cursor.name()?, kind, Access::Grant);
        if kind == ObjectKind::Function {
            cursor.skip_parentheses();
        }
        if !cursor.comma() {
            return Some(());
        }
    }
}

fn grantees<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    loop {
        cursor.word("group");
        draft.touch_role(cursor.role()?, Access::Grant);
        if !cursor.comma() {
            return Some(());
        }
    }
}

fn grantor(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.words(&["granted", "by"]) {
        cursor.role()?;
    }
    Some(())
}

/// CASCADE: from everybody to whom the right was passed on.
fn cascade<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) {
    if cursor.word("cascade") {
        draft.effect(Effect::Unnamed(Access::Grant));
    } else {
        cursor.word("restrict");
    }
}
