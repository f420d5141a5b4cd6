//! What the facts say of the statement whose answer comes.

use chaperone_flow::Command;
use chaperone_model::facts::{Statement, Verb};

use crate::catalogue::Known;
use crate::exposure::Exposure;
use crate::plan::Plan;
use crate::quoting::{checks_earlier, computes_unseen};

/// How the columns of a statement's answer can be told where the server names no table.
#[derive(Debug)]
pub(crate) enum Reading<'a> {
    /// The rows are those of a query that was sent before: FETCH, or EXECUTE of what the guard does not know.
    Earlier,
    /// A plan or a setting: no values of tables, but what EXPLAIN ANALYZE runs may fail on one.
    Plain(Exposure<'a>),
    /// As the facts say.
    Told(&'a Statement, Exposure<'a>),
    /// Not at all.
    Untold,
}

impl<'a> Reading<'a> {
    /// Reads the statement at `index` of a command.
    ///
    /// `alone`: the command is that of a portal, so it has one statement. Where the guard gives more, each is what
    /// the portal may be, or what its EXECUTE may run.
    pub(crate) fn of(
        command: Option<&'a Command>,
        index: usize,
        alone: bool,
        plan: &'a Plan,
        known: Option<&'a Known>,
    ) -> Self {
        let Some(facts) = command.map(Command::facts) else { return Self::Untold };
        if facts.opaque.is_some() {
            return Self::Untold;
        }
        let statement = match (facts.statements.as_slice(), facts.statements.get(index)) {
            // The guard puts what EXECUTE runs behind it.
            ([execute, run], Some(_)) if index == 0 && execute.verbs == [Verb::Execute] => run,
            ([_, _, ..], Some(_)) if alone => return Self::Earlier,
            (_, Some(statement)) => statement,
            (_, None) => return Self::Untold,
        };
        if statement.opaque.is_some() {
            return Self::Untold;
        }
        match statement.verbs.as_slice() {
            [Verb::Explain | Verb::Show, ..] => Self::Plain(Exposure::of(plan, known, &statement.relations)),
            [Verb::Fetch, ..] | [Verb::Execute, ..] => Self::Earlier,
            _ => Self::Told(statement, Exposure::of(plan, known, &statement.relations)),
        }
    }

    /// Whether the answer may have to do with hidden columns. `touched`: an earlier statement of the session had.
    pub(crate) fn is_exposed(&self, touched: bool) -> bool {
        match self {
            Self::Untold => true,
            Self::Earlier => touched,
            Self::Plain(exposure) => touched || !exposure.is_empty(),
            Self::Told(statement, exposure) => !exposure.is_empty() || touched && checks_earlier(statement),
        }
    }

    /// Whether a hidden value may be in an error though the statement names no table that has one.
    pub(crate) fn may_quote(&self) -> bool {
        match self {
            Self::Earlier | Self::Untold => false,
            Self::Plain(exposure) => exposure.may_quote(),
            Self::Told(statement, exposure) => exposure.may_quote() || computes_unseen(statement),
        }
    }
}

/// Whether the statement writes: it has had its effect by the time its result is refused.
pub(crate) fn writes(statement: &Statement) -> bool {
    statement.verbs.iter().any(is_write)
}

/// Whether writing is what the statement is about, so that it has a result only with RETURNING.
pub(crate) fn begins_with_write(statement: &Statement) -> bool {
    statement.verbs.first().is_some_and(is_write)
}

fn is_write(verb: &Verb) -> bool {
    matches!(verb, Verb::Delete | Verb::Insert | Verb::Merge | Verb::Update)
}

/// Whether the statement changes what tables there are.
pub(crate) fn defines(statement: &Statement) -> bool {
    let defines = |verb: &Verb| matches!(verb, Verb::Alter | Verb::Create | Verb::Do | Verb::Drop);
    statement.verbs.iter().any(defines)
}
