//! Which columns a side of a comparison depends on.
//!
//! A side is a constant, or it is made of columns in ways that keep rows apart; anything else is not told, and what is
//! not told bounds nothing.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    Query, Subscript, UnaryOperator,
};

use super::bound::is_plain_bound;
use super::calls::{call, is_one_letter, is_unit, tells};
use super::cast::keeps;
use super::condition::{is_empty, is_field};
use super::grain::{Grain, grain};
use super::subquery::{Given, given};
use super::target::{Own, Target};
use super::trivial::{exact_number, is_infinite, is_remainder_of_one, is_system};
use crate::names::is_same_for_rows;

/// The columns that an expression depends on.
#[derive(Debug)]
pub(super) struct Mentions<'a> {
    /// By name, with the qualifiers that they have.
    columns: BTreeMap<&'a str, BTreeSet<Option<&'a str>>>,
    /// Something of it may be the same for every row, or is not understood.
    untold: bool,
    target: Target<'a>,
}

impl<'a> Mentions<'a> {
    pub(super) fn of(expression: &'a Expr, target: &Target<'a>) -> Self {
        let mut mentions = Self::none(target);
        mentions.collect(expression);
        mentions
    }

    const fn none(target: &Target<'a>) -> Self {
        Self { columns: BTreeMap::new(), untold: false, target: *target }
    }

    /// Whether it is told, and one of them is taken for a column of the target.
    pub(super) fn bounds(&self) -> bool {
        !self.untold && self.qualified().any(|(_, qualifier)| self.is_own(qualifier))
    }

    fn is_own(&self, qualifier: Option<&str>) -> bool {
        match (self.target.columns, qualifier) {
            (Own::Any, _) | (Own::NamedOrBare, None) => true,
            (Own::Named, None) => false,
            (Own::Named | Own::NamedOrBare, Some(qualifier)) => qualifier == self.target.name,
        }
    }

    pub(super) const fn is_untold(&self) -> bool {
        self.untold
    }

    pub(super) fn is_constant(&self) -> bool {
        !self.untold && self.columns.is_empty()
    }

    pub(super) fn has_bare(&self) -> bool {
        self.qualified().any(|(_, qualifier)| qualifier.is_none())
    }

    /// Whether one of them is of something that may hold the target's own rows.
    pub(super) fn has_stand_in(&self) -> bool {
        let stand_ins = &self.target.company.stand_ins;
        // One without a name is a join, and may hold any.
        let unnamed = stand_ins.contains(&"");
        let is_one = |it: &str| stand_ins.contains(&it) || (unnamed && it != self.target.name);
        self.qualified().any(|(_, qualifier)| qualifier.is_some_and(is_one))
    }

    /// Whether all of them are the target's by its name, or bare.
    pub(super) fn is_of_target(&self) -> bool {
        self.qualified().all(|(_, qualifier)| qualifier.is_none_or(|it| it == self.target.name))
    }

    /// Every column as (name, qualifier).
    pub(super) fn qualified(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + '_ {
        self.columns.iter().flat_map(|(name, qualifiers)| qualifiers.iter().map(|it| (*name, *it)))
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    /// Whether no column is on both sides. The same name behind different qualifiers is two columns.
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        let (few, many) =
            if self.columns.len() <= other.columns.len() { (self, other) } else { (other, self) };
        few.columns.iter().all(|(name, ours)| {
            many.columns.get(name).is_none_or(|theirs| {
                !ours.contains(&None) && !theirs.contains(&None) && ours.is_disjoint(theirs)
            })
        })
    }

    fn add(&mut self, qualifier: Option<&'a Ident>, name: &'a Ident) {
        let is_word = qualifier.is_none() && name.quote_style.is_none();
        let name = name.value.as_str();
        if is_system(name) || (is_word && SESSION.contains(&name)) {
            return;
        }
        if qualifier.is_none() && (name == self.target.name || self.target.company.stand_ins.contains(&name))
        {
            // A whole row.
            self.untold = true;
            return;
        }
        self.columns.entry(name).or_default().insert(qualifier.map(|qualifier| qualifier.value.as_str()));
    }

    fn take(&mut self, other: Self) {
        self.untold |= other.untold;
        for (name, qualifiers) in other.columns {
            self.columns.entry(name).or_default().extend(qualifiers);
        }
    }

    fn collect(&mut self, expression: &'a Expr) {
        match expression {
            _ if is_remainder_of_one(expression) => {}
            Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) => {}
            Expr::Identifier(name) => self.add(None, name),
            Expr::CompoundIdentifier(names) => {
                if let [.., qualifier, name] = names.as_slice() {
                    // `t.num_nulls` is `num_nulls(t)`, unless there is a column of that name.
                    self.untold |= is_same_for_rows(&name.value);
                    self.add(Some(qualifier), name);
                }
            }
            Expr::Cast { expr: inner, data_type, .. } => {
                let inner = Self::of(inner, &self.target);
                self.untold |= !inner.is_constant() && !keeps(data_type);
                self.take(inner);
            }
            Expr::Nested(inner)
            | Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr: inner }
            | Expr::Collate { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. }
            | Expr::Named { expr: inner, .. } => self.collect(inner),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.collect_with(expr, &[substring_from.as_deref(), substring_for.as_deref()]);
            }
            Expr::Trim { expr, trim_what, trim_characters: None, .. } => {
                self.collect_with(expr, &[trim_what.as_deref()]);
                self.untold |= trim_what.as_deref().is_some_and(|letters| !is_one_letter(letters));
            }
            Expr::AtTimeZone { timestamp, time_zone } => self.collect_with(timestamp, &[Some(time_zone)]),
            Expr::Extract { field, expr, .. } if is_unit(&field.to_string()) => {
                // Every date is at midnight.
                self.untold |= grain(expression) == Grain::Few && matches!(**expr, Expr::Cast { .. });
                self.collect_part(expr);
            }
            Expr::Position { expr, r#in }
                if !is_empty(expr) && Self::of(expr, &self.target).is_constant() =>
            {
                self.collect(r#in);
            }
            Expr::BinaryOp { left, op, right } => self.collect_operation(left, op, right),
            Expr::Function(function) => self.collect_call(function),
            Expr::Tuple(expressions) => self.collect_all(expressions),
            // `(ARRAY[5, id])[1]` is 5 for all.
            Expr::Array(array) => {
                self.collect_all(&array.elem);
                self.untold |= !self.columns.is_empty();
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let bare = matches!(**root, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                self.untold |= !bare && !is_field(root);
                self.collect(root);
                for access in access_chain {
                    match access {
                        AccessExpr::Subscript(Subscript::Index { index }) => self.collect(index),
                        AccessExpr::Dot(_) | AccessExpr::Subscript(Subscript::Slice { .. }) => {
                            self.untold = true;
                        }
                    }
                }
            }
            Expr::Subquery(query) => self.collect_query(query, true),
            _ => self.untold = true,
        }
    }

    fn collect_all(&mut self, expressions: &'a [Expr]) {
        for expression in expressions {
            self.collect_part(expression);
        }
    }

    /// What is made of something coarse may be the same for all: `lower(left(b, 0))`.
    fn collect_part(&mut self, expression: &'a Expr) {
        let part = Self::of(expression, &self.target);
        self.untold |= !part.is_constant() && grain(expression) != Grain::Fine;
        self.take(part);
    }

    /// A column, and what must be constants.
    fn collect_with(&mut self, expression: &'a Expr, others: &[Option<&'a Expr>]) {
        self.collect_part(expression);
        self.untold |= others.iter().flatten().any(|it| !Self::of(it, &self.target).is_constant());
    }

    fn collect_query(&mut self, query: &'a Query, one: bool) {
        match given(query, one, &self.target) {
            Given::List(expressions) => {
                for expression in expressions {
                    self.collect(expression);
                }
            }
            Given::Another => {}
            Given::Untold => self.untold = true,
        }
    }

    /// An operation depends on its operands, unless they take each other out: `x - x`, `x * 0`.
    fn collect_operation(&mut self, left: &'a Expr, op: &BinaryOperator, right: &'a Expr) {
        let (one, two) = (Self::of(left, &self.target), Self::of(right, &self.target));
        if one.is_constant() && two.is_constant() {
            return;
        }
        let joins = *op == BinaryOperator::StringConcat;
        let coarse = |side: &Expr, it: &Self| {
            !it.is_constant() && !matches!((grain(side), joins), (Grain::Fine, _) | (Grain::Joined, true))
        };
        if coarse(left, &one) || coarse(right, &two) {
            self.untold = true;
            return;
        }
        match op {
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::StringConcat => {
                // `x - x`, `x + 'NaN'`
                self.untold |= !one.is_apart(&two);
                self.untold |= !joins && (is_infinite(left) || is_infinite(right));
                // `x + 1e30` is 1e30 for every float.
                self.untold |= !joins && [(left, &one), (right, &two)].into_iter().any(absorbs);
                self.take(one);
                self.take(two);
            }
            BinaryOperator::Arrow
            | BinaryOperator::LongArrow
            | BinaryOperator::HashArrow
            | BinaryOperator::HashLongArrow
                if two.is_constant() =>
            {
                self.untold |= is_empty(right);
                self.take(one);
            }
            BinaryOperator::Multiply if is_whole(left) || is_whole(right) || one.is_apart(&two) => {
                self.untold |=
                    !is_whole(left) && !is_whole(right) && (one.is_constant() || two.is_constant());
                self.take(one);
                self.take(two);
            }
            BinaryOperator::Modulo if exact_number(right).is_some_and(|it| it.abs() >= 2.0) => self.take(one),
            BinaryOperator::BitwiseAnd if exact_number(right).is_some_and(|it| it >= 1.0) => self.take(one),
            // Of a fraction much is the same: `x * 0`, `x / 1000000`.
            _ => self.untold = true,
        }
    }

    fn collect_call(&mut self, function: &'a Function) {
        let FunctionArguments::List(list) = &function.args else {
            if let FunctionArguments::Subquery(query) = &function.args {
                self.collect_query(query, false);
            }
            return;
        };
        let mut all = Vec::with_capacity(list.args.len());
        for argument in &list.args {
            let (FunctionArg::Named { arg, .. }
            | FunctionArg::ExprNamed { arg, .. }
            | FunctionArg::Unnamed(arg)) = argument;
            match arg {
                FunctionArgExpr::Expr(expression) => {
                    all.push((expression, Self::of(expression, &self.target)))
                }
                _ => self.untold = true,
            }
        }
        if all.iter().all(|(_, argument)| argument.is_constant()) {
            return;
        }
        let Some((name, arguments)) = call(function).filter(|(name, arguments)| tells(name, arguments))
        else {
            self.untold = true;
            return;
        };
        let several = matches!(name, "age" | "coalesce" | "concat" | "concat_ws");
        if !several && all.iter().filter(|(_, argument)| !argument.is_constant()).count() > 1 {
            self.untold = true;
            return;
        }
        if name == "mod"
            && !arguments.get(1).is_some_and(|it| exact_number(it).is_some_and(|it| it.abs() >= 2.0))
        {
            self.untold = true;
            return;
        }
        // `mod(0, id)`, `split_part('x', b, 1)`
        let place = match name {
            "date_part" | "date_trunc" | "timezone" | "to_tsvector" => all.len().saturating_sub(1).min(1),
            _ => 0,
        };
        if !several && all.get(place).is_none_or(|(_, argument)| argument.is_constant()) {
            self.untold = true;
            return;
        }
        debug_assert_eq!(arguments.len(), all.len(), "both are the plain arguments");
        for (expression, argument) in all {
            // What follows a constant in COALESCE is never looked at.
            let ends = name == "coalesce" && matches!(expression, Expr::Value(_));
            let joins = matches!(name, "concat" | "concat_ws" | "encode" | "md5")
                && grain(expression) == Grain::Joined;
            self.untold |= !argument.is_constant() && grain(expression) != Grain::Fine && !joins;
            // `age(d, d)`
            self.untold |= !self.is_apart(&argument);
            self.take(argument);
            if ends {
                return;
            }
        }
    }
}

/// Whether a summand is so great a number, or one that the text does not tell, that a float beside it may be lost.
fn absorbs((summand, mentions): (&Expr, &Mentions<'_>)) -> bool {
    if !mentions.is_constant() {
        return false;
    }
    match exact_number(summand) {
        Some(number) => number.abs() >= MOST_SUMMAND,
        None => !is_plain_bound(summand),
    }
}

/// Beyond it a `real` loses units.
const MOST_SUMMAND: f64 = 1e6;

/// A number that makes a product no smaller.
fn is_whole(expression: &Expr) -> bool {
    exact_number(expression).is_some_and(|number| number.abs() >= 1.0)
}

/// Words for what the session is, which look like columns.
const SESSION: [&str; 12] = [
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "system_user",
    "user",
];
