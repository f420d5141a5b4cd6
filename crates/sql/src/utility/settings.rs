//! SET, RESET and ALTER SYSTEM.

use chaperone_model::facts::{Effect, Opaque, Statement, Verb};

use super::cursor::Cursor;
use super::{setting, transaction, understood};

/// SET, behind the word.
pub(super) fn set(cursor: &mut Cursor<'_>) -> Statement {
    let mut statement = understood(vec![Verb::Set]);
    if read_set(cursor, &mut statement.effects).is_none() {
        statement.opaque = Some(Opaque::Construct("set".to_owned()));
    }
    statement
}

fn read_set(cursor: &mut Cursor<'_>, effects: &mut Vec<Effect>) -> Option<()> {
    if !cursor.word("local") && cursor.word("session") {
        if cursor.word("authorization") {
            effects.push(Effect::SwitchRole);
            return cursor.values().then_some(());
        }
        if cursor.word("characteristics") {
            (cursor.word("as") && cursor.word("transaction")).then_some(())?;
            return transaction::set(cursor, "default_transaction_", effects);
        }
    }
    let name = cursor.name()?.dotted();
    let assigned = cursor.equals() || cursor.word("to");
    match name.as_str() {
        _ if assigned => effects.push(setting(&name)),
        _ if cursor.word("from") => {
            cursor.word("current").then_some(())?;
            effects.push(setting(&name));
        }
        "role" => effects.push(Effect::SwitchRole),
        "session" if cursor.word("authorization") => effects.push(Effect::SwitchRole),
        "transaction" => return transaction::set(cursor, "transaction_", effects),
        "constraints" => {}
        "time" if cursor.word("zone") => effects.push(setting("timezone")),
        "names" => effects.push(setting("client_encoding")),
        "schema" => effects.push(setting("search_path")),
        "xml" if cursor.word("option") => effects.push(setting("xmloption")),
        _ => return None,
    }
    cursor.values().then_some(())
}

/// RESET, behind the word.
pub(super) fn reset(cursor: &mut Cursor<'_>) -> Statement {
    let mut statement = understood(vec![Verb::Reset]);
    match read_reset(cursor) {
        Some(effect) if cursor.at_end() => statement.effects.push(effect),
        _ => statement.opaque = Some(Opaque::Construct("reset".to_owned())),
    }
    statement
}

fn read_reset(cursor: &mut Cursor<'_>) -> Option<Effect> {
    if cursor.word("all") {
        return Some(Effect::Setting("all".to_owned()));
    }
    Some(match cursor.name()?.dotted().as_str() {
        "session" if cursor.word("authorization") => Effect::SwitchRole,
        "time" if cursor.word("zone") => setting("timezone"),
        "transaction" if cursor.word("isolation") && cursor.word("level") => setting("transaction_isolation"),
        other => setting(other),
    })
}

/// SET or RESET behind `ALTER DATABASE name` and `ALTER ROLE name`: a setting of later sessions.
pub(crate) fn of_later_sessions(cursor: &mut Cursor<'_>, effects: &mut Vec<Effect>) -> Option<()> {
    match cursor.bare()? {
        "set" => {
            read_set(cursor, effects)?;
            cursor.skip_values()
        }
        "reset" => {
            effects.push(read_reset(cursor)?);
            Some(())
        }
        _ => None,
    }
}

/// ALTER SYSTEM, behind the words.
pub(super) fn alter_system(cursor: &mut Cursor<'_>) -> Statement {
    let mut statement = understood(vec![Verb::Alter]);
    let changes = cursor.word("set") || cursor.word("reset");
    let name =
        if cursor.word("all") { Some("all".to_owned()) } else { cursor.name().map(|name| name.dotted()) };
    match name {
        Some(name) if changes => statement.effects.push(Effect::Setting(name.to_ascii_lowercase())),
        _ => statement.opaque = Some(Opaque::Construct("alter system".to_owned())),
    }
    statement
}
