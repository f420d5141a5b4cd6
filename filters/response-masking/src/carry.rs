//! Ways by which a statement could carry a hidden value to where nothing is masked: into another column, into a
//! notification, a setting, a sequence, a lock, a file.
//!
//! What went such a way cannot be told from anything else afterwards, so the statement is refused before it is run.

use chaperone_model::Reason;
use chaperone_model::facts::{Access, Effect, ObjectKind, Output, Relation, Statement, Stored, Verb};
use chaperone_policy::function_class;

use crate::catalogue::Known;
use crate::exposure::Exposure;
use crate::plan::Plan;
use crate::shape::is_of_server;

/// What is known when a statement comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grounds<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) known: Option<&'a Known>,
    /// The session has made something out of hidden columns that the catalogue does not know yet.
    pub(crate) derived: bool,
    /// The session itself has made tables, or renamed columns, that the catalogue does not know yet.
    pub(crate) made: bool,
}

/// What a call of a function can do with a value that it is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Call {
    /// Nothing but compute.
    Computes,
    /// Put it somewhere.
    Carries,
    /// Read any table, whatever the statement names.
    ReadsAny,
    /// Nobody knows.
    Unknown,
}

impl<'a> Grounds<'a> {
    /// Why the statement is refused, if it is.
    pub(crate) fn refusal(&self, statement: &Statement) -> Option<Reason> {
        // Nobody can tell what it takes where.
        let unread = statement.opaque.as_ref().map(|_| Reason::MaskCarryRefused);
        unread
            .or_else(|| self.calls(statement))
            .or_else(|| self.copies(statement))
            .or_else(|| self.stores(statement))
    }

    fn exposure<'r>(&self, relations: impl IntoIterator<Item = &'r Relation>) -> Exposure<'a> {
        Exposure::of(self.plan, self.known, relations)
    }

    /// Whether a table may have hidden columns of which nothing is known yet: a view, something that was renamed.
    fn is_unsure(&self, relations: &[&Relation], exposure: &Exposure<'_>) -> bool {
        let of_users = relations.iter().any(|relation| !is_of_server(relation));
        let made = self.made && !exposure.is_empty();
        of_users && (self.known.is_none() || self.derived || made)
    }

    /// What functions could do with the values of the tables beside which they are called.
    fn calls(&self, statement: &Statement) -> Option<Reason> {
        let relations: Vec<_> = statement.relations.iter().collect();
        let exposure = self.exposure(&statement.relations);
        // `x.f` may be a call of `f`; what is not known to be a function is a column.
        let attributes = statement.attributes.iter().filter(|name| call(name) != Call::Unknown);
        statement.functions.iter().chain(attributes).find_map(|function| match call(function) {
            Call::Computes => None,
            Call::ReadsAny => Some(Reason::MaskCarryRefused),
            Call::Carries if !exposure.is_empty() || makes_a_type(statement) => {
                Some(Reason::MaskCarryRefused)
            }
            Call::Carries => {
                self.is_unsure(&relations, &exposure).then_some(Reason::MaskCatalogueUnavailable)
            }
            Call::Unknown => {
                (!exposure.is_empty() && is_untold(statement)).then_some(Reason::MaskCarryRefused)
            }
        })
    }

    /// COPY to a file or a program of the server; to the client it is judged by its result too.
    fn copies(&self, statement: &Statement) -> Option<Reason> {
        let leaves = |effect: &Effect| matches!(effect, Effect::CopyOut | Effect::File | Effect::Program);
        if !statement.effects.iter().any(leaves) {
            return None;
        }
        let (exposure, read) = self.read(statement);
        // A publication may be of all tables that there are.
        let unnamed = statement.effects.contains(&Effect::Unnamed(Access::Read));
        if !exposure.is_empty() || unnamed && self.plan.hides_columns() {
            return Some(Reason::MaskCopyRefused);
        }
        let to_client = statement.effects.contains(&Effect::CopyOut);
        (!to_client && self.is_unsure(&read, &exposure)).then_some(Reason::MaskCatalogueUnavailable)
    }

    /// What is put into tables.
    fn stores(&self, statement: &Statement) -> Option<Reason> {
        if statement.stored.is_empty() {
            return None;
        }
        let (exposure, read) = self.read(statement);
        let own = own_table(statement);
        let unsure = self.is_unsure(&read, &exposure);
        let all_own = |stored: &Stored, names: &[String]| {
            own && names.iter().all(|name| stored.column.as_ref() == Some(name))
        };
        for stored in &statement.stored {
            let (told, names) = match &stored.from {
                Output::Column(name) => (true, std::slice::from_ref(name)),
                Output::Computed(names) => (true, names.as_slice()),
                Output::Star | Output::Unknown => (false, [].as_slice()),
            };
            let hidden: Vec<_> = names
                .iter()
                .filter(|name| exposure.transform(name).is_some() || read.iter().any(|it| it.name == **name))
                .cloned()
                .collect();
            if !all_own(stored, &hidden) && !hidden.is_empty() || !told && !exposure.is_empty() {
                return Some(Reason::MaskCarryRefused);
            }
            // A column into itself is harmless, whatever it is.
            if unsure && !(told && all_own(stored, names)) {
                return Some(Reason::MaskCatalogueUnavailable);
            }
        }
        None
    }

    /// The tables whose values a statement can take, and what is hidden in them. INSERT does not see what is in its own.
    fn read<'s>(&self, statement: &'s Statement) -> (Exposure<'a>, Vec<&'s Relation>) {
        let sees = |verb: &Verb| matches!(verb, Verb::Alter | Verb::Delete | Verb::Merge | Verb::Update);
        let own = statement.verbs.iter().any(sees);
        let read = |relation: &&Relation| match relation.access {
            Access::Alter | Access::Drop | Access::Grant | Access::Lock | Access::Read => true,
            Access::Write => own,
            Access::Create => false,
        };
        let read: Vec<_> = statement.relations.iter().filter(read).collect();
        (self.exposure(read.iter().copied()), read)
    }
}

/// Whether it makes or changes a type. What a domain checks runs wherever a value is cast to it, and no statement tells.
fn makes_a_type(statement: &Statement) -> bool {
    statement.relations.iter().any(|relation| {
        relation.kind == ObjectKind::Type && matches!(relation.access, Access::Alter | Access::Create)
    })
}

/// Whether all of a statement is about one table.
fn own_table(statement: &Statement) -> bool {
    let mut tables = statement.relations.iter().filter(|relation| relation.kind == ObjectKind::Table);
    let Some(first) = tables.next() else { return false };
    tables.all(|table| table.schema == first.schema && table.name == first.name)
}

/// Whether it is not told what the statement's result is computed from, or what it hands over.
fn is_untold(statement: &Statement) -> bool {
    match &statement.outputs {
        Some(outputs) => outputs.contains(&Output::Unknown),
        None => matches!(statement.verbs.first(), Some(Verb::Call | Verb::Declare | Verb::Select)),
    }
}

/// By the classes of the policy. Every effect that depends on a value tells something of it: how long one waits, which
/// lock is held.
fn call(function: &str) -> Call {
    match function_class(function) {
        "catalog" => Call::Computes,
        "dynamic_sql" => Call::ReadsAny,
        // It moves on by one and takes no value.
        "sequences" if function.rsplit('.').next() == Some("nextval") => Call::Computes,
        "unknown" => Call::Unknown,
        _ => Call::Carries,
    }
}
