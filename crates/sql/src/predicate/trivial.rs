//! Comparisons that name a column and still leave no row out: with infinity or the end of the integers, of lengths with
//! zero, of the place where a row is kept.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
    ValueWithSpan,
};

use super::calls::name;
use crate::shape;

/// Columns that every table has and that say nothing about what is in a row.
const SYSTEM_COLUMNS: [&str; 5] = ["cmax", "cmin", "tableoid", "xmax", "xmin"];

/// Functions whose results are never below zero.
const NEVER_NEGATIVE: [&str; 12] = [
    "abs",
    "array_length",
    "bit_length",
    "cardinality",
    "char_length",
    "character_length",
    "json_array_length",
    "jsonb_array_length",
    "length",
    "octet_length",
    "pg_column_size",
    "strpos",
];

/// The least and the greatest `int4`.
const INTEGERS: (f64, f64) = (-2_147_483_648.0, 2_147_483_647.0);

/// What few numbers are greater than, up or down.
const NEAR_THE_END: f64 = 1e9;

/// Before and after these there is hardly a date.
const YEARS: (u32, u32) = (1900, 2200);
/// What few lengths reach.
const LONG: f64 = 1000.0;

/// Whether a column's name says that it tells no rows apart.
pub(super) fn is_system(name: &str) -> bool {
    SYSTEM_COLUMNS.contains(&name)
}

/// Whether an expression is where a row is kept: never null, and greater than the least place.
pub(super) fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_place(inner),
        Expr::Identifier(name) => name.value == "ctid",
        Expr::CompoundIdentifier(names) => names.last().is_some_and(|name| name.value == "ctid"),
        _ => false,
    }
}

/// Whether `left op right`, or its opposite when `negated`, holds for every row that there may be.
pub(super) fn is_trivial(left: &Expr, op: &BinaryOperator, right: &Expr, negated: bool) -> bool {
    (*op != BinaryOperator::Eq && (is_place(left) || is_place(right)))
        || is_one_sided(left, op, right, negated)
        || turned(op).is_some_and(|op| is_one_sided(right, &op, left, negated))
}

/// Whether everything lies between these two.
pub(super) fn is_everything(low: &Expr, high: &Expr) -> bool {
    if matches!((year(low), year(high)), (Some(low), Some(high)) if low < YEARS.0 && high > YEARS.1) {
        return true;
    }
    let [(least, ends), (greatest, ends_too)] = [low, high].map(|bound| (number(bound), is_infinite(bound)));
    (ends || least.is_some_and(|least| least <= -NEAR_THE_END))
        && (ends_too || greatest.is_some_and(|greatest| greatest >= NEAR_THE_END))
}

fn turned(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::NotEq => BinaryOperator::NotEq,
        _ => return None,
    })
}

fn opposite(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Gt => BinaryOperator::LtEq,
        BinaryOperator::GtEq => BinaryOperator::Lt,
        BinaryOperator::Lt => BinaryOperator::GtEq,
        BinaryOperator::LtEq => BinaryOperator::Gt,
        BinaryOperator::Eq => BinaryOperator::NotEq,
        _ => return None,
    })
}

fn is_one_sided(side: &Expr, op: &BinaryOperator, bound: &Expr, negated: bool) -> bool {
    let op = if negated { opposite(op) } else { Some(op.clone()) };
    let Some(op) = op.filter(|op| *op != BinaryOperator::Eq) else { return false };
    if is_infinite(bound) {
        return matches!(
            op,
            BinaryOperator::Gt
                | BinaryOperator::GtEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::NotEq
        );
    }
    if let Some(year) = year(bound) {
        match op {
            BinaryOperator::Gt | BinaryOperator::GtEq => return year < YEARS.0,
            BinaryOperator::Lt | BinaryOperator::LtEq => return year > YEARS.1,
            _ => {}
        }
    }
    let Some(end) = number(bound) else {
        // Nothing is below zero: an open number has to be known.
        return is_never_negative(side) && open_number(bound);
    };
    let least = if is_never_negative(side) { 0.0 } else { INTEGERS.0 };
    match op {
        BinaryOperator::Gt => end < least || (end <= least && end <= INTEGERS.0),
        BinaryOperator::GtEq => end <= least,
        BinaryOperator::Lt | BinaryOperator::LtEq => end >= greatest(side),
        BinaryOperator::NotEq => end < least || end <= INTEGERS.0 || end >= INTEGERS.1,
        _ => false,
    }
}

/// Whether a date is before or after all that there are.
pub(super) fn is_far_year(expression: &Expr) -> bool {
    year(expression).is_some_and(|year| year < YEARS.0 || year > YEARS.1)
}

/// The year of a date: `'2020-01-01'`.
fn year(expression: &Expr) -> Option<u32> {
    let text = match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => return year(inner),
        Expr::TypedString(typed) => &typed.value.value,
        Expr::Value(ValueWithSpan { value, .. }) => value,
        _ => return None,
    };
    let Value::SingleQuotedString(text) = text else { return None };
    let (year, rest) = text.trim().split_once('-')?;
    rest.contains('-').then(|| year.parse().ok())?
}

/// `'infinity'` of a date or a number, whatever its sign.
pub(super) fn is_infinite(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_infinite(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => is_infinite(expr),
        Expr::TypedString(typed) => is_infinite_text(&typed.value.value),
        Expr::Interval(interval) => is_infinite(&interval.value),
        Expr::Value(ValueWithSpan { value, .. }) => is_infinite_text(value),
        _ => false,
    }
}

fn is_infinite_text(value: &Value) -> bool {
    let Value::SingleQuotedString(text) = value else { return false };
    let text = text.trim().trim_start_matches(['-', '+']);
    ["infinity", "inf", "nan"].iter().any(|end| text.eq_ignore_ascii_case(end))
}

/// The number that an expression is, unless it is open: open ones are small, and their value need not be asked for.
fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => number(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => number(expr).map(|value| -value),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => number(expr),
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) if text != shape::OPEN => {
            text.parse().ok()
        }
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The number that an expression is, where everything depends on it.
pub(super) fn exact_number(expression: &Expr) -> Option<f64> {
    if open_number(expression) { None } else { number(expression) }
}

/// Whether an expression is a number that is left open; its value is asked for.
fn open_number(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => open_number(inner),
        Expr::UnaryOp { expr, .. } => open_number(expr),
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => shape::value(text).is_none(),
        _ => false,
    }
}

fn is_never_negative(expression: &Expr) -> bool {
    match expression {
        Expr::Position { .. } => true,
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_never_negative(inner),
        Expr::Function(function) => name(&function.name.0).is_some_and(|name| NEVER_NEGATIVE.contains(&name)),
        _ => false,
    }
}

/// Not less than what there is.
fn greatest(side: &Expr) -> f64 {
    match side {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => greatest(inner),
        // A text that is not found is at zero.
        Expr::Position { .. } => 0.0,
        Expr::Function(function) => match name(&function.name.0) {
            Some("strpos") => 0.0,
            Some(name) if name != "abs" && NEVER_NEGATIVE.contains(&name) => LONG,
            _ => INTEGERS.1,
        },
        _ => INTEGERS.1,
    }
}

/// `x % 1`, `mod(x, 1)`: zero whatever `x` is.
pub(super) fn is_remainder_of_one(expression: &Expr) -> bool {
    let one = |divisor: &Expr| match number(divisor) {
        Some(divisor) => divisor.abs() <= 1.0,
        None => open_number(divisor),
    };
    match expression {
        Expr::BinaryOp { op: BinaryOperator::Modulo, right, .. } => one(right),
        Expr::Function(function) if name(&function.name.0) == Some("mod") => match &function.args {
            FunctionArguments::List(list) => list.args.iter().skip(1).any(
                |argument| matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(divisor)) if one(divisor)),
            ),
            _ => false,
        },
        _ => false,
    }
}
