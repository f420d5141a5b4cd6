//! How finely a side of a comparison tells rows apart. What has few values, or may be the same part of all, leaves
//! rows out in fewer comparisons than a column does.

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr, Value, ValueWithSpan};

use super::bound::is_plain_bound;
use super::calls::{call, is_amount, text};
use super::condition::{is_column, is_empty};
use super::trivial::{exact_number, is_infinite};

/// A list about what has few values, of unknown number, is shorter.
const FEW: usize = 4;
/// Beyond it remainders are not counted.
const MOST_REMAINDERS: u32 = 1000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Grain {
    /// Like the column that it is made of; also constants.
    Fine,
    /// The column with something added: every `b || 'x'` ends with x.
    Joined,
    /// A part of the column, which may be the empty part of all.
    Part,
    /// How much there is of it: `length(b)`.
    Amount,
    /// One of a handful: `id % 10`, `extract(month FROM d)`.
    Few,
}

/// Of an expression as a whole. What is made of a coarse one is not told (see `Mentions`).
pub(super) fn grain(expression: &Expr) -> Grain {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            grain(inner)
        }
        Expr::Substring { .. } | Expr::Overlay { .. } => Grain::Part,
        Expr::Position { .. } => Grain::Amount,
        Expr::Extract { field, .. } => of_unit(&field.to_string()),
        Expr::BinaryOp { op: BinaryOperator::StringConcat, .. } => Grain::Joined,
        Expr::BinaryOp { op: BinaryOperator::Modulo | BinaryOperator::BitwiseAnd, .. } => Grain::Few,
        Expr::Function(function) => match call(function) {
            Some((name, arguments)) => of_call(name, &arguments),
            None => Grain::Fine,
        },
        _ => Grain::Fine,
    }
}

fn of_call(name: &str, arguments: &[&Expr]) -> Grain {
    match name {
        "left" | "right" | "split_part" | "substr" | "substring" => Grain::Part,
        // Every `md5(b)` is greater than '0'.
        "concat" | "concat_ws" | "crypt" | "digest" | "encode" | "md5" | "sha256" => Grain::Joined,
        "mod" => Grain::Few,
        "date_part" => arguments.first().and_then(|unit| text(unit)).map_or(Grain::Few, of_unit),
        _ if is_amount(name) => Grain::Amount,
        _ => Grain::Fine,
    }
}

fn of_unit(unit: &str) -> Grain {
    let endless = [DateTimeField::Year, DateTimeField::Isoyear, DateTimeField::Epoch, DateTimeField::Julian];
    if endless.iter().any(|endless| endless.to_string().eq_ignore_ascii_case(unit)) {
        Grain::Fine
    } else {
        Grain::Few
    }
}

/// Whether a side leaves rows out where it must be equal to a constant.
pub(super) fn is_telling_equal(side: &Expr, constant: &Expr) -> bool {
    match grain(side) {
        // `a + 'NaN'` is NaN for all.
        Grain::Fine => is_column(side) || !is_infinite(constant),
        Grain::Joined => true,
        Grain::Part => is_literal(constant) && text(constant).is_some_and(|text| !text.trim().is_empty()),
        // A text that is not found is at zero.
        Grain::Amount if is_place_in(side) => exact_number(constant).is_some_and(|place| place >= 1.0),
        Grain::Amount | Grain::Few => is_literal(constant),
    }
}

fn is_place_in(side: &Expr) -> bool {
    match side {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_place_in(inner),
        Expr::Position { .. } => true,
        Expr::Function(function) => call(function).is_some_and(|(name, _)| name == "strpos"),
        _ => false,
    }
}

/// Whether it does where it must be less or greater.
pub(super) fn is_telling_order(side: &Expr, constant: &Expr) -> bool {
    match grain(side) {
        Grain::Fine => {
            let bound = !is_empty(constant) && !is_end_of_texts(constant) && is_plain_bound(constant);
            bound && !is_loose(side)
        }
        Grain::Amount if is_place_in(side) => is_literal(constant),
        // Nearly every text has a letter.
        Grain::Amount => exact_number(constant).is_some_and(|amount| amount >= 2.0) || is_parameter(constant),
        Grain::Joined | Grain::Part | Grain::Few => false,
    }
}

/// Whether it does where it must be one of these.
pub(super) fn is_telling_list(side: &Expr, list: &[Expr]) -> bool {
    let coarse = matches!(grain(side), Grain::Amount | Grain::Few);
    (!coarse || list.len() < values(side)) && list.iter().all(|value| is_telling_equal(side, value))
}

/// How many values what has few may have, as far as that is told.
fn values(side: &Expr) -> usize {
    let remainders = |divisor: &Expr| {
        let divisors = 2..MOST_REMAINDERS;
        let divisor = exact_number(divisor);
        divisors.take_while(|&most| divisor.is_some_and(|divisor| f64::from(most) <= divisor)).count()
    };
    match side {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => values(inner),
        Expr::BinaryOp { op: BinaryOperator::Modulo, right, .. } => remainders(right).saturating_add(1),
        Expr::Function(function) => match call(function) {
            Some(("mod", arguments)) => arguments.get(1).map_or(0, |it| remainders(it).saturating_add(1)),
            Some(_) => FEW,
            None => 0,
        },
        Expr::Extract { .. } => FEW,
        _ => 0,
    }
}

/// Rows are ordered by their first column, which may be the same for all.
fn is_loose(side: &Expr) -> bool {
    match side {
        Expr::Nested(inner) => is_loose(inner),
        Expr::Tuple(_) => true,
        _ => false,
    }
}

/// `'zzz'`, `' '`: what all texts come before or after, unless it is a date or a number.
fn is_end_of_texts(constant: &Expr) -> bool {
    text(constant).is_some_and(|text| {
        let text = text.trim();
        let day = ["now", "today", "tomorrow", "yesterday"].iter().any(|day| text.eq_ignore_ascii_case(day));
        !day && !text.trim_start_matches(['-', '+', '$', '.']).starts_with(|c: char| c.is_ascii_digit())
    })
}

fn is_parameter(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_parameter(inner),
        Expr::Value(ValueWithSpan { value, span: _ }) => matches!(value, Value::Placeholder(_)),
        _ => false,
    }
}

/// A value that stands in the text, or a parameter.
pub(super) fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::Collate { expr: inner, .. }
        | Expr::UnaryOp { expr: inner, .. } => is_literal(inner),
        Expr::TypedString(_) => true,
        Expr::Value(ValueWithSpan { value, span: _ }) => !matches!(value, Value::Boolean(_) | Value::Null),
        _ => false,
    }
}
