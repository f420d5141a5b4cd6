//! Is everything in the statement listed? For allow rules.

use chaperone_model::facts::{Access, Effect, ObjectKind, Relation, Statement, Verb};

use super::{Functions, Matcher, Miss, What, asks_for_all_columns, effect_term, guarded, is_known_call};
use crate::access::Caller;
use crate::document::EffectTerm;
use crate::functions::FunctionClass;
use crate::names::{ColumnPattern, NamePattern};
use crate::verbs::VerbSet;

impl Matcher {
    /// Whether everything that the statement does is listed. A kind of thing that the rule does not list at all
    /// is not limited; but opaque parts, guarded settings, COPY, files, programs and changes of role must be named.
    pub(crate) fn covers<'f>(
        &self,
        caller: &Caller<'_>,
        statement: &'f Statement,
        search_path: &[String],
    ) -> Result<(), Miss<'f>> {
        self.who.is(caller)?;
        let what = &self.what;
        if let Some(verbs) = what.verbs {
            if statement.verbs.is_empty() {
                return Err(Miss::Verbless);
            }
            if let Some(verb) = statement.verbs.iter().find(|verb| !verbs.has(**verb)) {
                return Err(Miss::Verb(*verb));
            }
        }
        what.covers_specials(statement)?;
        let relation = |relation: &&Relation| !what.covers_relation(relation, search_path);
        if let Some(relation) = statement.relations.iter().find(relation) {
            return Err(Miss::Relation(relation));
        }
        if let Some(columns) = &what.columns {
            covers_columns(columns, statement, search_path)?;
        }
        let uncovered = |function: &&String| match &what.functions {
            None => false,
            Some(functions) => !surely_means_function(functions, function),
        };
        let attributes = statement.attributes.iter().filter(|name| is_known_call(name));
        match statement.functions.iter().chain(attributes).find(uncovered) {
            Some(function) => Err(Miss::Function(function)),
            None => Ok(()),
        }
    }
}

impl What {
    /// Whether the rule names what no rule covers without naming it. Hold rules are asked this too.
    pub(crate) fn covers_specials<'f>(&self, statement: &'f Statement) -> Result<(), Miss<'f>> {
        if statement.opaque.is_some() && !self.opaque {
            return Err(Miss::Opaque);
        }
        match statement.effects.iter().find(|effect| !self.covers_effect(effect)) {
            Some(effect) => Err(Miss::Effect(effect)),
            None => Ok(()),
        }
    }

    fn covers_effect(&self, effect: &Effect) -> bool {
        let named = |term| self.effects.as_ref().is_some_and(|listed| listed.contains(&term));
        match effect {
            // What it prepares or executes is judged by its own facts.
            Effect::Prepared(_) => true,
            Effect::CopyIn | Effect::CopyOut | Effect::File | Effect::Program | Effect::SwitchRole => {
                named(effect_term(effect))
            }
            Effect::Unnamed(access) => named(EffectTerm::Unnamed) || self.covers_all_relations(*access),
            Effect::Setting(name) => {
                let switches = matches!(name.as_str(), "role" | "session_authorization");
                let sets =
                    || self.verbs.is_none_or(|verbs: VerbSet| verbs.has(Verb::Set) || verbs.has(Verb::Reset));
                match &self.settings {
                    Some(settings) if settings.iter().any(|setting| setting.matches(name)) => true,
                    _ if switches => named(EffectTerm::SwitchRole),
                    Some(_) => false,
                    None => !guarded(name) && (named(EffectTerm::Setting) || sets()),
                }
            }
        }
    }

    /// Whether the rule covers this access to whatever there is.
    fn covers_all_relations(&self, access: Access) -> bool {
        let accesses = self.access.as_ref().is_none_or(|listed| listed.contains(&access));
        let names = self.tables.as_ref().is_none_or(|tables| tables.iter().any(NamePattern::is_all));
        let kinds = match access {
            // Only tables have rows that are written without being named.
            Access::Lock | Access::Read | Access::Write => {
                self.objects.as_ref().is_none_or(|listed| listed.contains(&ObjectKind::Table))
            }
            // CASCADE goes to objects of any kind, and a list of tables or objects leaves some out.
            Access::Alter | Access::Create | Access::Drop | Access::Grant => {
                self.objects.is_none() && self.tables.is_none()
            }
        };
        accesses && names && kinds && self.columns.is_none()
    }

    fn covers_relation(&self, relation: &Relation, search_path: &[String]) -> bool {
        let access = self.access.as_ref().is_none_or(|listed| listed.contains(&relation.access));
        let object = match (&self.objects, &self.tables) {
            (Some(objects), _) => objects.contains(&relation.kind),
            (None, None) => true,
            // A list of tables says nothing about databases, roles, functions …
            (None, Some(_)) => matches!(
                relation.kind,
                ObjectKind::Index | ObjectKind::Sequence | ObjectKind::Table | ObjectKind::Trigger
            ),
        };
        let name = || match &self.tables {
            None => true,
            // What has no schema only a pattern for any schema can mean.
            Some(tables) if !relation.kind.has_schema() => tables
                .iter()
                .any(|table| table.schema == crate::names::Part::Any && table.name.matches(&relation.name)),
            Some(tables) => surely_means(tables, relation, search_path),
        };
        access && object && name()
    }
}

fn surely_means(tables: &[NamePattern], relation: &Relation, search_path: &[String]) -> bool {
    NamePattern::surely_means(tables, relation.schema.as_deref(), &relation.name, search_path)
}

/// Facts do not say whose a column is, so a column of a listed table is sure only where all tables are it.
fn covers_columns<'f>(
    columns: &[ColumnPattern],
    statement: &'f Statement,
    search_path: &[String],
) -> Result<(), Miss<'f>> {
    let tables = || statement.relations.iter().filter(|relation| matches!(relation.kind, ObjectKind::Table));
    let covered = |column: &str| {
        columns.iter().any(|pattern| {
            let table = || match &pattern.table {
                None => true,
                Some(table) => {
                    tables().all(|relation| surely_means(std::slice::from_ref(table), relation, search_path))
                }
            };
            pattern.column.matches(column) && table()
        })
    };
    if let Some(column) = statement.columns.iter().find(|column| !covered(column)) {
        return Err(Miss::Column(column));
    }
    if asks_for_all_columns(statement) && !covered("*") {
        return Err(Miss::Column("*"));
    }
    Ok(())
}

/// A function without a schema could be one of any schema, so only a pattern for any schema is sure.
fn surely_means_function(listed: &Functions, function: &str) -> bool {
    if listed.classes.has(FunctionClass::of(function)) {
        return true;
    }
    listed.names.iter().any(|pattern| match function.split_once('.') {
        Some((schema, name)) => pattern.schema.matches(schema) && pattern.name.matches(name),
        None => pattern.schema == crate::names::Part::Any && pattern.name.matches(function),
    })
}
