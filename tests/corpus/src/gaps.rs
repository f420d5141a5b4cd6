//! What is known to go wrong: kept beside the cases, so that nobody takes the corpus for more than it is.

use std::collections::BTreeSet;
use std::fs;

use chaperone_policy::Tree;
use serde::Deserialize;

use crate::deed::Texts;
use crate::place;

/// The cases of `gaps.yaml`. Each must still go wrong: what no longer does has to be taken out.
#[derive(Debug)]
pub struct Gaps(BTreeSet<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    gaps: Vec<Gap>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gap {
    /// What has to be done about them.
    #[expect(dead_code, reason = "for people")]
    why: String,
    cases: Vec<Texts>,
}

impl Gaps {
    /// Reads them.
    #[must_use]
    pub fn read() -> Self {
        let text = fs::read_to_string(place("gaps.yaml")).unwrap();
        let file: File =
            Tree::from_text(&text).and_then(|tree| tree.decode()).unwrap_or_else(|error| panic!("{error}"));
        Self(file.gaps.iter().flat_map(|gap| &gap.cases).map(key).collect())
    }

    /// Whether this case is one.
    #[must_use]
    pub fn has(&self, texts: &Texts) -> bool {
        self.0.contains(&key(texts))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(texts: &Texts) -> String {
    texts.all().join("\u{1}")
}
