//! Why a rule does not match: the first thing that does not fit.

use std::fmt;

use chaperone_model::facts::{Effect, Relation, Verb};

use crate::verbs;

/// Borrowed, so that a rule that does not match costs no allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Miss<'f> {
    Bounded,
    Column(&'f str),
    Effect(&'f Effect),
    Excepted,
    Function(&'f str),
    /// Nothing of the statement is among what the rule lists.
    None(&'static str),
    NotOpaque,
    Opaque,
    Relation(&'f Relation),
    Verb(Verb),
    /// The statement has no verb that is known.
    Verbless,
    Who(&'static str),
}

impl fmt::Display for Miss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bounded => f.write_str("every write is bounded by a WHERE"),
            Self::Column(name) => write!(f, "column `{name}` is not among `columns`"),
            Self::Effect(Effect::Setting(name)) => write!(f, "setting `{name}` is not among `settings`"),
            Self::Effect(Effect::Unnamed(_)) => f.write_str(
                "it touches objects that it does not name, and the rule lists which it means without `unnamed` in `effects`",
            ),
            Self::Effect(effect) => write!(f, "effect `{}` is not among `effects`", effect.name()),
            Self::Excepted => f.write_str("the caller is excepted"),
            Self::Function(name) => {
                write!(f, "function `{name}` is not among `functions` and `function_classes`")
            }
            Self::None(what) => write!(f, "nothing in the statement is among `{what}`"),
            Self::NotOpaque => f.write_str("the statement is fully understood"),
            Self::Opaque => f.write_str("the statement is opaque, and the rule does not say `opaque: true`"),
            Self::Relation(relation) => {
                f.write_str("`")?;
                if let Some(schema) = &relation.schema {
                    write!(f, "{schema}.")?;
                }
                write!(f, "{}` is not covered by `tables`, `objects` and `access`", relation.name)
            }
            Self::Verb(verb) => write!(f, "verb `{}` is not among `verbs`", verbs::name(*verb)),
            Self::Verbless => f.write_str("the statement's verb is not known"),
            Self::Who(dimension) => write!(f, "{dimension} is not among those of the rule"),
        }
    }
}
