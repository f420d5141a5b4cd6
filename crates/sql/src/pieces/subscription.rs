//! Subscriptions: rows of another server that come in.

use chaperone_model::facts::{Access, Effect, ObjectKind};

use super::Draft;
use crate::utility::Cursor;

/// CREATE SUBSCRIPTION, behind CREATE: rows of another server come into tables that the text does not name.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("subscription").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Create);
    draft.effect(Effect::Unnamed(Access::Write));
    cursor.word("connection").then_some(())?;
    cursor.string().then_some(())?;
    cursor.word("publication").then_some(())?;
    names(cursor)?;
    if cursor.word("with") {
        cursor.options()?;
    }
    Some(())
}

fn names(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        cursor.simple_name()?;
        if !cursor.comma() {
            return Some(());
        }
    }
}

/// ALTER SUBSCRIPTION, behind ALTER.
pub(super) fn alter<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("subscription").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Other, Access::Alter);
    match cursor.bare()? {
        "connection" => {
            draft.effect(Effect::Unnamed(Access::Write));
            cursor.string().then_some(())
        }
        "set" if cursor.options().is_some() => Some(()),
        "skip" => cursor.options(),
        "refresh" => {
            draft.effect(Effect::Unnamed(Access::Write));
            cursor.word("publication").then_some(())?;
            with(cursor)
        }
        "add" | "drop" | "set" => {
            draft.effect(Effect::Unnamed(Access::Write));
            cursor.word("publication").then_some(())?;
            names(cursor)?;
            with(cursor)
        }
        "enable" => {
            draft.effect(Effect::Unnamed(Access::Write));
            Some(())
        }
        "disable" => Some(()),
        _ => None,
    }
}

pub(super) fn with(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.word("with") { cursor.options() } else { Some(()) }
}
