//! CREATE of the kinds of objects that have no expressions: conversions, languages, access methods, transforms,
//! tablespaces, databases, roles, statistics, extensions; IMPORT FOREIGN SCHEMA.

use chaperone_model::facts::{Access, Effect, ObjectKind};

use super::Draft;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["or", "replace"]);
    match cursor.bare()? {
        "default" if cursor.word("conversion") => conversion(cursor, draft),
        "conversion" => conversion(cursor, draft),
        "trusted" | "procedural" | "language" => language(cursor, draft),
        "access" => access_method(cursor, draft),
        "transform" => transform(cursor, draft),
        "tablespace" => tablespace(cursor, draft),
        "database" => database(cursor, draft),
        "extension" => extension(cursor, draft),
        "role" | "user" | "group" => role(cursor, draft),
        "statistics" => statistics(cursor, draft),
        _ => None,
    }
}

fn conversion<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
    cursor.word("for").then_some(())?;
    cursor.string().then_some(())?;
    cursor.word("to").then_some(())?;
    cursor.string().then_some(())?;
    cursor.word("from").then_some(())?;
    // It runs whenever a client of that encoding speaks.
    draft.call(&cursor.name()?);
    Some(())
}

fn language<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("procedural");
    cursor.word("language");
    let name = cursor.name()?;
    draft.touch(&name, ObjectKind::Extension, Access::Create);
    for word in ["handler", "inline", "validator"] {
        if cursor.word(word) {
            draft.call(&cursor.name()?);
        }
    }
    Some(())
}

fn access_method<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("method").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Extension, Access::Create);
    cursor.word("type").then_some(())?;
    (cursor.word("index") || cursor.word("table")).then_some(())?;
    cursor.word("handler").then_some(())?;
    draft.call(&cursor.name()?);
    Some(())
}

fn transform<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("for").then_some(())?;
    crate::utility::transform(cursor, &mut draft.statement, Access::Alter)?;
    for mut member in cursor.members()? {
        (member.word("from") || member.word("to")).then_some(())?;
        member.words(&["sql", "with", "function"]).then_some(())?;
        draft.hidden_call(&member.name()?);
        member.skip_parentheses();
        member.at_end().then_some(())?;
    }
    Some(())
}

fn tablespace<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
    // A directory of the server.
    draft.effect(Effect::File);
    if cursor.word("owner") {
        draft.touch_role(cursor.role()?, Access::Grant);
    }
    cursor.word("location").then_some(())?;
    cursor.string().then_some(())?;
    if cursor.word("with") {
        cursor.options()?;
    }
    Some(())
}

fn database<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    draft.touch(&cursor.name()?, ObjectKind::Database, Access::Create);
    cursor.word("with");
    while !cursor.at_end() {
        let mut option = cursor.bare()?;
        if option == "connection" {
            cursor.word("limit").then_some(())?;
            option = "limit";
        }
        cursor.equals();
        match option {
            "owner" => draft.touch_role(cursor.role()?, Access::Grant),
            // All that is in it is copied.
            "template" if !cursor.word("default") => {
                let name = cursor.clone().text().map(str::to_owned);
                match name {
                    Some(name) => {
                        cursor.string();
                        draft.statement.relations.push(chaperone_model::facts::Relation {
                            schema: None,
                            name,
                            kind: ObjectKind::Database,
                            access: Access::Read,
                        });
                    }
                    None => draft.touch(&cursor.name()?, ObjectKind::Database, Access::Read),
                }
            }
            "template" => {}
            _ => (cursor.string() || cursor.number() || cursor.any_word().is_some()).then_some(())?,
        }
    }
    Some(())
}

fn extension<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.if_not_exists();
    draft.touch(&cursor.name()?, ObjectKind::Extension, Access::Create);
    // What it makes, and with CASCADE further extensions.
    draft.effect(Effect::Unnamed(Access::Create));
    cursor.word("with");
    while !cursor.at_end() {
        if cursor.word("schema") {
            draft.touch(&cursor.name()?, ObjectKind::Schema, Access::Read);
        } else if cursor.word("version") || cursor.word("from") {
            (cursor.string() || cursor.any_word().is_some()).then_some(())?;
        } else {
            cursor.word("cascade").then_some(())?;
        }
    }
    Some(())
}

fn role<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    draft.touch(&cursor.name()?, ObjectKind::Role, Access::Create);
    cursor.word("with");
    while !cursor.at_end() {
        let members = cursor.words(&["in", "role"])
            || cursor.words(&["in", "group"])
            || ["role", "user", "admin"].iter().any(|word| cursor.word(word));
        if members {
            loop {
                draft.touch_role(cursor.role()?, Access::Grant);
                if !cursor.comma() {
                    break;
                }
            }
        } else if cursor.word("password") || cursor.words(&["encrypted", "password"]) {
            (cursor.string() || cursor.word("null")).then_some(())?;
        } else if cursor.words(&["valid", "until"]) {
            cursor.string().then_some(())?;
        } else if cursor.words(&["connection", "limit"]) || cursor.word("sysid") {
            cursor.number().then_some(())?;
        } else {
            let known = [
                "bypassrls",
                "createdb",
                "createrole",
                "inherit",
                "login",
                "nobypassrls",
                "nocreatedb",
                "nocreaterole",
                "noinherit",
                "nologin",
                "noreplication",
                "nosuperuser",
                "replication",
                "superuser",
            ];
            known.contains(&cursor.bare()?).then_some(())?;
        }
    }
    Some(())
}

fn statistics<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.if_not_exists();
    if !cursor.clone().word("on") {
        draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
        let _kinds = cursor.columns()?;
    }
    cursor.word("on").then_some(())?;
    loop {
        draft.expression(cursor.operand()?);
        if !cursor.comma() {
            break;
        }
    }
    cursor.word("from").then_some(())?;
    draft.touch(&cursor.relation_name()?, ObjectKind::Table, Access::Alter);
    Some(())
}

/// IMPORT FOREIGN SCHEMA, behind IMPORT: tables are made of names that the text need not tell.
pub(super) fn foreign_schema<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["foreign", "schema"]).then_some(())?;
    // They may be other names for tables of this database, whose columns a policy hides under the first ones.
    draft.opaque("foreign schema");
    cursor.simple_name()?;
    draft.effect(Effect::Unnamed(Access::Create));
    if cursor.words(&["limit", "to"]) || cursor.word("except") {
        for mut member in cursor.members()? {
            draft.touch(&member.name()?, ObjectKind::Table, Access::Create);
            member.at_end().then_some(())?;
        }
    }
    cursor.words(&["from", "server"]).then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Extension, Access::Read);
    cursor.word("into").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Schema, Access::Create);
    if cursor.word("options") {
        cursor.options()?;
    }
    Some(())
}
