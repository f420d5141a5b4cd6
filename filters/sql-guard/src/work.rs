//! How much work it may be to tell what a command stands for.
//!
//! An EXECUTE, a FETCH or a portal stands for other commands, and a session can make one short text stand for a thousand.
//! What one command may stand for is bounded, and so is what a session may ask for in a time: else a kilobyte of short texts
//! would keep a worker, and everybody on it, for seconds.

use chaperone_flow::Command;
use chaperone_model::facts::Facts;

/// How many statements one command may stand for once its EXECUTEs are resolved.
pub(crate) const RESOLVED_MOST: usize = 1_000;

/// How many bytes the facts of all that one command may stand for may take.
const RESOLVED_BYTES_MOST: usize = 8 << 20;

/// So many bytes of facts are as much work as a statement.
const UNIT_BYTES: usize = 1 << 10;

/// So many bytes of text are: each is copied, and digested for a record.
const UNIT_TEXT: usize = 512;

/// So many names of functions, by one rule, are: some are looked for in a list.
const NAMES_A_UNIT: usize = 10;

/// So many names of tables are as much as one of a function.
const TABLES_A_NAME: usize = 4;

/// What response-masking looks for is as much as so many rules.
const MASKING_RULES: usize = 4;

/// So many looks at what a name may mean are as much work as a statement.
const LOOKS: usize = 16;

/// What a command may always stand for, in units: more than most honest ones do. 64 KiB of client's bytes, which Envoy reads
/// at a time, may be some thousands of them.
const FREE: usize = 4;

/// What a session may do at once beyond that, in units: some 20 to 50 ms.
const MOST: usize = 20_000;

/// What it gets back in a millisecond.
const EACH_MILLISECOND: u64 = 20;

/// What a session may do.
#[derive(Debug)]
pub(crate) struct Work {
    left: usize,
    /// In milliseconds.
    at: u64,
}

/// How much is left of what one command may stand for.
#[derive(Debug)]
pub(crate) struct Left {
    /// Of the session's.
    units: usize,
    commands: usize,
    bytes: usize,
    looks: usize,
    spent: usize,
}

/// It is too much.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooMuch;

impl Default for Work {
    fn default() -> Self {
        Self { left: MOST, at: 0 }
    }
}

impl Work {
    /// What one command may stand for now.
    pub(crate) fn begin(&mut self, millis: u64) -> Left {
        let back = millis.saturating_sub(self.at).saturating_mul(EACH_MILLISECOND);
        self.left = self.left.saturating_add(usize::try_from(back).unwrap_or(MOST)).min(MOST);
        self.at = millis;
        Left {
            units: self.left.max(FREE),
            commands: RESOLVED_MOST,
            bytes: RESOLVED_BYTES_MOST,
            looks: 0,
            spent: 0,
        }
    }

    /// That is what it was.
    pub(crate) fn end(&mut self, left: &Left) {
        if left.spent > FREE {
            self.left = self.left.saturating_sub(left.spent);
        }
    }
}

impl Work {
    /// Whether something may be done now that is so much work; it is then done.
    pub(crate) fn may(&mut self, units: usize, millis: u64) -> bool {
        let mut left = self.begin(millis);
        let may = left.spend(units).is_ok();
        if may {
            self.end(&left);
        }
        may
    }
}

/// How much work it is to judge what was not sent just now by so many rules, here and in response-masking. What costs is to
/// tell which functions and tables of a statement a rule means.
pub(crate) fn of_judging(facts: &Facts, rules: usize) -> usize {
    let names = facts
        .statements
        .iter()
        .map(|it| it.functions.len() + it.attributes.len() + it.relations.len() / TABLES_A_NAME);
    names.sum::<usize>().saturating_mul(rules.saturating_add(MASKING_RULES)) / NAMES_A_UNIT
}

impl Left {
    /// One more candidate for a name is looked at.
    pub(crate) fn look(&mut self) -> Result<(), TooMuch> {
        self.looks += 1;
        if self.looks % LOOKS == 0 {
            self.spend(1)?;
            self.commands = self.commands.checked_sub(1).ok_or(TooMuch)?;
        }
        Ok(())
    }

    /// One more command is put into what another stands for, or the statements of one.
    pub(crate) fn take(&mut self, command: &Command) -> Result<(), TooMuch> {
        let (commands, bytes) = (command.facts().statements.len().max(1), command.facts().bytes());
        let text = command.text().len() / UNIT_TEXT;
        let units = commands.saturating_add(bytes / UNIT_BYTES).saturating_add(text);
        self.spend(units)?;
        self.commands = self.commands.checked_sub(commands).ok_or(TooMuch)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(TooMuch)?;
        Ok(())
    }

    fn spend(&mut self, units: usize) -> Result<(), TooMuch> {
        self.spent = self.spent.saturating_add(units);
        self.units = self.units.checked_sub(units).ok_or(TooMuch)?;
        Ok(())
    }
}
