//! Alternatives about one column that together leave nothing out: `id > 5 OR id <= 5`, `a IS NULL OR a IS NOT NULL`.

use std::collections::BTreeMap;

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, ValueWithSpan};

use super::condition::{is_call_of, meant, truth};
use super::grain::{Grain, grain, is_literal};
use crate::shape;

/// What the alternatives of an OR say about each column.
#[derive(Debug, Default)]
pub(super) struct Ranges<'a> {
    columns: BTreeMap<&'a str, Range>,
    /// How many there are.
    alternatives: usize,
    /// One of them may hold for nearly all rows, and which others that leaves out is not told.
    loose: bool,
    /// Those about what has few values.
    coarse: usize,
}

#[derive(Debug, Default)]
struct Range {
    /// The largest bound of `<`; none of a bound that is not a number.
    below: Option<Option<f64>>,
    /// The smallest bound of `>`.
    above: Option<Option<f64>>,
    /// Alternatives that leave one value out.
    all_but_one: usize,
    /// Those that ask for certain values, which may fill what `below` and `above` leave between them.
    ones: usize,
    /// Those with two ends.
    betweens: usize,
    /// Whether the column may be true, and false.
    truths: (bool, bool),
    /// Whether it is a condition by itself, so that a value it is compared with may be the other one.
    is_condition: bool,
    alternatives: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Above,
    AllButOne,
    Below,
    Between,
    /// Null: no comparison holds then.
    Null,
    One,
}

impl<'a> Ranges<'a> {
    /// Adds an alternative, or its opposite when `negated`.
    pub(super) fn add(&mut self, alternative: &'a Expr, negated: bool) {
        let mut rest = alternative;
        // Alternatives of alternatives, along the left edge, where chains grow.
        while let Expr::BinaryOp { left, op, right } = rest {
            if !matches!((op, negated), (BinaryOperator::Or, false) | (BinaryOperator::And, true)) {
                break;
            }
            self.add(right, negated);
            rest = left;
        }
        self.alternatives = self.alternatives.saturating_add(1);
        match rest {
            Expr::Nested(inner) => self.again(inner, negated),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.again(expr, !negated),
            Expr::IsTrue(inner) | Expr::IsNotFalse(inner) => self.again(inner, negated),
            Expr::IsFalse(inner) | Expr::IsNotTrue(inner) => self.again(inner, !negated),
            Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => {
                // All of them hold: as little as the one that says the most.
                self.loose |= !has_equality(rest, negated);
            }
            Expr::IsNull(inner) => self.note(inner, Kind::Null, negated, None),
            Expr::IsNotNull(inner) => self.note(inner, Kind::Null, !negated, None),
            Expr::IsDistinctFrom(left, right) => self.compare(left, Kind::AllButOne, right, negated),
            Expr::IsNotDistinctFrom(left, right) => self.compare(left, Kind::One, right, negated),
            Expr::InList { expr, negated: not, .. }
            | Expr::InSubquery { expr, negated: not, .. }
            | Expr::Like { expr, negated: not, .. }
            | Expr::ILike { expr, negated: not, .. }
            | Expr::SimilarTo { expr, negated: not, .. } => {
                self.note(expr, Kind::One, negated != *not, None);
            }
            Expr::Between { expr, negated: not, .. } => self.note(expr, Kind::Between, negated != *not, None),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                self.note(rest, Kind::Null, false, None);
                self.note_truth(rest, !negated);
                self.note_condition(rest);
            }
            Expr::AnyOp { left, .. } => self.note(left, Kind::One, negated, None),
            Expr::AllOp { left, .. } => self.note(left, Kind::AllButOne, negated, None),
            Expr::BinaryOp { left, op, right } => match kind(op) {
                Some(kind) => self.compare(left, kind, right, negated),
                None => self.loose |= negated,
            },
            Expr::Value(_) => {}
            Expr::Function(function) => self.loose |= negated || is_call_of(function, &["coalesce"]),
            _ => self.loose |= negated,
        }
    }

    /// One and the same alternative in other words.
    fn again(&mut self, alternative: &'a Expr, negated: bool) {
        self.alternatives = self.alternatives.saturating_sub(1);
        self.add(alternative, negated);
    }

    /// Whether the alternatives about some column leave (nearly) nothing out.
    pub(super) fn cover_all(&self) -> bool {
        (self.loose && self.alternatives > 1)
            || self.coarse > 1
            || self.columns.values().any(|range| {
                let (below, above) = (range.below.is_some(), range.above.is_some());
                let overlap = match (range.below, range.above) {
                    (Some(Some(below)), Some(Some(above))) => below >= above,
                    _ => below && above,
                };
                let filled = below && above && range.ones > 0;
                let ends = range.betweens > 0 && (below || above);
                let either = range.truths == (true, true) || (range.is_condition && range.ones > 0);
                overlap || filled || ends || either || (range.all_but_one > 0 && range.alternatives > 1)
            })
    }

    fn note_condition(&mut self, column: &'a Expr) {
        if let Some(path) = path(column) {
            self.columns.entry(path).or_default().is_condition = true;
        }
    }

    fn note_truth(&mut self, column: &'a Expr, value: bool) {
        if let Some(path) = path(column) {
            let truths = &mut self.columns.entry(path).or_default().truths;
            if value { truths.0 = true } else { truths.1 = true }
        }
    }

    fn compare(&mut self, left: &'a Expr, kind: Kind, right: &'a Expr, negated: bool) {
        // `active = false` is `NOT active`.
        for (column, value) in [(left, right), (right, left)] {
            let equal = matches!((kind, negated), (Kind::One, false) | (Kind::AllButOne, true));
            match (kind, truth(value), meant(value)) {
                (Kind::One | Kind::AllButOne, Some(value), _) => return self.again(column, value != equal),
                (Kind::One | Kind::AllButOne, None, Some(value)) => self.note_truth(column, value == equal),
                _ => {}
            }
        }
        if path(left).is_some() && path(right).is_some() {
            // `a > b OR b >= a`
            self.loose |= !matches!((kind, negated), (Kind::One, false) | (Kind::AllButOne, true));
            return;
        }
        if path(left).is_some() || path(right).is_none() {
            self.note(left, kind, negated, number(right));
        } else {
            let turned = match kind {
                Kind::Above => Kind::Below,
                Kind::Below => Kind::Above,
                Kind::AllButOne | Kind::Between | Kind::Null | Kind::One => kind,
            };
            self.note(right, turned, negated, number(left));
        }
    }

    fn note(&mut self, column: &'a Expr, kind: Kind, negated: bool, bound: Option<f64>) {
        let Some(path) = path(column) else {
            let one = matches!((kind, negated), (Kind::One, false) | (Kind::AllButOne, true));
            self.loose |= !one;
            if grain(column) == Grain::Few || grain(column) == Grain::Amount {
                self.coarse = self.coarse.saturating_add(1);
            }
            return;
        };
        let range = self.columns.entry(path).or_default();
        range.alternatives = range.alternatives.saturating_add(1);
        let kind = match (kind, negated) {
            (kind, false) => kind,
            (Kind::Above, true) => Kind::Below,
            (Kind::Below, true) => Kind::Above,
            (Kind::One | Kind::Null | Kind::Between, true) => Kind::AllButOne,
            (Kind::AllButOne, true) => Kind::One,
        };
        match kind {
            Kind::Null => {}
            Kind::One => range.ones = range.ones.saturating_add(1),
            Kind::Between => range.betweens = range.betweens.saturating_add(1),
            Kind::AllButOne => range.all_but_one = range.all_but_one.saturating_add(1),
            Kind::Below => range.below = Some(joined(range.below, bound, f64::max)),
            Kind::Above => range.above = Some(joined(range.above, bound, f64::min)),
        }
    }
}

fn kind(op: &BinaryOperator) -> Option<Kind> {
    Some(match op {
        BinaryOperator::Lt | BinaryOperator::LtEq => Kind::Below,
        BinaryOperator::Gt | BinaryOperator::GtEq => Kind::Above,
        BinaryOperator::Eq => Kind::One,
        BinaryOperator::NotEq
        | BinaryOperator::PGRegexNotMatch
        | BinaryOperator::PGRegexNotIMatch
        | BinaryOperator::PGNotLikeMatch
        | BinaryOperator::PGNotILikeMatch => Kind::AllButOne,
        _ => return None,
    })
}

/// Whether one of the conditions of an AND (or, negated, of an OR) asks for certain values.
fn has_equality(chain: &Expr, negated: bool) -> bool {
    let mut rest = chain;
    loop {
        match rest {
            Expr::Nested(inner) => rest = inner,
            Expr::BinaryOp { left, op, right }
                if matches!((op, negated), (BinaryOperator::And, false) | (BinaryOperator::Or, true)) =>
            {
                if has_equality(right, negated) {
                    return true;
                }
                rest = left;
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let value = |side: &Expr, value: &Expr| path(side).is_some() && is_value(value);
                return !negated && (value(left, right) || value(right, left));
            }
            Expr::InList { expr, list, negated: not } => {
                return negated == *not && path(expr).is_some() && list.iter().all(is_value);
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                return !negated && path(left).is_some() && is_literal(right);
            }
            _ => return false,
        }
    }
}

/// A constant that no boolean column is compared with.
fn is_value(expression: &Expr) -> bool {
    is_literal(expression) && meant(expression).is_none()
}

fn joined(before: Option<Option<f64>>, bound: Option<f64>, choose: fn(f64, f64) -> f64) -> Option<f64> {
    match before {
        None => bound,
        Some(before) => Some(choose(before?, bound?)),
    }
}

fn path(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => path(inner),
        // The last part alone, so that `t.id` and `id` meet.
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.as_str()),
        _ => None,
    }
}

fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Nested(inner) => number(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => number(expr).map(|value| -value),
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => shape::value(text)?.parse().ok(),
        _ => None,
    }
}
