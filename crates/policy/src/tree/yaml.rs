//! YAML text to a [`Tree`], one parser event at a time: no recursion, so depth costs nothing until refused.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::{Entry, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_NODES, Node, Tree};
use crate::error::{Error, Position};

/// A list or mapping whose end has not come yet.
struct Open {
    tree: Tree,
    /// The key that waits for its value.
    key: Option<(String, Position)>,
}

pub(super) fn read(text: &str) -> Result<Tree, Error> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Error::one(Some(position(error.marker())), format!("not valid YAML: {}", error.info()))
        })?;
        builder.take(event, position(&span.start))?;
    }
    builder.root.ok_or_else(|| Error::one(None, "the document is empty"))
}

fn position(marker: &Marker) -> Position {
    let column = u32::try_from(marker.col()).unwrap_or(u32::MAX).saturating_add(1);
    Position { line: u32::try_from(marker.line()).unwrap_or(u32::MAX), column }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Tree>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Error> {
        match event {
            Event::Alias(_) => Err(Error::one(Some(at), "aliases are not supported")),
            Event::Scalar(_, _, 1.., _) | Event::SequenceStart(1.., _) | Event::MappingStart(1.., _) => {
                Err(Error::one(Some(at), "anchors are not supported"))
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => Err(Error::one(Some(at), "tags are not supported")),
            Event::Scalar(text, style, _, None) => self.scalar(text, style, at),
            Event::SequenceStart(_, None) => self.start(Node::List(Vec::new()), at),
            Event::MappingStart(_, None) => self.start(Node::Map(Vec::new()), at),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.place(open.tree),
                None => Ok(()),
            },
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Error::one(Some(at), "there is more than one document"))
            }
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd => Ok(()),
        }
    }

    fn start(&mut self, node: Node, at: Position) -> Result<(), Error> {
        if self.open.len() >= MAX_DOCUMENT_DEPTH {
            let message = format!("the document is nested deeper than {MAX_DOCUMENT_DEPTH}");
            return Err(Error::one(Some(at), message));
        }
        self.count(at)?;
        if self.waits_for_key() {
            return Err(Error::one(Some(at), "a key must be text"));
        }
        self.open.push(Open { tree: Tree { node, at: Some(at) }, key: None });
        Ok(())
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, at: Position) -> Result<(), Error> {
        self.count(at)?;
        if self.waits_for_key() {
            return self.key(text.into_owned(), at);
        }
        let node = if style == ScalarStyle::Plain { plain(text) } else { Node::Text(text.into_owned()) };
        self.place(Tree { node, at: Some(at) })
    }

    fn waits_for_key(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.tree.node, Node::Map(_)) && open.key.is_none())
    }

    fn key(&mut self, key: String, at: Position) -> Result<(), Error> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        if let Node::Map(entries) = &open.tree.node {
            super::check_key(entries, &key).map_err(|message| Error::one(Some(at), message))?;
        }
        open.key = Some((key, at));
        Ok(())
    }

    fn place(&mut self, tree: Tree) -> Result<(), Error> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(tree);
            return Ok(());
        };
        match (&mut open.tree.node, open.key.take()) {
            (Node::Map(entries), Some((key, at))) => entries.push(Entry { key, at: Some(at), value: tree }),
            (Node::List(items), _) => items.push(tree),
            _ => return Err(Error::one(tree.at, "a key must be text")),
        }
        Ok(())
    }

    fn count(&mut self, at: Position) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_DOCUMENT_NODES {
            let message = format!("the document has more than {MAX_DOCUMENT_NODES} values");
            return Err(Error::one(Some(at), message));
        }
        Ok(())
    }
}

/// A scalar without quotes, after YAML 1.2's core schema, but without its hexadecimal, octal and special floats.
fn plain(text: Cow<'_, str>) -> Node {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Node::Null,
        "true" | "True" | "TRUE" => return Node::Bool(true),
        "false" | "False" | "FALSE" => return Node::Bool(false),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.')) {
        return Node::Text(text.into_owned());
    }
    if let Ok(integer) = text.parse() {
        return Node::Integer(integer);
    }
    let numeric = |letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E');
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() && text.chars().all(numeric) => Node::Float(float),
        Ok(_) | Err(_) => Node::Text(text.into_owned()),
    }
}
