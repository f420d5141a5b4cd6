//! A second, PostgreSQL-specific reading, on the tokens, of simple kinds of statements that the parser does not
//! know or reads as another dialect does: maintenance, settings, transactions, FETCH.
//!
//! Each kind is read to its end; whatever is left over goes to the parser, or is opaque.

mod alter;
mod alter_object;
mod comment;
mod cursor;
mod define;
mod drop;
mod fetch;
mod foreign;
mod kinds;
mod rights;
pub(crate) mod settings;
mod transaction;

use chaperone_model::facts::{Access, Effect, ObjectKind, Opaque, Statement, Verb};
use sqlparser::tokenizer::TokenWithSpan;

pub(crate) use alter::action as relation_action;
pub(crate) use cursor::{Cursor, Name};
pub(crate) use kinds::{cast, transform};

/// The statement if it is one of the kinds read here.
pub(crate) fn read(tokens: &[TokenWithSpan]) -> Option<Statement> {
    let mut cursor = Cursor::new(tokens);
    let mut statement = understood(Vec::new());
    match cursor.bare()? {
        "do" => {
            statement.verbs.push(Verb::Do);
            statement.opaque = Some(Opaque::Construct("do".to_owned()));
            return Some(statement);
        }
        "comment" => comment::comment(&mut cursor, &mut statement)?,
        // What a label means is its provider's: rights (sepgsql), functions that mask (anon).
        "security" => {
            statement.verbs.push(Verb::Comment);
            statement.opaque = Some(Opaque::Construct("security label".to_owned()));
            return Some(statement);
        }
        "set" => return Some(settings::set(&mut cursor)),
        "reset" => return Some(settings::reset(&mut cursor)),
        "show" => {
            statement.verbs.push(Verb::Show);
            while cursor.name().is_some() || cursor.word("all") {}
        }
        "alter" if cursor.word("system") => return Some(settings::alter_system(&mut cursor)),
        "alter" => {
            let known = alter_relation(&cursor).or_else(|| alter_object(&cursor));
            return known.or_else(|| alter_other(&cursor));
        }
        "create" if cursor.words(&["or", "replace", "aggregate"]) || cursor.word("aggregate") => {
            define::aggregate(&mut cursor, &mut statement)?
        }
        "create" if cursor.word("statistics") => define::statistics(&mut cursor, &mut statement)?,
        "create" => foreign::object(&mut cursor, &mut statement, Verb::Create)?,
        "drop" if cursor.clone().words(&["user", "mapping"]) => {
            foreign::object(&mut cursor, &mut statement, Verb::Drop)?
        }
        "drop" => drop::drop(&mut cursor, &mut statement)?,
        "grant" => rights::grant(&mut cursor, &mut statement)?,
        "revoke" => rights::revoke(&mut cursor, &mut statement)?,
        "checkpoint" => statement.verbs.push(Verb::Checkpoint),
        "refresh" => refresh(&mut cursor, &mut statement)?,
        "reindex" => reindex(&mut cursor, &mut statement)?,
        "cluster" => cluster(&mut cursor, &mut statement),
        "vacuum" => maintain(&mut cursor, &mut statement, Verb::Vacuum, Access::Write),
        "analyze" | "analyse" => maintain(&mut cursor, &mut statement, Verb::Analyze, Access::Read),
        "fetch" | "move" => fetch::fetch(&mut cursor, &mut statement)?,
        "begin" => transaction::begin(&mut cursor, &mut statement, false)?,
        "start" => transaction::begin(&mut cursor, &mut statement, true)?,
        "prepare" if cursor.word("transaction") => two_phase(&mut cursor, &mut statement),
        "commit" | "rollback" if cursor.word("prepared") => two_phase(&mut cursor, &mut statement),
        "reassign" => reassign(&mut cursor, &mut statement)?,
        _ => return None,
    }
    cursor.at_end().then_some(statement)
}

fn alter_relation(cursor: &Cursor<'_>) -> Option<Statement> {
    let (mut cursor, mut statement) = (cursor.clone(), understood(Vec::new()));
    alter::relation(&mut cursor, &mut statement)?;
    cursor.at_end().then_some(statement)
}

fn alter_object(cursor: &Cursor<'_>) -> Option<Statement> {
    let (mut cursor, mut statement) = (cursor.clone(), understood(Vec::new()));
    alter_object::object(&mut cursor, &mut statement)?;
    cursor.at_end().then_some(statement)
}

fn alter_other(cursor: &Cursor<'_>) -> Option<Statement> {
    let (mut cursor, mut statement) = (cursor.clone(), understood(Vec::new()));
    foreign::object(&mut cursor, &mut statement, Verb::Alter)?;
    cursor.at_end().then_some(statement)
}

/// An object of any kind, which becomes part of an extension or stops to be one.
pub(crate) fn member(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    if cursor.word("cast") {
        return cast(cursor, statement, Access::Alter);
    }
    if kinds::is_operator(cursor) {
        return kinds::operator(cursor, statement, Access::Alter);
    }
    let kind = kinds::kind(cursor)?;
    kinds::object(cursor, statement, kind, Access::Alter)
}

/// What CASCADE does to objects that the text does not name: they go, or lose what depended.
pub(crate) const CASCADE: &[Access] = &[Access::Drop, Access::Alter];

/// What a statement does to objects that it does not name.
pub(crate) fn unnamed(statement: &mut Statement, accesses: &[Access]) {
    for access in accesses {
        let effect = Effect::Unnamed(*access);
        if !statement.effects.contains(&effect) {
            statement.effects.push(effect);
        }
    }
}

/// CASCADE or RESTRICT, or neither.
pub(crate) fn behavior(cursor: &mut Cursor<'_>, statement: &mut Statement) {
    if cursor.word("cascade") {
        unnamed(statement, CASCADE);
    } else {
        cursor.word("restrict");
    }
}

/// A statement that is understood, so far.
pub(crate) fn understood(verbs: Vec<Verb>) -> Statement {
    Statement { verbs, bounded: true, ..Statement::default() }
}

/// The facts of a statement that could not be read.
pub(crate) fn unread(verb: Option<Verb>, message: String) -> Statement {
    Statement {
        verbs: verb.into_iter().collect(),
        bounded: !matches!(verb, None | Some(Verb::Delete | Verb::Update | Verb::Merge)),
        opaque: Some(Opaque::Unparsable(message)),
        ..Statement::default()
    }
}

/// The verb that a statement starts with, whether or not the rest can be read.
pub(crate) fn leading_verb(tokens: &[TokenWithSpan]) -> Option<Verb> {
    let mut cursor = Cursor::new(tokens);
    Some(match cursor.bare()? {
        "abort" | "rollback" => Verb::Rollback,
        "alter" => Verb::Alter,
        "analyze" | "analyse" => Verb::Analyze,
        "begin" | "start" => Verb::Begin,
        "call" => Verb::Call,
        "close" => Verb::Close,
        "cluster" => Verb::Cluster,
        "comment" | "security" => Verb::Comment,
        "commit" | "end" => Verb::Commit,
        "copy" => Verb::Copy,
        "create" | "import" => Verb::Create,
        "deallocate" => Verb::Deallocate,
        "declare" => Verb::Declare,
        "delete" => Verb::Delete,
        "discard" => Verb::Discard,
        "drop" => Verb::Drop,
        "execute" => Verb::Execute,
        "explain" => Verb::Explain,
        "fetch" | "move" => Verb::Fetch,
        "grant" => Verb::Grant,
        "insert" => Verb::Insert,
        "listen" | "unlisten" => Verb::Listen,
        "load" => Verb::Load,
        "lock" => Verb::Lock,
        "merge" => Verb::Merge,
        "notify" => Verb::Notify,
        "prepare" => Verb::Prepare,
        "reassign" => Verb::Reassign,
        "refresh" => Verb::Refresh,
        "reindex" => Verb::Reindex,
        "release" => Verb::Release,
        "revoke" => Verb::Revoke,
        "savepoint" => Verb::Savepoint,
        "select" | "table" | "values" => Verb::Select,
        "truncate" => Verb::Truncate,
        "update" => Verb::Update,
        "vacuum" => Verb::Vacuum,
        _ => return None,
    })
}

fn refresh(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Refresh);
    (cursor.word("materialized") && cursor.word("view")).then_some(())?;
    cursor.word("concurrently");
    statement.relations.push(cursor.name()?.relation(ObjectKind::Table, Access::Write));
    if cursor.word("with") {
        cursor.word("no");
        cursor.word("data").then_some(())?;
    }
    Some(())
}

fn reindex(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Reindex);
    cursor.skip_parentheses();
    let kind = match cursor.bare()? {
        "index" => ObjectKind::Index,
        "table" => ObjectKind::Table,
        "schema" => ObjectKind::Schema,
        "database" | "system" => ObjectKind::Database,
        _ => return None,
    };
    cursor.word("concurrently");
    if let Some(name) = cursor.name() {
        statement.relations.push(name.relation(kind, Access::Alter));
    }
    if matches!(kind, ObjectKind::Database | ObjectKind::Schema) {
        unnamed(statement, &[Access::Alter]);
    }
    Some(())
}

fn cluster(cursor: &mut Cursor<'_>, statement: &mut Statement) {
    statement.verbs.push(Verb::Cluster);
    cursor.skip_parentheses();
    cursor.word("verbose");
    match cursor.name() {
        // `CLUSTER index ON table`
        Some(index) if cursor.word("on") => {
            statement.relations.push(index.relation(ObjectKind::Index, Access::Read));
            let table = cursor.name().map(|name| name.relation(ObjectKind::Table, Access::Alter));
            statement.relations.extend(table);
        }
        Some(name) => statement.relations.push(name.relation(ObjectKind::Table, Access::Alter)),
        None => unnamed(statement, &[Access::Alter]),
    }
    if cursor.word("using") {
        if let Some(index) = cursor.name() {
            statement.relations.push(index.relation(ObjectKind::Index, Access::Read));
        }
    }
}

/// VACUUM and ANALYZE, in the old and the new order of options.
fn maintain(cursor: &mut Cursor<'_>, statement: &mut Statement, verb: Verb, access: Access) {
    statement.verbs.push(verb);
    cursor.skip_parentheses();
    while ["full", "freeze", "verbose", "analyze", "analyse"].iter().any(|option| cursor.word(option)) {}
    while let Some(name) = cursor.relation_name() {
        statement.relations.push(name.relation(ObjectKind::Table, access));
        cursor.skip_parentheses();
        if !cursor.comma() {
            break;
        }
    }
    if statement.relations.is_empty() {
        unnamed(statement, &[access]);
    }
}

fn two_phase(cursor: &mut Cursor<'_>, statement: &mut Statement) {
    statement.verbs.push(Verb::PrepareTransaction);
    cursor.string();
}

/// REASSIGN OWNED BY role, … TO role.
fn reassign(cursor: &mut Cursor<'_>, statement: &mut Statement) -> Option<()> {
    statement.verbs.push(Verb::Reassign);
    (cursor.word("owned") && cursor.word("by")).then_some(())?;
    loop {
        statement.relations.push(cursor.name()?.relation(ObjectKind::Role, Access::Alter));
        if !cursor.comma() {
            break;
        }
    }
    cursor.word("to").then_some(())?;
    statement.relations.push(cursor.name()?.relation(ObjectKind::Role, Access::Grant));
    unnamed(statement, &[Access::Alter]);
    Some(())
}

/// What changing the setting `name` does. Settings are found by their name whatever its case, quoted or not.
pub(crate) fn setting(name: &str) -> Effect {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "role" | "session_authorization" => Effect::SwitchRole,
        _ => Effect::Setting(name),
    }
}
