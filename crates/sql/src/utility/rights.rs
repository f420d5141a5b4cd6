//! GRANT and REVOKE of roles, and on the kinds of objects that the parser does not know.

use chaperone_model::facts::{Access, ObjectKind, Relation, Statement, Verb};

use super::cursor::Cursor;
use super::unnamed;

/// Kinds that rights are given on, beside those that the parser knows.
const KINDS: [(&[&str], ObjectKind); 7] = [
    (&["domain"], ObjectKind::Type),
    (&["foreign", "data", "wrapper"], ObjectKind::Extension),
    (&["foreign", "server"], ObjectKind::Extension),
    (&["language"], ObjectKind::Extension),
    (&["parameter"], ObjectKind::Other),
    (&["tablespace"], ObjectKind::Other),
    (&["type"], ObjectKind::Type),
];

/// Reads the statement behind GRANT.
pub(super) fn grant(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Grant);
    rights(cursor, statement, "to")?;
    if cursor.word("with") {
        loop {
            let _option = ["admin", "grant", "inherit", "set"].iter().find(|option| cursor.word(option))?;
            let _value = ["option", "true", "false"].iter().find(|value| cursor.word(value))?;
            if !cursor.comma() {
                break;
            }
        }
    }
    grantor(cursor)
}

/// Reads the statement behind REVOKE.
pub(super) fn revoke(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Revoke);
    let options = ["admin", "grant", "inherit", "set"];
    let _option = options.iter().any(|option| cursor.words(&[option, "option", "for"]));
    rights(cursor, statement, "from")?;
    grantor(cursor)?;
    if cursor.word("cascade") {
        // From everybody to whom the right was passed on.
        unnamed(statement, &[Access::Grant]);
    } else {
        cursor.word("restrict");
    }
    Some(())
}

/// What is given or taken, and the roles to or from which.
fn rights(cursor: &mut Cursor<'_>, statement: &mut Statement, joint: &str) -> Option<()> {
    let mut ahead = cursor.clone();
    if let Some(kind) = objects(&mut ahead) {
        *cursor = ahead;
        loop {
            statement.relations.push(cursor.name()?.relation(kind, Access::Grant));
            if !cursor.comma() {
                break;
            }
        }
        cursor.word(joint).then_some(())?;
    } else {
        // Roles, as far as the word behind them.
        loop {
            statement.relations.push(cursor.name()?.relation(ObjectKind::Role, Access::Grant));
            if !cursor.comma() {
                break;
            }
        }
        cursor.word(joint).then_some(())?;
    }
    loop {
        cursor.word("group");
        let grantee = cursor.role()?;
        let kind = ObjectKind::Role;
        statement.relations.push(Relation {
            schema: None,
            name: grantee.to_owned(),
            kind,
            access: Access::Grant,
        });
        if !cursor.comma() {
            return Some(());
        }
    }
}

/// Privileges without columns, and the kind of the objects that come next.
fn objects(cursor: &mut Cursor<'_>) -> Option<ObjectKind> {
    loop {
        cursor.bare()?;
        cursor.word("privileges");
        cursor.word("system");
        if !cursor.comma() {
            break;
        }
    }
    cursor.word("on").then_some(())?;
    KINDS.iter().find(|(words, _)| cursor.words(words)).map(|(_, kind)| *kind)
}

fn grantor(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.words(&["granted", "by"]) {
        cursor.role()?;
    }
    Some(())
}
