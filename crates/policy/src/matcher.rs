//! A compiled `match`: for whom a rule is, and what it says about a statement.
//!
//! Two questions, for two kinds of rules. [`Matcher::touches`] (deny, hold): does *anything* in the statement
//! match? Where facts are unsure it says yes. [`Matcher::covers`] (allow): is *everything* in the statement
//! listed? Where facts are unsure it says no.

mod allow;
mod deny;
mod glance;
mod miss;

use chaperone_model::facts::{Access, Effect, ObjectKind, Statement};

use crate::access::{Caller, shares};
use crate::document::EffectTerm;
use crate::functions::{FunctionClass, FunctionClasses};
use crate::names::{ColumnPattern, NamePattern, Text};
use crate::verbs::VerbSet;

pub(crate) use glance::Glance;
pub(crate) use miss::Miss;

/// Settings that change how the target reads a statement, or who the session is. Only a rule that names them
/// (`settings`) lets them be changed.
pub const GUARDED_SETTINGS: &[&str] = &[
    "backslash_quote",
    "client_encoding",
    "role",
    "search_path",
    "session_authorization",
    "standard_conforming_strings",
    "transform_null_equals",
];

/// A setting whose name the statement computes.
const UNKNOWN_SETTING: &str = "*";

/// All settings at once, as RESET ALL and DISCARD ALL change them.
const ALL_SETTINGS: &str = "all";

#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    pub(crate) who: Who,
    pub(crate) what: What,
}

/// For whom. None: for everybody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    pub(crate) subjects: Option<Vec<Text>>,
    pub(crate) except_subjects: Vec<Text>,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) except_groups: Vec<String>,
    pub(crate) resources: Option<Vec<Text>>,
    pub(crate) roles: Option<Vec<Text>>,
    pub(crate) databases: Option<Vec<Text>>,
}

/// About what. None: about anything, but see [`Matcher::covers`] for what must be named.
#[derive(Clone, Debug, Default)]
pub(crate) struct What {
    pub(crate) verbs: Option<VerbSet>,
    pub(crate) tables: Option<Vec<NamePattern>>,
    pub(crate) objects: Option<Vec<ObjectKind>>,
    pub(crate) access: Option<Vec<Access>>,
    pub(crate) columns: Option<Vec<ColumnPattern>>,
    pub(crate) functions: Option<Functions>,
    pub(crate) effects: Option<Vec<EffectTerm>>,
    pub(crate) settings: Option<Vec<Text>>,
    pub(crate) unbounded: bool,
    pub(crate) opaque: bool,
}

/// Functions by their names and by their classes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions {
    pub(crate) names: Vec<NamePattern>,
    pub(crate) classes: FunctionClasses,
}

/// Whether what stands behind a period (`x.f`) is rather a call of a function of PostgreSQL that has an effect, or reaches
/// further than its arguments, than a column of that name.
fn is_known_call(name: &str) -> bool {
    !matches!(FunctionClass::of(name), FunctionClass::Catalog | FunctionClass::Unknown)
}

impl Who {
    pub(crate) fn is(&self, caller: &Caller<'_>) -> Result<(), Miss<'static>> {
        let identity = caller.identity;
        let any = |patterns: &Option<Vec<Text>>, text: &str| {
            patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(text)))
        };
        let group = self.groups.as_ref().is_none_or(|groups| shares(groups, &identity.groups));
        let subject_excepted = self.except_subjects.iter().any(|pattern| pattern.matches(&identity.subject));
        for (holds, dimension) in [
            (any(&self.resources, caller.resource), "the resource"),
            (any(&self.roles, caller.role), "the role"),
            (any(&self.databases, caller.database), "the database"),
            (any(&self.subjects, &identity.subject), "the subject"),
            (group, "none of the caller's groups"),
        ] {
            if !holds {
                return Err(Miss::Who(dimension));
            }
        }
        if subject_excepted || shares(&self.except_groups, &identity.groups) {
            return Err(Miss::Excepted);
        }
        Ok(())
    }
}

pub(crate) fn effect_term(effect: &Effect) -> EffectTerm {
    match effect {
        Effect::CopyIn => EffectTerm::CopyIn,
        Effect::CopyOut => EffectTerm::CopyOut,
        Effect::File => EffectTerm::File,
        Effect::Prepared(_) => EffectTerm::Prepared,
        Effect::Program => EffectTerm::Program,
        Effect::Setting(_) => EffectTerm::Setting,
        Effect::SwitchRole => EffectTerm::SwitchRole,
        Effect::Unnamed(_) => EffectTerm::Unnamed,
    }
}

/// Whether only a rule that names the setting lets it be changed.
pub(crate) fn guarded(setting: &str) -> bool {
    setting == UNKNOWN_SETTING || GUARDED_SETTINGS.contains(&setting)
}

/// Whether the statement asks for columns that it does not name: `*`, whole rows, untold lineage.
fn asks_for_all_columns(statement: &Statement) -> bool {
    use chaperone_model::facts::{Output, Verb};
    let untold = || match &statement.outputs {
        Some(outputs) => outputs.iter().any(|output| matches!(output, Output::Star | Output::Unknown)),
        // A SELECT has a result always, so a SELECT without told outputs is one whose lineage is not known.
        None => statement.verbs.first() == Some(&Verb::Select),
    };
    statement.columns.iter().any(|column| column == "*") || untold()
}
