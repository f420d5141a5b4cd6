//! Patterns for names: tables, columns, functions, and plain text such as subjects.

mod catalogue;
mod pattern;

pub(crate) use pattern::{ColumnPattern, NamePattern, Part, Text};
