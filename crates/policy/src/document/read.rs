//! Reading a document part by part, so that a mistake in one does not hide those in others.

use super::Document;
use crate::error::Problem;
use crate::tree::{Node, Tree};

/// The version of the document that this crate reads.
const VERSION: u32 = 1;

impl Document {
    /// Reads what can be read, and reports the rest.
    pub(crate) fn read(tree: &Tree, problems: &mut Vec<Problem>) -> Self {
        let mut document = Self::default();
        let Node::Map(entries) = &tree.node else {
            problems.push(problem(
                tree,
                "",
                "expected a policy: a mapping with `version`, `name`, `rules` …",
            ));
            return document;
        };
        let mut version = None;
        let mut name = None;
        for entry in entries {
            let value = &entry.value;
            if value.node == Node::Null {
                continue;
            }
            let key = entry.key.as_str();
            match key {
                "version" => version = part(value, key, problems),
                "name" => name = part(value, key, problems),
                "mode" => document.mode = part(value, key, problems).unwrap_or_default(),
                "identity" => document.identity = part(value, key, problems).unwrap_or_default(),
                "recording" => document.recording = part(value, key, problems).unwrap_or_default(),
                "resources" => {
                    (document.resources, document.places.resources) =
                        list(value, key, "resource", "name", problems);
                }
                "approvers" => {
                    (document.approvers, document.places.approvers) =
                        list(value, key, "approvers", "name", problems);
                }
                "rules" => (document.rules, document.places.rules) = list(value, key, "rule", "id", problems),
                "masking" => {
                    (document.masking, document.places.masking) = list(value, key, "mask", "id", problems);
                }
                "budgets" => {
                    (document.budgets, document.places.budgets) = list(value, key, "budget", "id", problems);
                }
                unknown => problems.push(Problem {
                    at: entry.at,
                    place: String::new(),
                    message: format!("unknown field `{unknown}`"),
                }),
            }
        }
        match version {
            Some(VERSION) => {}
            Some(other) => {
                problems.push(problem(
                    tree,
                    "version",
                    &format!("version `{other}` is not known; this is version {VERSION}"),
                ));
            }
            None if entries.iter().all(|entry| entry.key != "version") => {
                problems.push(problem(tree, "", "missing field `version`"));
            }
            None => {}
        }
        match name {
            Some(name) => document.name = name,
            None if entries.iter().all(|entry| entry.key != "name") => {
                problems.push(problem(tree, "", "missing field `name`"));
            }
            None => {}
        }
        document
    }
}

fn problem(tree: &Tree, place: &str, message: &str) -> Problem {
    Problem { at: tree.at, place: place.to_owned(), message: message.to_owned() }
}

fn part<T: serde::de::DeserializeOwned>(tree: &Tree, place: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match tree.decode() {
        Ok(value) => Some(value),
        Err(error) => {
            problems.extend(error.into_problems().into_iter().map(|mut problem| {
                let joint = match problem.place.chars().next() {
                    None | Some('[') => "",
                    Some(_) => ".",
                };
                problem.place = format!("{place}{joint}{}", problem.place);
                problem
            }));
            None
        }
    }
}

/// Reads the items of a list; those that cannot be read are reported and left out.
fn list<T: serde::de::DeserializeOwned>(
    tree: &Tree,
    key: &str,
    kind: &str,
    label: &str,
    problems: &mut Vec<Problem>,
) -> (Vec<T>, Vec<Tree>) {
    let Node::List(items) = &tree.node else {
        problems.push(problem(tree, key, "expected a list"));
        return (Vec::new(), Vec::new());
    };
    let mut values = Vec::with_capacity(items.len());
    let mut places = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut found = Vec::new();
        if let Some(value) = part(item, "", &mut found) {
            values.push(value);
            places.push(item.clone());
        }
        let place =
            item.label(label).map_or_else(|| format!("{key}[{index}]"), |name| format!("{kind} `{name}`"));
        problems.extend(found.into_iter().map(|mut problem| {
            let inner = problem.place.trim_start_matches('.');
            problem.place = if inner.is_empty() { place.clone() } else { format!("{place}: {inner}") };
            problem
        }));
    }
    (values, places)
}

impl Tree {
    /// The text of a member of a mapping.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.member(key).and_then(Self::as_text)
    }

    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        let Node::Map(entries) = &self.node else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }
}
