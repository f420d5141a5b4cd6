//! Whether an error or a notice may quote a hidden value although the statement names no table that has one.
//!
//! What runs is more than what a statement says: foreign keys change other tables, checks wait for the end of the
//! transaction, indexes compute, triggers do as they like. The server tells of most of it in the fields of its error:
//! the table that it is about, and in whose midst it was.

use chaperone_model::facts::{Access, ObjectKind, Relation, Statement, Verb};
use chaperone_pgwire::server::{Fields, field};
use chaperone_policy::function_class;

use crate::catalogue::Known;
use crate::exposure::Exposure;
use crate::plan::Plan;

/// What is known when an error comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grounds<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) known: Option<&'a Known>,
    /// The session itself has made tables, or renamed them, or made something out of hidden columns, that the catalogue
    /// does not know yet.
    pub(crate) unsure: bool,
}

impl Grounds<'_> {
    /// `statement` is the one that is answered, where it is known.
    pub(crate) fn may_quote(&self, fields: &Fields<'_>, statement: Option<&Statement>) -> bool {
        self.is_of_hidden(fields)
            || self.quotes_a_hidden_key(fields)
            || is_nested(fields) && statement.is_none_or(runs_more)
    }

    /// `Key (email)=(…) is still referenced from …`: the values are of these columns, and of a table that no field names.
    /// What an index computes may be made of anything.
    fn quotes_a_hidden_key(&self, fields: &Fields<'_>) -> bool {
        let Some(detail) = fields.find(field::DETAIL) else { return false };
        let Some(end) = detail.windows(3).position(|three| three == b")=(") else { return false };
        let before = detail.get(..end).unwrap_or_default();
        let Some(start) = before.iter().position(|byte| *byte == b'(') else { return true };
        let key = String::from_utf8_lossy(before.get(start + 1..).unwrap_or_default()).into_owned();
        let hidden = |name: &str| {
            self.plan.named(name).is_some() || self.known.is_some_and(|known| known.hides_any(name))
        };
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | ',' | ' ' | '"');
        let is_computed = !key.chars().all(plain);
        is_computed || key.split([',', ' ', '"']).any(hidden)
    }

    /// The error is about a table with hidden columns, whatever the statement was about.
    fn is_of_hidden(&self, fields: &Fields<'_>) -> bool {
        let text = |letter| fields.find(letter).map(|text| String::from_utf8_lossy(text).into_owned());
        let Some(name) = text(field::TABLE) else { return false };
        let table =
            Relation { schema: text(field::SCHEMA), name, kind: ObjectKind::Table, access: Access::Read };
        let exposure = Exposure::of(self.plan, self.known, [&table]);
        self.unsure || self.known.is_none() || !exposure.is_empty() || exposure.may_quote()
    }
}

/// Whether the statement itself evaluates expressions that it does not show: of indexes, and of what is stored.
pub(crate) fn computes_unseen(statement: &Statement) -> bool {
    statement.verbs.first().is_some_and(|verb| {
        matches!(verb, Verb::Analyze | Verb::Cluster | Verb::Refresh | Verb::Reindex | Verb::Vacuum)
    })
}

/// Whether the statement runs the checks of earlier ones: COMMIT, PREPARE TRANSACTION, SET CONSTRAINTS.
pub(crate) fn checks_earlier(statement: &Statement) -> bool {
    match statement.verbs.first() {
        Some(Verb::Commit | Verb::PrepareTransaction) => true,
        // Any other SET is of a setting, or of the transaction.
        Some(Verb::Set) => statement.effects.is_empty(),
        _ => false,
    }
}

/// Whether more may run than the statement's own words: triggers, cascades, what views and policies call. A function that
/// a statement calls by its name is the policy's to allow.
pub(crate) fn runs_more(statement: &Statement) -> bool {
    let reads = |verb: &Verb| matches!(verb, Verb::Explain | Verb::Fetch | Verb::Select | Verb::Show);
    let calls = |name: &String| function_class(name) != "catalog";
    let by_name = statement.verbs.first() == Some(&Verb::Call)
        || statement.verbs.iter().all(reads) && statement.functions.iter().any(calls);
    checks_earlier(statement) || !by_name
}

/// Whether the server tells of something in whose midst it was: a statement or a function that runs inside of the
/// client's. Where it was in the client's own JSON, or in its own lines of COPY, it says so in one line.
pub(crate) fn is_nested(fields: &Fields<'_>) -> bool {
    let own = |context: &[u8]| {
        let begins: [&[u8]; 3] = [b"JSON data, line ", b"COPY ", b"while "];
        begins.iter().any(|begin| context.starts_with(begin)) && !context.contains(&b'\n')
    };
    let nested = fields.find(field::CONTEXT).is_some_and(|context| !context.is_empty() && !own(context));
    nested || fields.find(field::INTERNAL_QUERY).is_some()
}

#[cfg(test)]
mod tests {
    use chaperone_pgwire::server::write;

    use super::*;

    fn facts(sql: &str) -> Statement {
        let facts = chaperone_sql::read(sql.as_bytes(), &chaperone_sql::Limits::default());
        facts.statements.into_iter().next().unwrap()
    }

    #[test]
    fn statements_that_run_more_than_they_say() {
        for (sql, more, checks, unseen) in [
            ("select f(1)", false, false, false),
            ("select upper(a) from v", true, false, false),
            ("call p()", false, false, false),
            ("with x as (delete from t returning 1) select * from x", true, false, false),
            ("explain analyze delete from t", true, false, false),
            ("insert into t values (1)", true, false, false),
            ("commit", true, true, false),
            ("prepare transaction 'x'", true, true, false),
            ("set constraints all immediate", true, true, false),
            ("set work_mem = 1", true, false, false),
            ("reindex index i", true, false, true),
            ("refresh materialized view m", true, false, true),
            ("vacuum", true, false, true),
        ] {
            let statement = facts(sql);
            assert_eq!(runs_more(&statement), more, "{sql}");
            assert_eq!(checks_earlier(&statement), checks, "{sql}");
            assert_eq!(computes_unseen(&statement), unseen, "{sql}");
        }
    }

    #[test]
    fn only_ones_own_words_are_no_nest() {
        for (context, nested) in [
            ("JSON data, line 1: {bad", false),
            ("COPY orders, line 1, column id: \"x\"", false),
            ("SQL statement \"UPDATE x\"\nCOPY orders, line 1", true),
            ("COPY orders, line 1\nSQL statement \"UPDATE x\"", true),
            ("SQL-Anweisung »UPDATE ONLY x«", true),
            ("while updating tuple (0,1) in relation \"t\"", false),
            ("PL/pgSQL function f() line 1 at RAISE", true),
        ] {
            let mut out = Vec::new();
            let fields = [(field::MESSAGE, &b"m"[..]), (field::CONTEXT, context.as_bytes())];
            write::error_response(&mut out, fields).unwrap();
            assert_eq!(is_nested(&Fields::read(&out[5..]).unwrap()), nested, "{context}");
        }
    }
}
