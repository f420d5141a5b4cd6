//! The modes of a transaction: BEGIN, START TRANSACTION, SET TRANSACTION.

use chaperone_model::facts::{Effect, Statement, Verb};

use super::cursor::Cursor;

/// BEGIN or START, behind the word. Undoing `default_transaction_read_only` is a setting like SET TRANSACTION.
pub(super) fn begin(cursor: &mut Cursor<'_>, statement: &mut Statement, start: bool) -> Option<()> {
    statement.verbs.push(Verb::Begin);
    let transaction = cursor.word("transaction") || (!start && cursor.word("work"));
    (transaction || !start).then_some(())?;
    modes(cursor, |mode| {
        if mode == Mode::ReadWrite {
            statement.effects.push(Effect::Setting("transaction_read_only".to_owned()));
        }
    })
}

/// SET TRANSACTION, behind the words: each mode is the setting of its name.
pub(super) fn set(cursor: &mut Cursor<'_>, prefix: &str, effects: &mut Vec<Effect>) -> Option<()> {
    let mut setting = |name: &str| effects.push(Effect::Setting(format!("{prefix}{name}")));
    if prefix == "transaction_" && cursor.word("snapshot") {
        setting("snapshot");
        return cursor.string().then_some(());
    }
    modes(cursor, |mode| {
        setting(match mode {
            Mode::Deferrable => "deferrable",
            Mode::Isolation => "isolation",
            Mode::ReadOnly | Mode::ReadWrite => "read_only",
        });
    })
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Mode {
    Deferrable,
    Isolation,
    ReadOnly,
    ReadWrite,
}

/// A list of modes to the end of the statement; commas may stand between them.
fn modes(cursor: &mut Cursor<'_>, mut see: impl FnMut(Mode)) -> Option<()> {
    let mut comma = false;
    while comma || !cursor.at_end() {
        let mode = match cursor.bare()? {
            "deferrable" => Mode::Deferrable,
            "isolation" => {
                cursor.word("level").then_some(())?;
                let known = match cursor.bare()? {
                    "read" => cursor.word("committed") || cursor.word("uncommitted"),
                    "repeatable" => cursor.word("read"),
                    "serializable" => true,
                    _ => false,
                };
                known.then_some(Mode::Isolation)?
            }
            "not" if cursor.word("deferrable") => Mode::Deferrable,
            "read" if cursor.word("only") => Mode::ReadOnly,
            "read" if cursor.word("write") => Mode::ReadWrite,
            _ => return None,
        };
        see(mode);
        comma = cursor.comma();
    }
    Some(())
}
