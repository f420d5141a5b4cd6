//! What the guard must see of a spelling, in the words of a rule.

use chaperone_model::facts::{Access, Effect, Facts, Statement, Verb};
use serde::Deserialize;

/// Everything that is given must be seen, in one statement.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sight {
    /// This verb.
    pub verb: Option<Verb>,
    /// This object, as `name` or `schema.name`; where the statement has no schema the name is enough.
    pub relation: Option<String>,
    /// What is done to that object, or to objects that are not named.
    pub access: Option<Access>,
    /// A call of this function, or of one of its schema; an attribute of this name.
    pub function: Option<String>,
    /// This effect, as policies call it: `copy_in`, `program`, `switch_role`, `unnamed` …
    pub effect: Option<String>,
    /// A change of this setting; `*` is all of them.
    pub setting: Option<String>,
    /// This column is mentioned, or all are asked for.
    pub column: Option<String>,
    /// An UPDATE or DELETE without a real WHERE.
    pub unbounded: bool,
    /// The guard does not understand it. Counted: it is a refusal, but it tells nobody why.
    pub opaque: bool,
}

impl Sight {
    /// Whether the facts of a text show it.
    #[must_use]
    pub fn is_in(&self, facts: &Facts) -> bool {
        if self.opaque {
            return facts.is_opaque();
        }
        facts.statements.iter().any(|statement| self.is_in_statement(statement))
    }

    fn is_in_statement(&self, statement: &Statement) -> bool {
        self.verb.is_none_or(|verb| statement.verbs.contains(&verb))
            && self.relation_is_in(statement)
            && self.function.as_ref().is_none_or(|function| {
                let bare = function.rsplit('.').next().unwrap_or_default();
                statement.functions.iter().any(|it| it == function || it == bare)
                    || statement.attributes.iter().any(|it| it == bare)
            })
            && self
                .effect
                .as_ref()
                .is_none_or(|effect| statement.effects.iter().any(|it| it.name() == effect))
            && self.setting.as_ref().is_none_or(|setting| {
                statement.effects.iter().any(|it| matches!(it, Effect::Setting(name) if name == setting))
            })
            && self
                .column
                .as_ref()
                .is_none_or(|column| statement.columns.iter().any(|it| it == column || it == "*"))
            && !(self.unbounded && statement.bounded)
    }

    fn relation_is_in(&self, statement: &Statement) -> bool {
        let fits = |access: Access| self.access.is_none_or(|wanted| wanted == access);
        let Some(wanted) = &self.relation else {
            return self.access.is_none()
                || statement.relations.iter().any(|relation| fits(relation.access))
                || statement.effects.iter().any(|it| matches!(it, Effect::Unnamed(access) if fits(*access)));
        };
        let (schema, table) = match wanted.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, wanted.as_str()),
        };
        statement.relations.iter().any(|relation| {
            let same_schema = match (schema, &relation.schema) {
                (Some(one), Some(other)) => one == other,
                (None, _) | (_, None) => true,
            };
            relation.name == table && same_schema && fits(relation.access)
        })
    }
}
