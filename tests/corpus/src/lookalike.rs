//! Statements that look dangerous to those who only look at the letters, and must go through.

use serde::Deserialize;

use crate::deed::Texts;

/// A file of statements that have something in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookalikes {
    /// The statements.
    pub statements: Vec<Lookalike>,
}

/// One statement, or several of one session.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookalike {
    /// What the client sends, each as one query of one session.
    pub sql: Texts,
    /// Why it is here: what it could be taken for, or who sends it.
    pub why: String,
    /// Why what it shows is not the same each time (and so is not compared).
    #[serde(default)]
    pub varies: Option<String>,
}
