//! The table that is written, and what else a condition may speak of.

use std::rc::Rc;

use super::part::Part;

/// The table that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Its own name.
    pub(super) table: &'a str,
    /// The name that it goes by in the statement.
    pub(super) name: &'a str,
    /// Which columns are taken for its own.
    pub(super) columns: Own,
    /// What else is in sight.
    pub(super) company: &'a Company<'a>,
}

/// FROM, USING, WITH: what the target is joined to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Company<'a> {
    /// Whether there is anything beside the target.
    pub(crate) joined: bool,
    /// Names of what may hold the target's own rows, or any rows that are asked for: the target once more, what was made
    /// of it, `generate_series`.
    pub(crate) stand_ins: Vec<&'a str>,
    /// Common table expressions that may hold the target's own rows.
    pub(crate) made_of_it: Vec<&'a str>,
    /// Those that hold a part of some table's rows, by name.
    pub(crate) parts: Vec<(&'a str, Rc<Part<'a>>)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Own {
    /// All.
    Any,
    /// Those behind its name.
    Named,
    /// Those behind its name and the bare ones.
    NamedOrBare,
}

impl<'a> Target<'a> {
    pub(crate) const fn new(table: &'a str, alias: Option<&'a str>, company: &'a Company<'a>) -> Self {
        let name = match alias {
            Some(alias) => alias,
            None => table,
        };
        Self { table, name, columns: Own::NamedOrBare, company }
    }

    /// Whether a name is that of the target, or of something that may hold its rows.
    pub(super) fn is_itself(&self, relation: &str) -> bool {
        relation == self.table || self.company.made_of_it.contains(&relation)
    }
}
