//! What names mean inside of a query: the common table expressions and the FROM items in sight, and from which
//! columns theirs come.

use std::collections::BTreeMap;
use std::rc::Rc;

use chaperone_model::facts::Output;

use crate::predicate::Part;

/// Lineage of one output column, borrowed from the tree.
#[derive(Clone, Debug)]
pub(crate) enum Out<'a> {
    Column(&'a str),
    Computed(Vec<&'a str>),
    Star,
    Unknown,
}

/// The columns that an expression is computed from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lineage<'a> {
    pub(crate) columns: Vec<&'a str>,
    pub(crate) unknown: bool,
}

/// The name of an output column whose name PostgreSQL chooses: it may be any.
pub(crate) const NAMELESS: &str = "";

/// The named output columns of a query; none where they cannot be told.
pub(crate) type Columns<'a> = Option<Rc<Named<'a>>>;

/// Columns with their names, in order, found by name.
#[derive(Clone, Debug)]
pub(crate) struct Named<'a> {
    list: Vec<(&'a str, Out<'a>)>,
    /// The first of each name, and whether it is the only one. Not of those that may have any name.
    places: BTreeMap<&'a str, (usize, bool)>,
    /// What those may be whose name PostgreSQL chooses.
    nameless: Option<Out<'a>>,
    has_star: bool,
}

impl<'a> Named<'a> {
    pub(crate) fn new(list: Vec<(&'a str, Out<'a>)>) -> Self {
        let mut places = BTreeMap::new();
        let mut nameless: Option<Lineage<'a>> = None;
        for (position, (name, out)) in list.iter().enumerate() {
            if *name == NAMELESS {
                nameless.get_or_insert_with(Lineage::default).add(out);
            } else {
                places.entry(*name).and_modify(|(_, only)| *only = false).or_insert((position, true));
            }
        }
        let has_star = list.iter().any(|(_, out)| matches!(out, Out::Star));
        Self { list, places, nameless: nameless.map(Lineage::into_out), has_star }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (&'a str, Out<'a>)> {
        self.list.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    fn column(&self, name: &'a str) -> Option<Found<'a>> {
        match self.places.get(name) {
            Some((position, true)) => self.list.get(*position).map(|(_, out)| Found::Surely(out.clone())),
            Some((_, false)) => Some(Found::Surely(Out::Unknown)),
            None => {
                let star = self.has_star.then_some(Out::Column(name));
                self.nameless.clone().into_iter().chain(star).reduce(Out::or).map(Found::Maybe)
            }
        }
    }
}

/// What a FROM item is.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// A relation of the catalogue: its columns are plain.
    Relation,
    /// A subquery, common table expression or VALUES with these columns.
    Query(Columns<'a>),
    /// A function: every column is computed from its arguments.
    Function(Lineage<'a>),
}

/// One level of names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope<'a> {
    ctes: BTreeMap<&'a str, Columns<'a>>,
    /// Of those whether they give rows of plain tables.
    plain_ctes: BTreeMap<&'a str, bool>,
    /// Whether they may read themselves.
    recursive: bool,
    /// Those that give a part of a table's rows, which their condition bounds.
    parts: BTreeMap<&'a str, Rc<Part<'a>>>,
    sources: BTreeMap<&'a str, Source<'a>>,
    /// The FROM items in order, also those without a name.
    order: Vec<Source<'a>>,
    /// A join with merged columns changes the order of `*`.
    pub(crate) merges_columns: bool,
}

impl Out<'_> {
    pub(crate) fn into_output(self) -> Output {
        match self {
            Self::Column(name) => Output::Column(name.to_owned()),
            Self::Computed(mut names) => {
                names.sort_unstable();
                names.dedup();
                Output::Computed(names.into_iter().map(str::to_owned).collect())
            }
            Self::Star => Output::Star,
            Self::Unknown => Output::Unknown,
        }
    }

    /// What holds for a column that is one of the two.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Column(one), Self::Column(two)) if one == two => Self::Column(one),
            (one, two) => {
                let mut both = Lineage::default();
                both.add(&one);
                both.add(&two);
                both.into_out()
            }
        }
    }

    /// How many names it carries, for the budget of copies.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Computed(names) => names.len().saturating_add(1),
            Self::Column(_) | Self::Star | Self::Unknown => 1,
        }
    }
}

impl<'a> Lineage<'a> {
    /// The lineage of something computed from it.
    pub(crate) fn into_out(mut self) -> Out<'a> {
        if self.unknown {
            return Out::Unknown;
        }
        self.columns.sort_unstable();
        self.columns.dedup();
        Out::Computed(self.columns)
    }

    pub(crate) fn add(&mut self, out: &Out<'a>) {
        match out {
            Out::Column(name) => self.columns.push(name),
            Out::Computed(names) => self.columns.extend_from_slice(names),
            Out::Star | Out::Unknown => self.unknown = true,
        }
    }
}

impl<'a> Source<'a> {
    /// The lineage of its column `name`; none where it has none of that name.
    fn column(&self, name: &'a str) -> Option<Found<'a>> {
        match self {
            Self::Relation => Some(Found::Maybe(Out::Column(name))),
            Self::Function(lineage) => Some(Found::Maybe(lineage.clone().into_out())),
            Self::Query(None) => Some(Found::Maybe(Out::Unknown)),
            Self::Query(Some(columns)) => columns.column(name),
        }
    }

    /// Whether it has a column of that name beyond doubt.
    pub(crate) fn surely_has(&self, name: &str) -> bool {
        matches!(self, Self::Query(Some(columns)) if columns.places.contains_key(name))
    }
}

/// A column that a FROM item has for sure, or may have as far as the text tells.
enum Found<'a> {
    Maybe(Out<'a>),
    Surely(Out<'a>),
}

impl Found<'_> {
    fn weight(&self) -> usize {
        let (Self::Maybe(out) | Self::Surely(out)) = self;
        out.weight()
    }
}

/// FROM items of one level beyond which bare names are not resolved.
const MAX_SOURCES: usize = 64;

impl<'a> Scope<'a> {
    pub(crate) fn add_cte(&mut self, name: &'a str, columns: Columns<'a>) {
        self.ctes.insert(name, columns);
    }

    pub(crate) fn set_plain(&mut self, name: &'a str, plain: bool) {
        self.plain_ctes.insert(name, plain);
    }

    pub(crate) fn set_part(&mut self, name: &'a str, part: Option<Part<'a>>) {
        match part {
            Some(part) => self.parts.insert(name, Rc::new(part)),
            None => self.parts.remove(name),
        };
    }

    pub(crate) fn cte_part(&self, name: &str) -> Option<&Rc<Part<'a>>> {
        self.parts.get(name)
    }

    /// It reads itself, or others that come behind it.
    pub(crate) fn add_recursive_cte(&mut self, name: &'a str) {
        self.add_cte(name, None);
        self.recursive = true;
    }

    pub(crate) const fn has_recursive_cte(&self) -> bool {
        self.recursive
    }

    /// None where there is no such common table expression.
    pub(crate) fn cte_is_plain(&self, name: &str) -> Option<bool> {
        self.ctes.contains_key(name).then(|| self.plain_ctes.get(name).copied().unwrap_or(false))
    }

    pub(crate) fn cte_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.ctes.keys().copied()
    }

    pub(crate) fn cte(&self, name: &str) -> Option<&Columns<'a>> {
        self.ctes.get(name)
    }

    pub(crate) fn add_source(&mut self, name: Option<&'a str>, source: Source<'a>) {
        if let Some(name) = name {
            // A name twice at one level: one of them is hidden inside of a join with an alias. Which is not told.
            let known = self.sources.contains_key(name);
            self.sources.insert(name, if known { Source::Query(None) } else { source.clone() });
        }
        self.order.push(source);
    }

    /// A name for something that is no FROM item, unless one has it.
    pub(crate) fn name_source(&mut self, name: &'a str, source: Source<'a>) {
        self.sources.entry(name).or_insert(source);
    }

    pub(crate) fn source(&self, name: &str) -> Option<&Source<'a>> {
        self.sources.get(name)
    }

    pub(crate) fn sources(&self) -> &[Source<'a>] {
        &self.order
    }

    /// The lineage of the bare column `name` if a FROM item of this level has it. `work` counts what was looked at.
    fn column(&self, name: &'a str, work: &mut usize) -> Option<Found<'a>> {
        if self.order.len() > MAX_SOURCES {
            return Some(Found::Surely(Out::Unknown));
        }
        let mut maybe: Option<Out<'a>> = None;
        for source in &self.order {
            let found = source.column(name);
            *work = work.saturating_add(found.as_ref().map_or(1, Found::weight));
            match found {
                None => {}
                // Where two items have the name the reference is ambiguous, and the server refuses it, unless a join
                // merges them.
                Some(Found::Surely(out)) if !self.merges_columns => return Some(Found::Surely(out)),
                Some(Found::Maybe(out) | Found::Surely(out)) => {
                    maybe = Some(maybe.map_or(out.clone(), |before| before.or(out)))
                }
            }
        }
        maybe.map(Found::Maybe)
    }
}

/// The lineage of a column reference, innermost scope last. `work` counts what was looked at.
pub(crate) fn resolve<'a>(
    scopes: &[Scope<'a>],
    qualifier: Option<&str>,
    name: &'a str,
    work: &mut usize,
) -> Out<'a> {
    if let Some(qualifier) = qualifier {
        let source = scopes.iter().rev().find_map(|scope| scope.source(qualifier));
        return match source.map(|source| source.column(name)) {
            None => Out::Column(name),
            Some(None) => Out::Unknown,
            Some(Some(Found::Maybe(out) | Found::Surely(out))) => out,
        };
    }
    // Whether an inner relation has the column is not known, so the outer meanings are joined to it.
    let mut maybe: Option<Out<'a>> = None;
    for scope in scopes.iter().rev() {
        match scope.column(name, work) {
            None => {}
            Some(Found::Surely(out)) => return maybe.map_or(out.clone(), |before| before.or(out)),
            Some(Found::Maybe(out)) => maybe = Some(maybe.map_or(out.clone(), |before| before.or(out))),
        }
    }
    // Where there are FROM items and none is known to have it, something here is not understood.
    let has_items = scopes.iter().any(|scope| !scope.order.is_empty());
    maybe.unwrap_or(if has_items { Out::Unknown } else { Out::Column(name) })
}
