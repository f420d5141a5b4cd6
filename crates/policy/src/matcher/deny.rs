//! Does anything in the statement match? For deny and hold rules.

use chaperone_model::facts::{Access, Effect, ObjectKind, Relation, Statement};

use super::{Functions, Matcher, Miss, What, asks_for_all_columns, effect_term, is_known_call};
use crate::access::Caller;
use crate::functions::FunctionClass;
use crate::names::{ColumnPattern, NamePattern, Part};
use crate::verbs::VerbSet;

impl Matcher {
    /// Whether each kind of thing that the rule lists (verbs, tables …) has something of the statement in it.
    pub(crate) fn touches<'f>(&self, caller: &Caller<'_>, statement: &'f Statement) -> Result<(), Miss<'f>> {
        self.who.is(caller)?;
        let what = &self.what;
        if what.verbs.is_some_and(|verbs| !statement.verbs.iter().any(|verb| verbs.has(*verb))) {
            return Err(Miss::None("verbs"));
        }
        if what.unbounded && statement.bounded {
            return Err(Miss::Bounded);
        }
        if what.opaque && statement.opaque.is_none() {
            return Err(Miss::NotOpaque);
        }
        let names_relations = what.tables.is_some() || what.objects.is_some() || what.access.is_some();
        let relation = || statement.relations.iter().any(|relation| what.means(relation));
        if names_relations && !relation() && !what.may_mean_unnamed(statement) {
            return Err(Miss::None("tables` with `objects` and `access"));
        }
        if what.columns.as_ref().is_some_and(|columns| !touches_column(columns, statement)) {
            return Err(Miss::None("columns"));
        }
        let function = |listed: &Functions| {
            statement.functions.iter().any(|name| may_mean_function(listed, name))
                || statement.attributes.iter().any(|name| may_mean_attribute(listed, name))
        };
        if what.functions.as_ref().is_some_and(|listed| !function(listed)) {
            return Err(Miss::None("functions` and `function_classes"));
        }
        let effect =
            |listed: &Vec<_>| statement.effects.iter().any(|effect| listed.contains(&effect_term(effect)));
        if what.effects.as_ref().is_some_and(|listed| !effect(listed)) {
            return Err(Miss::None("effects"));
        }
        if let Some(settings) = &what.settings {
            let listed = |name: &str| settings.iter().any(|setting| setting.matches(name));
            let changes = |effect: &Effect| match effect {
                Effect::Setting(name) => {
                    matches!(name.as_str(), super::ALL_SETTINGS | super::UNKNOWN_SETTING) || listed(name)
                }
                // Which of the two is not told, and to change the second resets the first.
                Effect::SwitchRole => listed("role") || listed("session_authorization"),
                Effect::CopyIn
                | Effect::CopyOut
                | Effect::File
                | Effect::Prepared(_)
                | Effect::Program
                | Effect::Unnamed(_) => false,
            };
            if !statement.effects.iter().any(changes) {
                return Err(Miss::None("settings"));
            }
        }
        Ok(())
    }

    /// Whether it could touch a statement of which not everything is known. The verbs of a rule that says
    /// `opaque: true` were listed with that in mind, so they decide where there are any.
    pub(crate) fn could_touch(&self, caller: &Caller<'_>, statement: &Statement) -> bool {
        let told = &statement.verbs;
        let listed = |verbs: VerbSet| told.is_empty() || told.iter().any(|verb| verbs.has(*verb));
        self.who.is(caller).is_ok() && (!self.what.opaque || self.what.verbs.is_none_or(listed))
    }
}

impl What {
    /// Whether a relation could be one that the rule lists.
    fn means(&self, relation: &Relation) -> bool {
        let access = self.access.as_ref().is_none_or(|listed| listed.contains(&relation.access));
        let object = self.objects.as_ref().is_none_or(|listed| self.may_be_of(listed, relation));
        let name = || match &self.tables {
            None => true,
            Some(tables) => tables.iter().any(|table| may_mean(table, relation, self.objects.is_some())),
        };
        access && object && name()
    }

    /// Whether the relation could be of a listed kind; see [`ObjectKind::Table`] for what is not told apart.
    fn may_be_of(&self, listed: &[ObjectKind], relation: &Relation) -> bool {
        let untold: &[ObjectKind] = match (relation.kind, relation.access) {
            (ObjectKind::Table, Access::Alter) => &[ObjectKind::Index, ObjectKind::Sequence],
            (ObjectKind::Table, Access::Grant) => &[ObjectKind::Sequence],
            // Any FROM could be of a sequence; without names a rule about sequences would be one about every SELECT.
            (ObjectKind::Table, Access::Read) if self.tables.is_some() => &[ObjectKind::Sequence],
            _ => &[],
        };
        listed.contains(&relation.kind) || untold.iter().any(|kind| listed.contains(kind))
    }

    /// Whether the statement touches, in a listed way, what it does not name: that could be anything.
    fn may_mean_unnamed(&self, statement: &Statement) -> bool {
        statement.effects.iter().any(|effect| match effect {
            Effect::Unnamed(access) => self.access.as_ref().is_none_or(|listed| listed.contains(access)),
            Effect::CopyIn
            | Effect::CopyOut
            | Effect::File
            | Effect::Prepared(_)
            | Effect::Program
            | Effect::Setting(_)
            | Effect::SwitchRole => false,
        })
    }
}

/// `object_listed`: the rule says which kinds it means, so a name of any kind is meant.
fn may_mean(table: &NamePattern, relation: &Relation, object_listed: bool) -> bool {
    match relation.kind {
        // What befalls a schema befalls its tables.
        ObjectKind::Schema => {
            let befalls = matches!(relation.access, Access::Alter | Access::Drop | Access::Grant);
            (befalls && table.schema.matches(&relation.name))
                || (object_listed && table.may_mean(None, &relation.name))
        }
        ObjectKind::Database | ObjectKind::Extension | ObjectKind::Role => {
            object_listed && table.may_mean(None, &relation.name)
        }
        ObjectKind::Function
        | ObjectKind::Index
        | ObjectKind::Other
        | ObjectKind::Sequence
        | ObjectKind::Table
        | ObjectKind::Trigger
        | ObjectKind::Type => table.may_mean(relation.schema.as_deref(), &relation.name),
    }
}

fn touches_column(columns: &[ColumnPattern], statement: &Statement) -> bool {
    // Of what a statement does not name it does not name the columns either.
    if statement.effects.iter().any(|effect| matches!(effect, Effect::Unnamed(_))) {
        return true;
    }
    let all = asks_for_all_columns(statement);
    columns.iter().any(|pattern| {
        let named = || statement.columns.iter().any(|column| pattern.column.matches(column));
        let table = || match &pattern.table {
            None => true,
            Some(table) => statement.relations.iter().any(|relation| may_mean(table, relation, false)),
        };
        (all || named()) && table()
    })
}

/// A function's name may itself contain dots when it is quoted, so each split is tried.
fn may_mean_function(listed: &Functions, function: &str) -> bool {
    if listed.classes.has(FunctionClass::of(function)) {
        return true;
    }
    let dots = function.match_indices('.').map(|(dot, _)| function.split_at_checked(dot));
    let qualified =
        dots.flatten().filter_map(|(schema, name)| name.strip_prefix('.').map(|name| (Some(schema), name)));
    qualified
        .chain([(None, function)])
        .any(|(schema, name)| listed.names.iter().any(|pattern| pattern.may_mean(schema, name)))
}

/// `x.f` may be a call of `f`. What no rule has in mind is taken for a column.
fn may_mean_attribute(listed: &Functions, name: &str) -> bool {
    let named = |pattern: &NamePattern| pattern.name != Part::Any && pattern.may_mean(None, name);
    (is_known_call(name) && listed.classes.has(FunctionClass::of(name))) || listed.names.iter().any(named)
}
