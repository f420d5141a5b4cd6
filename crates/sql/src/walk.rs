//! From the parser's tree to facts.
//!
//! The parser serves a dozen dialects and its tree has room for all of them. Every node is taken apart field by
//! field, so that a new field of a new parser fails to compile here; what PostgreSQL's grammar does not have makes
//! the statement opaque.

mod bounded;
mod call;
mod definition;
mod expression;
mod from;
mod lock;
mod object;
mod query;
mod statement;
mod stored;
mod table;
mod write;

use std::collections::BTreeSet;

use chaperone_model::facts::{Access, Effect, ObjectKind, Opaque, Relation, Statement, Stored, Verb};
use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, Statement as Tree};

use crate::names::is_reserved;
use crate::scope::{Columns, Lineage, Out, Scope};

/// The most columns of a result (PostgreSQL's MaxTupleAttributeNumber); beyond, lineage is not told.
const MAX_OUTPUTS: usize = 1664;
/// How many names may be copied while lineage is told; beyond, it is not told. Bounds the work of a text in which
/// queries repeat each other's columns.
const MAX_LINEAGE: usize = 100_000;

/// What stands around a statement.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Expressions of it that the tree has no place for.
    pub(crate) asides: &'a [Expr],
    /// Names for the rows that RETURNING shows.
    pub(crate) rows: &'a [String],
    /// It runs for rows: `old` and `new` are those before and after.
    pub(crate) has_rows: bool,
}

/// The facts of one parsed statement.
pub(crate) fn read(tree: &Tree, around: Around<'_>) -> Statement {
    let mut walk = Walk::new(around);
    let outputs = walk.statement(tree);
    walk.discard_all(around.asides);
    walk.into_statement(outputs)
}

/// The facts of expressions by themselves; the first of them is the output.
pub(crate) fn read_expressions(expressions: &[Expr], has_rows: bool) -> Statement {
    let mut walk = Walk::new(Around { asides: &[], rows: &[], has_rows });
    let outputs = expressions.iter().map(|expression| ("", walk.output(expression))).collect();
    walk.into_statement(Some(std::rc::Rc::new(crate::scope::Named::new(outputs))))
}

impl<'a> Walk<'a> {
    fn new(around: Around<'a>) -> Self {
        let mut outermost = Scope::default();
        if around.has_rows {
            for name in ["old", "new"] {
                outermost.name_source(name, crate::scope::Source::Relation);
            }
        }
        Walk {
            verbs: Vec::new(),
            relations: Vec::new(),
            functions: Vec::new(),
            columns: Vec::new(),
            attributes: Vec::new(),
            tables: BTreeSet::new(),
            effects: Vec::new(),
            unbounded: false,
            opaque: None,
            scopes: if around.has_rows { vec![outermost] } else { Vec::new() },
            lineage_left: MAX_LINEAGE,
            stored: Vec::new(),
            rows: around.rows,
        }
    }
}

/// What has been seen so far.
struct Walk<'a> {
    verbs: Vec<Verb>,
    relations: Vec<Relation>,
    functions: Vec<String>,
    columns: Vec<&'a str>,
    attributes: Vec<&'a str>,
    /// Names of the tables that were read so far.
    tables: BTreeSet<&'a str>,
    effects: Vec<Effect>,
    unbounded: bool,
    opaque: Option<Opaque>,
    scopes: Vec<Scope<'a>>,
    lineage_left: usize,
    stored: Vec<Stored>,
    /// What RETURNING calls the rows before and after, beside `old` and `new`.
    rows: &'a [String],
}

impl<'a> Walk<'a> {
    fn into_statement(mut self, outputs: Columns<'a>) -> Statement {
        self.relations.sort_unstable();
        self.relations.dedup();
        self.functions.sort_unstable();
        self.functions.dedup();
        self.columns.sort_unstable();
        self.columns.dedup();
        self.attributes.sort_unstable();
        self.attributes.dedup();
        let mut effects: Vec<Effect> = Vec::new();
        for effect in self.effects {
            if !effects.contains(&effect) {
                effects.push(effect);
            }
        }
        Statement {
            verbs: self.verbs,
            relations: self.relations,
            functions: self.functions,
            columns: self.columns.into_iter().map(str::to_owned).collect(),
            attributes: self.attributes.into_iter().map(str::to_owned).collect(),
            outputs: outputs
                .map(|columns| columns.iter().map(|(_, out)| out.clone().into_output()).collect()),
            stored: self.stored,
            bounded: !self.unbounded,
            effects,
            opaque: self.opaque,
        }
    }

    fn verb(&mut self, verb: Verb) {
        if !self.verbs.contains(&verb) {
            self.verbs.push(verb);
        }
    }

    /// Marks the statement opaque; the first reason stays.
    fn opaque(&mut self, construct: &str) {
        self.opaque.get_or_insert_with(|| Opaque::Construct(construct.to_owned()));
    }

    /// Marks the statement opaque when the tree has something that PostgreSQL does not have.
    fn foreign(&mut self, present: bool, construct: &str) {
        if present {
            self.opaque(construct);
        }
    }

    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// What a statement does to objects that it does not name.
    fn unnamed(&mut self, accesses: &[Access]) {
        self.effects.extend(accesses.iter().copied().map(Effect::Unnamed));
    }

    /// CASCADE behind DROP: what depends goes as well, or loses what depends (a foreign key, a column's default).
    fn cascades(&mut self, cascade: bool) {
        if cascade {
            self.unnamed(crate::utility::CASCADE);
        }
    }

    fn column(&mut self, name: &'a Ident) {
        self.check_name(name);
        self.columns.push(&name.value);
    }

    fn all_columns(&mut self) {
        self.columns.push("*");
    }

    fn touch(&mut self, name: &'a ObjectName, kind: ObjectKind, access: Access) {
        if let Some((schema, name)) = self.parts(name) {
            if kind == ObjectKind::Table {
                self.tables.insert(name);
            }
            self.relations.push(Relation {
                schema: schema.map(str::to_owned),
                name: name.to_owned(),
                kind,
                access,
            });
        }
    }

    /// As [`Self::touch`], of an object that is in the schema of another where its name says none.
    fn touch_beside(&mut self, name: &'a ObjectName, schema: Option<&str>, kind: ObjectKind, access: Access) {
        self.touch(name, kind, access);
        if let Some(relation) = self.relations.last_mut().filter(|relation| relation.schema.is_none()) {
            relation.schema = schema.map(str::to_owned);
        }
    }

    fn touch_ident(&mut self, name: &'a Ident, kind: ObjectKind, access: Access) {
        self.check_name(name);
        self.relations.push(Relation { schema: None, name: name.value.clone(), kind, access });
    }

    fn touch_all<'b: 'a>(
        &mut self,
        names: impl IntoIterator<Item = &'b ObjectName>,
        kind: ObjectKind,
        access: Access,
    ) {
        for name in names {
            self.touch(name, kind, access);
        }
    }

    /// The schema and the name; none, and opaque, where the name is not made of identifiers.
    fn parts(&mut self, name: &'a ObjectName) -> Option<(Option<&'a str>, &'a str)> {
        let mut schema = None;
        let mut last = None;
        for (position, part) in name.0.iter().enumerate() {
            let ObjectNamePart::Identifier(ident) = part else {
                self.opaque("computed name");
                return None;
            };
            // Behind a period any word is a name.
            if position == 0 {
                self.check_name(ident);
            }
            schema = last;
            last = Some(ident.value.as_str());
        }
        let Some(last) = last else {
            self.opaque("empty name");
            return None;
        };
        // database.schema.name is the most that there is.
        self.foreign(name.0.len() > 3, "name of more than three parts");
        Some((schema, last))
    }

    /// A bare reserved word as a name: the parser took a keyword of PostgreSQL for one.
    fn check_name(&mut self, name: &Ident) {
        if name.quote_style.is_none() && is_reserved(&name.value) {
            self.opaque(&format!("`{}` as a name", name.value));
        }
    }

    fn function_name(&mut self, schema: Option<&str>, name: &str) {
        self.functions.push(match schema {
            Some(schema) => format!("{schema}.{name}"),
            None => name.to_owned(),
        });
    }

    fn spend(&mut self, out: Out<'a>) -> Out<'a> {
        self.charge(out.weight(), out)
    }

    /// What was found out by that much work, while the budget lasts.
    fn charge(&mut self, work: usize, out: Out<'a>) -> Out<'a> {
        let left = self.lineage_left.checked_sub(work);
        self.lineage_left = left.unwrap_or(0);
        if left.is_some() { out } else { Out::Unknown }
    }

    fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Scope::default());
        let result = inner(self);
        self.scopes.pop();
        result
    }

    fn scope(&mut self) -> Option<&mut Scope<'a>> {
        self.scopes.last_mut()
    }

    /// Walks an expression whose lineage nobody asks for.
    fn discard(&mut self, expression: &'a Expr) {
        self.expression(expression, &mut Lineage::default());
    }

    fn discard_all(&mut self, expressions: impl IntoIterator<Item = &'a Expr>) {
        for expression in expressions {
            self.discard(expression);
        }
    }
}
