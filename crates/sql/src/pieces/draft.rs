//! A statement being read in pieces.

use chaperone_model::facts::{Access, Effect, ObjectKind, Opaque, Output, Relation, Statement, Stored, Verb};
use sqlparser::tokenizer::TokenWithSpan;

use crate::utility::{Name, understood};

/// The facts so far, and what is still to be read.
pub(crate) struct Draft<'t> {
    pub(crate) statement: Statement,
    pub(crate) parts: Vec<(Part, &'t [TokenWithSpan])>,
    /// Bodies of functions, which are texts.
    pub(crate) bodies: Vec<&'t str>,
    /// Whether the pieces may name the rows before and after.
    pub(crate) has_rows: bool,
    /// Whether its pieces run later, with values that are given then.
    pub(crate) is_function: bool,
    pub(crate) takes_values: bool,
    /// The schema that its pieces make things in.
    pub(crate) schema: Option<String>,
}

/// What a piece is.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// An expression.
    Expression,
    /// A query, or another statement of a kind that has been looked at.
    Statement,
    /// What a function gives.
    Body,
    /// A query whose rows fill a new table, or are what a function gives.
    Rows,
    /// An expression whose values go into this column.
    Value(String),
}

impl<'t> Draft<'t> {
    pub(crate) fn new(verb: Verb) -> Self {
        Self {
            statement: understood(vec![verb]),
            parts: Vec::new(),
            bodies: Vec::new(),
            has_rows: false,
            is_function: false,
            takes_values: false,
            schema: None,
        }
    }

    pub(crate) fn touch(&mut self, name: &Name<'_>, kind: ObjectKind, access: Access) {
        self.statement.relations.push(name.relation(kind, access));
    }

    pub(crate) fn touch_role(&mut self, name: &str, access: Access) {
        let name = name.to_owned();
        self.statement.relations.push(Relation { schema: None, name, kind: ObjectKind::Role, access });
    }

    /// A function that runs whenever something that the statement makes is used.
    pub(crate) fn call(&mut self, name: &Name<'_>) {
        self.statement.functions.push(name.dotted());
    }

    /// A function that runs for values of which later statements do not say that it does: for an operator, a cast, a type.
    pub(crate) fn hidden_call(&mut self, name: &Name<'_>) {
        self.call(name);
        self.opaque("function that runs unnamed");
    }

    pub(crate) fn opaque(&mut self, construct: &str) {
        self.statement.opaque.get_or_insert_with(|| Opaque::Construct(construct.to_owned()));
    }

    pub(crate) fn column(&mut self, name: &str) {
        self.statement.columns.push(name.to_owned());
    }

    pub(crate) fn verb(&mut self, verb: Verb) {
        if !self.statement.verbs.contains(&verb) {
            self.statement.verbs.push(verb);
        }
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        if !self.statement.effects.contains(&effect) {
            self.statement.effects.push(effect);
        }
    }

    pub(crate) fn part(&mut self, part: Part, tokens: &'t [TokenWithSpan]) {
        self.parts.push((part, tokens));
    }

    pub(crate) fn expression(&mut self, tokens: &'t [TokenWithSpan]) {
        self.part(Part::Expression, tokens);
    }

    /// A query; none where the tokens begin no query.
    pub(crate) fn query(&mut self, part: Part, tokens: &'t [TokenWithSpan]) -> Option<()> {
        let begins = crate::adapt::is_query(tokens);
        begins.then(|| self.part(part, tokens))
    }
}

/// Adds to the facts of a statement those of a part.
pub(crate) fn add(statement: &mut Statement, part: &Part, inner: Statement) {
    let Statement {
        verbs,
        relations,
        functions,
        columns,
        attributes,
        outputs,
        stored,
        bounded,
        effects,
        opaque,
    } = inner;
    for verb in verbs {
        if !statement.verbs.contains(&verb) {
            statement.verbs.push(verb);
        }
    }
    for effect in effects {
        if !statement.effects.contains(&effect) {
            statement.effects.push(effect);
        }
    }
    statement.relations.extend(relations);
    statement.functions.extend(functions);
    statement.columns.extend(columns);
    statement.attributes.extend(attributes);
    statement.stored.extend(stored);
    statement.bounded &= bounded;
    if statement.opaque.is_none() {
        statement.opaque = opaque;
    }
    let column = match part {
        Part::Expression | Part::Statement => return,
        Part::Body | Part::Rows => None,
        Part::Value(column) => Some(column.clone()),
    };
    for from in outputs.unwrap_or_else(|| vec![Output::Unknown]) {
        if !matches!(&from, Output::Computed(names) if names.is_empty()) {
            statement.stored.push(Stored { column: column.clone(), from });
        }
    }
}

/// In the order in which facts are told, once each.
pub(crate) fn sort(statement: &mut Statement) {
    statement.relations.sort_unstable();
    statement.relations.dedup();
    for names in [&mut statement.functions, &mut statement.columns, &mut statement.attributes] {
        names.sort_unstable();
        names.dedup();
    }
}

/// Whether a function that is made does nothing but read and compute.
pub(crate) fn computes(statement: &Statement) -> bool {
    let reads = |verb: &Verb| matches!(verb, Verb::Create | Verb::Reset | Verb::Select | Verb::Set);
    let is_pure = |name: &String| match name.rsplit_once('.') {
        Some((schema, name)) => crate::names::is_pure(Some(schema), name),
        None => crate::names::is_pure(None, name),
    };
    let locks = statement.relations.iter().any(|relation| relation.access == Access::Lock);
    statement.verbs.iter().all(reads) && statement.functions.iter().all(is_pure) && !locks
}
