//! Spellings of forbidden deeds, and legitimate statements that look alike, each with its reason to exist.
//!
//! The files in `sql/` are run at three levels: what the guard sees (`tests/facts.rs`), what two policies of opposite
//! kinds say of it (`tests/verdicts.rs`), and what a real PostgreSQL behind a real Envoy looks like afterwards
//! (`../e2e/tests/corpus.rs`). `sql/README.md` says how to add to them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test support: a failure here is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chaperone_policy::{Policy, Tree};
use serde::de::DeserializeOwned;

mod deed;
mod gaps;
mod lookalike;
mod sight;

pub use deed::{Deed, Deeds, Happened, Spelling, Texts};
pub use gaps::Gaps;
pub use lookalike::{Lookalike, Lookalikes};
pub use sight::Sight;

/// A way to write a policy: what it forbids, or what it permits.
pub const POLICIES: [&str; 2] = ["deny-list.yaml", "allow-list.yaml"];

/// The environment variable that names a part of the files' names, for those who work on one.
pub const FILTER: &str = "CHAPERONE_CORPUS";

/// The texts that make the database.
#[must_use]
pub fn world() -> String {
    fs::read_to_string(place("world.sql")).unwrap()
}

/// The text of one of [`POLICIES`].
#[must_use]
pub fn policy_text(name: &str) -> String {
    fs::read_to_string(place(name)).unwrap()
}

/// One of [`POLICIES`].
#[must_use]
pub fn policy(name: &str) -> Policy {
    let tree = Tree::from_text(&policy_text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Policy::from_tree(&tree).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every file of forbidden deeds, with its name.
#[must_use]
pub fn forbidden() -> Vec<(String, Deeds)> {
    read("forbidden")
}

/// Every file of legitimate statements, with its name.
#[must_use]
pub fn legitimate() -> Vec<(String, Lookalikes)> {
    read("legitimate")
}

fn read<T: DeserializeOwned>(directory: &str) -> Vec<(String, T)> {
    let files: BTreeSet<_> =
        fs::read_dir(place(directory)).unwrap().map(|entry| entry.unwrap().path()).collect();
    let wanted = std::env::var(FILTER).unwrap_or_default();
    let files = files.into_iter().filter(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.ends_with(".yaml") && name.contains(&wanted)
    });
    let named = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let tree = Tree::from_text(&fs::read_to_string(&file).unwrap());
        let read = tree.and_then(|tree| tree.decode()).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, read)
    };
    files.map(named).collect()
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(name)
}
