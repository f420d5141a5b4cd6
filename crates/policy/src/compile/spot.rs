//! A place in a document, for messages.

use super::MAX_TERMS;
use crate::error::{Position, Problem};
use crate::tree::{Node, Tree};

/// A part of the document: its name for people, and its position where the text is known.
#[derive(Clone, Debug)]
pub(super) struct Spot<'t> {
    tree: Option<&'t Tree>,
    /// Of the nearest part that is in the text.
    at: Option<Position>,
    place: String,
}

#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) found: Vec<Problem>,
}

impl<'t> Spot<'t> {
    pub(super) fn root(tree: &'t Tree) -> Self {
        Self { tree: Some(tree), at: tree.at, place: String::new() }
    }

    /// An item that has a name: ``rule `no-drop` ``.
    pub(super) fn item(tree: &'t Tree, kind: &str, name: &str) -> Self {
        Self { place: format!("{kind} `{name}`"), ..Self::root(tree) }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        let joint = match self.place.chars().next_back() {
            None => "",
            Some('`') => ": ",
            Some(_) => ".",
        };
        self.inside(self.tree.and_then(|tree| tree.member(name)), format!("{}{joint}{name}", self.place))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        let item = match self.tree.map(|tree| &tree.node) {
            Some(Node::List(items)) => items.get(index),
            _ => None,
        };
        self.inside(item, format!("{}[{index}]", self.place))
    }

    fn inside(&self, tree: Option<&'t Tree>, place: String) -> Self {
        Self { tree, at: tree.and_then(|tree| tree.at).or(self.at), place }
    }

    /// Its members that have no value (`groups:` and nothing behind it).
    pub(super) fn members_without_value(&self) -> Vec<Self> {
        let Some(Node::Map(entries)) = self.tree.map(|tree| &tree.node) else { return Vec::new() };
        let without = entries.iter().filter(|entry| entry.value.node == Node::Null);
        without.map(|entry| self.field(&entry.key)).collect()
    }

    pub(super) fn is_missing(&self) -> bool {
        self.tree.is_none()
    }
}

impl Problems {
    pub(super) fn add(&mut self, spot: &Spot<'_>, message: String) {
        self.found.push(Problem { at: spot.at, place: spot.place.clone(), message });
    }

    pub(super) fn not_empty<T>(&mut self, list: &[T], spot: &Spot<'_>) {
        if list.is_empty() {
            self.add(spot, "the list is empty".to_owned());
        }
    }

    /// What is written down and empty would count as left out, and so mean everybody and everything.
    pub(super) fn no_member_without_value(&mut self, spot: &Spot<'_>) {
        for member in spot.members_without_value() {
            self.add(&member, "there is nothing here: leave it out, or say what it is".to_owned());
        }
    }

    /// Reads each word of a list; what cannot be read is reported and left out.
    pub(super) fn read_list<T>(
        &mut self,
        words: &[String],
        spot: &Spot<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        if words.len() > MAX_TERMS {
            self.add(spot, format!("the list is longer than {MAX_TERMS}"));
            return Vec::new();
        }
        let mut values = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            match read(word) {
                Ok(value) => values.push(value),
                Err(message) => self.add(&spot.index(index), message),
            }
        }
        values
    }
}
