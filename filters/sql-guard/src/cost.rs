//! What a command takes of budgets when it goes to the server.

use chaperone_flow::Command;
use chaperone_model::Amounts;
use chaperone_model::facts::{Access, Effect, Facts, Statement, Verb};

/// What it takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cost {
    /// Statements and writes.
    pub(crate) takes: Amounts,
    /// Whether it may have a result.
    pub(crate) shows: bool,
}

/// Of a text that is run. `resolved` has besides what its EXECUTEs and FETCHes run.
pub(crate) fn of_text(text: &Command, resolved: &Command) -> Cost {
    let (own, all) = (&text.facts().statements, &resolved.facts().statements);
    let run = all.get(own.len()..).unwrap_or_default();
    let (run_writes, run_shows) = (run.iter().any(writes), run.iter().any(shows));
    let mut cost = Cost::default();
    for statement in own.iter().filter(|statement| !ends_transaction(statement)) {
        let stands_for_others = stands_for_others(statement);
        cost.takes.statements += 1;
        cost.takes.writes += u64::from(writes(statement) || stands_for_others && run_writes);
        cost.shows |= shows(statement) || stands_for_others && run_shows;
    }
    if text.facts().opaque.is_some() {
        // Nobody can tell how many there are, nor what they do.
        let most = text.text().bytes().filter(|byte| *byte == b';').count() as u64 + 1;
        cost.takes.statements = cost.takes.statements.max(most);
        cost.takes.writes = cost.takes.writes.max(most);
    }
    cost
}

/// Of an Execute: one statement, whichever of those that the portal may mean.
pub(crate) fn of_portal(facts: &Facts) -> Cost {
    let counted = facts.opaque.is_some() || !facts.statements.iter().all(ends_transaction);
    let writes = facts.opaque.is_some() || facts.statements.iter().any(writes);
    Cost {
        takes: Amounts {
            statements: u64::from(counted),
            writes: u64::from(counted && writes),
            ..Amounts::default()
        },
        shows: facts.statements.iter().any(shows),
    }
}

/// Whether a statement writes, as budgets count it. One that is prepared does when it is run.
pub(crate) fn writes(statement: &Statement) -> bool {
    if statement.verbs.contains(&Verb::Prepare) {
        return false;
    }
    let into_table = || {
        statement.verbs.contains(&Verb::Copy)
            && statement.relations.iter().any(|relation| relation.access == Access::Write)
    };
    let writing = |verb: &Verb| {
        matches!(verb, Verb::Delete | Verb::Insert | Verb::Merge | Verb::Truncate | Verb::Update)
    };
    statement.verbs.iter().any(writing)
        || statement.effects.contains(&Effect::CopyIn)
        || statement.opaque.is_some()
        || into_table()
}

/// Whether a transaction would stay open without it: whatever is used up, that one must be able to end.
fn ends_transaction(statement: &Statement) -> bool {
    !statement.verbs.is_empty()
        && statement.opaque.is_none()
        && statement.verbs.iter().all(|verb| matches!(verb, Verb::Commit | Verb::Rollback))
}

fn stands_for_others(statement: &Statement) -> bool {
    statement.verbs.iter().any(|verb| matches!(verb, Verb::Execute | Verb::Fetch))
}

/// Whether it shows rows, for all that can be told: what cannot is counted when it comes.
fn shows(statement: &Statement) -> bool {
    match statement.verbs.first() {
        Some(Verb::Explain | Verb::Fetch | Verb::Show) => true,
        Some(Verb::Select) => !statement.verbs.contains(&Verb::Create),
        Some(Verb::Delete | Verb::Insert | Verb::Merge | Verb::Update) => statement.outputs.is_some(),
        _ => statement.effects.contains(&Effect::CopyOut),
    }
}

#[cfg(test)]
mod tests {
    use crate::Rehearsal;

    use super::*;

    /// The cost of the last text of a session: statements, writes, and whether it shows rows.
    fn cost(texts: &[&str]) -> (u64, u64, bool) {
        let mut session = Rehearsal::default();
        let mut last = Cost::default();
        for text in texts {
            let read = session.read(text.as_bytes()).unwrap();
            last = of_text(&read.text, &read.command);
            session.runs(&read).unwrap();
        }
        (last.takes.statements, last.takes.writes, last.shows)
    }

    #[test]
    fn statements_and_writes_of_a_text() {
        for (text, expected, why) in [
            ("", (0, 0, false), "nothing is asked"),
            ("select 1", (1, 0, true), "one"),
            ("select 1; select 2", (2, 0, true), "each"),
            ("begin; insert into t values (1); commit", (2, 1, false), "the end of a transaction is free"),
            ("rollback", (0, 0, false), "so is that"),
            (
                "insert into t values (1), (2)",
                (1, 1, false),
                "a statement is one, however many rows it writes",
            ),
            ("insert into t values (1) returning a", (1, 1, true), "it shows what it wrote"),
            ("with d as (delete from t returning a) select * from d", (1, 1, true), "a write inside"),
            ("explain analyze delete from t", (1, 1, true), "it is run"),
            ("explain delete from t", (1, 0, true), "it is not run"),
            ("truncate t", (1, 1, false), "a write"),
            ("merge into t using s on t.a = s.a when matched then delete", (1, 1, false), "a write"),
            ("copy t from stdin", (1, 1, false), "a write"),
            ("copy t to stdout", (1, 0, true), "rows"),
            ("create table x (a int)", (1, 0, false), "neither"),
            ("prepare q as delete from t", (1, 0, false), "nothing is written yet"),
            ("declare c cursor for select 1", (1, 0, false), "nothing is shown yet"),
            ("set work_mem = '1MB'", (1, 0, false), "neither"),
            ("show work_mem", (1, 0, true), "a row"),
            ("do $$ begin end $$", (1, 1, false), "nobody can tell what it does"),
            ("this is; no sql; at all", (3, 3, false), "as many as there may be"),
        ] {
            assert_eq!(cost(&[text]), expected, "{text}: {why}");
        }
    }

    #[test]
    fn what_is_executed_counts_as_what_it_runs() {
        assert_eq!(cost(&["prepare q as select 1", "execute q"]), (1, 0, true));
        assert_eq!(cost(&["prepare q as delete from t", "execute q; execute q"]), (2, 2, false));
        assert_eq!(cost(&["prepare q as delete from t; execute q"]), (2, 1, false));
        assert_eq!(cost(&["begin; declare c cursor for select 1", "fetch 1 from c"]), (1, 0, true));
    }

    #[test]
    fn an_execute_of_the_protocol_is_one_statement() {
        let of = |text: &str| {
            let read = Rehearsal::default().read(text.as_bytes()).unwrap();
            let cost = of_portal(read.command.facts());
            (cost.takes.statements, cost.takes.writes, cost.shows)
        };
        assert_eq!(of("select 1"), (1, 0, true));
        assert_eq!(of("select 1; delete from t"), (1, 1, true), "as if it meant either");
        assert_eq!(of("commit"), (0, 0, false));
        assert_eq!(of("this is no sql"), (1, 1, false));
        assert_eq!(of(""), (0, 0, false));
    }
}
