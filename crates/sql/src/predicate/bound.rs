//! Constants that something may be less or greater than. Of other constants it is not told which they are: `10 ^ 30`,
//! `repeat('z', 9)`, `make_date(9999, 1, 1)`.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value, ValueWithSpan,
};

use super::calls::{call, name, text};
use super::grain::is_literal;
use super::trivial::{is_far_year, is_infinite};
use crate::shape;

/// Names of the time at which the statement runs.
const NOW: [&str; 8] = [
    "clock_timestamp",
    "current_date",
    "current_timestamp",
    "localtimestamp",
    "now",
    "statement_timestamp",
    "timeofday",
    "transaction_timestamp",
];

/// Whether it is known that a constant is no end of everything, as far as a text tells.
pub(super) fn is_plain_bound(constant: &Expr) -> bool {
    match constant {
        Expr::Interval(_) => is_span(constant),
        _ if is_literal(constant) => text(constant).is_none_or(is_short),
        _ => is_time(constant),
    }
}

/// `now() - interval '30 days'`, `date '2020-01-01' + 7`.
pub(super) fn is_time(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::AtTimeZone { timestamp: inner, .. } => {
            is_time(inner)
        }
        Expr::Value(_) | Expr::TypedString(_) => {
            text(expression).is_some() && !is_infinite(expression) && !is_far_year(expression)
        }
        Expr::Function(function) => match call(function) {
            Some(("date_trunc", arguments)) => arguments.get(1).is_some_and(|it| is_time(it)),
            Some((name, _)) => NOW.contains(&name),
            None => matches!(function.name.0.as_slice(), [part] if NOW.contains(&part.to_string().as_str())),
        },
        Expr::BinaryOp { left, op: BinaryOperator::Plus | BinaryOperator::Minus, right } => {
            is_time(left) && is_span(right)
        }
        _ => false,
    }
}

/// `interval '30 days'`, `$1 * interval '1 hour'`, `($1 || ' days')::interval`, `7`.
fn is_span(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_span(inner),
        Expr::Interval(interval) => is_span(&interval.value),
        Expr::TypedString(_) => text(expression).is_some_and(is_short),
        Expr::Value(ValueWithSpan { value, span: _ }) => match value {
            Value::SingleQuotedString(text) => is_short(text) && !is_infinite(expression),
            Value::Number(text, _) => shape::value(text).is_some_and(|it| it.len() < MOST_DIGITS),
            Value::Placeholder(_) => true,
            _ => false,
        },
        Expr::BinaryOp { left, op: BinaryOperator::Multiply | BinaryOperator::StringConcat, right } => {
            is_span(left) && is_span(right)
        }
        // `make_interval(days => 30)`
        Expr::Function(function) => match &function.args {
            FunctionArguments::List(list) if name(&function.name.0) == Some("make_interval") => {
                list.args.iter().all(|argument| match argument {
                    FunctionArg::Named { arg: FunctionArgExpr::Expr(it), .. }
                    | FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(it), .. }
                    | FunctionArg::Unnamed(FunctionArgExpr::Expr(it)) => is_span(it),
                    _ => false,
                })
            }
            _ => false,
        },
        _ => false,
    }
}

/// The digits of a number of days that is longer than anybody's records.
const MOST_DIGITS: usize = 6;

/// Whether a text is no span of time that is longer than anybody's records, or that ends before it begins.
fn is_short(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let longest = |text: &str| text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let has = |units: &[&str]| units.iter().any(|unit| lower.contains(unit));
    let span = has(&["year", "yr", "mon", "week", "day", "hour", "min", "sec", "dec", "cent", "mill"])
        && !lower.contains('/');
    let most = if has(&["year", "yr", "dec", "cent", "mill"]) { 3 } else { MOST_DIGITS };
    !span || (longest(text) < most && !text.contains('-'))
}
