//! ALTER of domains, composite types and the kinds of objects that have actions of their own.

use chaperone_model::facts::{Access, Effect, ObjectKind};

use super::Draft;
use crate::utility::{Cursor, behavior, settings};

/// ALTER DOMAIN, behind ALTER.
pub(super) fn domain<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("domain").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Type, Access::Alter);
    match cursor.bare()? {
        "set" => {
            cursor.word("default").then_some(())?;
            draft.expression(cursor.rest());
            Some(())
        }
        "add" => {
            while !cursor.at_end() {
                super::column::constraint(cursor, draft, "")?;
            }
            Some(())
        }
        "rename" => {
            cursor.word("constraint").then_some(())?;
            cursor.simple_name()?;
            cursor.word("to").then_some(())?;
            cursor.simple_name()
        }
        _ => None,
    }
}

/// ALTER TYPE of a composite type, behind ALTER.
pub(super) fn composite<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("type").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Type, Access::Alter);
    loop {
        let action = cursor.bare()?;
        cursor.word("attribute").then_some(())?;
        cursor.if_exists();
        draft.column(cursor.clone().any_word()?);
        cursor.simple_name()?;
        match action {
            "add" => cursor.type_name()?,
            "alter" => {
                cursor.words(&["set", "data"]);
                cursor.word("type").then_some(())?;
                cursor.type_name()?;
            }
            "drop" => {}
            _ => return None,
        }
        if cursor.word("collate") {
            cursor.name()?;
        }
        // Typed tables may follow their type.
        behavior(cursor, &mut draft.statement);
        if !cursor.comma() {
            return Some(());
        }
    }
}

/// The other kinds, behind ALTER.
pub(super) fn others<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    match cursor.bare()? {
        "group" => {
            draft.touch_role(cursor.role()?, Access::Alter);
            (cursor.word("add") || cursor.word("drop")).then_some(())?;
            cursor.word("user").then_some(())?;
            loop {
                draft.touch_role(cursor.role()?, Access::Grant);
                if !cursor.comma() {
                    return Some(());
                }
            }
        }
        "role" | "user" => {
            cursor.word("all").then_some(())?;
            // Settings of everybody's later sessions.
            draft.effect(Effect::Unnamed(Access::Alter));
            if cursor.words(&["in", "database"]) {
                draft.touch(&cursor.name()?, ObjectKind::Database, Access::Alter);
            }
            settings::of_later_sessions(cursor, &mut draft.statement.effects)
        }
        "large" => {
            cursor.word("object").then_some(())?;
            cursor.integer().then_some(())?;
            draft.effect(Effect::Unnamed(Access::Alter));
            cursor.words(&["owner", "to"]).then_some(())?;
            cursor.role().map(|_| ())
        }
        "statistics" => {
            cursor.if_exists();
            draft.touch(&cursor.name()?, ObjectKind::Other, Access::Alter);
            cursor.words(&["set", "statistics"]).then_some(())?;
            (cursor.number() || cursor.word("default")).then_some(())
        }
        "database" => {
            draft.touch(&cursor.name()?, ObjectKind::Database, Access::Alter);
            cursor.word("with");
            while !cursor.at_end() {
                let limit = cursor.words(&["connection", "limit"]);
                let known = limit
                    || ["allow_connections", "is_template", "connection_limit"]
                        .iter()
                        .any(|it| cursor.word(it));
                known.then_some(())?;
                cursor.equals();
                (cursor.number() || cursor.string() || cursor.any_word().is_some()).then_some(())?;
            }
            Some(())
        }
        "text" => {
            cursor.words(&["search", "configuration"]).then_some(())?;
            draft.touch(&cursor.name()?, ObjectKind::Other, Access::Alter);
            (cursor.words(&["add", "mapping"])
                || cursor.words(&["alter", "mapping"])
                || cursor.words(&["drop", "mapping"]))
            .then_some(())?;
            cursor.if_exists();
            // Names of kinds of tokens and of dictionaries.
            while cursor.word("for")
                || cursor.word("replace")
                || cursor.word("with")
                || cursor.comma()
                || cursor.name().is_some()
            {}
            Some(())
        }
        "extension" => {
            draft.touch(&cursor.name()?, ObjectKind::Extension, Access::Alter);
            if cursor.word("update") {
                // Its script makes what it likes.
                draft.effect(Effect::Unnamed(Access::Alter));
                if cursor.word("to") {
                    (cursor.string() || cursor.any_word().is_some()).then_some(())?;
                }
                return Some(());
            }
            (cursor.word("add") || cursor.word("drop")).then_some(())?;
            crate::utility::member(cursor, &mut draft.statement)
        }
        kind @ ("function" | "procedure" | "routine" | "index" | "trigger" | "materialized" | "view") => {
            if kind == "materialized" {
                cursor.word("view").then_some(())?;
            }
            let is_call = matches!(kind, "function" | "procedure" | "routine");
            let object = if is_call { ObjectKind::Function } else { ObjectKind::Table };
            if kind == "trigger" {
                draft.touch(&cursor.name()?, ObjectKind::Trigger, Access::Alter);
                cursor.word("on").then_some(())?;
            }
            draft.touch(&cursor.name()?, object, Access::Alter);
            cursor.skip_parentheses();
            let mut ahead = cursor.clone();
            let no = ahead.word("no");
            if no || ahead.clone().word("depends") {
                ahead.words(&["depends", "on", "extension"]).then_some(())?;
                draft.touch(&ahead.name()?, ObjectKind::Extension, Access::Read);
                *cursor = ahead;
                return Some(());
            }
            is_call.then_some(())?;
            while !cursor.at_end() {
                super::function::property(cursor, draft)?;
                cursor.word("restrict");
            }
            Some(())
        }
        _ => None,
    }
}
