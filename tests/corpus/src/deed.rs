//! Something that must not happen, and every way we know to say it.

use serde::Deserialize;

use crate::Sight;

/// A file of deeds that have something in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deeds {
    /// The deeds.
    pub deeds: Vec<Deed>,
}

/// One deed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// What happens, in a sentence.
    pub deed: String,
    /// The rule of `deny-list.yaml` that forbids it.
    pub rule: String,
    /// What the guard must see of every spelling that does not say otherwise.
    pub facts: Sight,
    /// How to tell that it happened.
    pub happened: Happened,
    /// Statements for the superuser that take back what a new database does not: roles, files, settings of the server.
    #[serde(default)]
    pub restore: Vec<String>,
    /// The ways to say it.
    pub spellings: Vec<Spelling>,
}

/// How to tell that a deed happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// Another session's query that is true (`t`) afterwards, and only then.
    Query(String),
    /// As `query`, asked in the same session.
    Session(String),
    /// These letters are in what the session was shown: one of them is enough.
    Shown(Vec<String>),
    /// Nothing shows that it happened; why.
    Unseen(String),
}

/// One way to say it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spelling {
    /// What the client sends, each as one query of one session. One of them must be refused.
    pub sql: Texts,
    /// Why it is here: the trick.
    pub why: String,
    /// What the guard must see, where that is not what it sees of the others.
    #[serde(default)]
    pub facts: Option<Sight>,
    /// Another rule of `deny-list.yaml` that forbids it in this spelling.
    #[serde(default)]
    pub rule: Option<String>,
    /// Why it is not run against the server without the gateway to see that it does happen.
    #[serde(default)]
    pub unproven: Option<String>,
}

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several, in order.
    Many(Vec<String>),
}

impl Texts {
    /// The texts in order.
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}
