//! What an expression is: a plain column, a constant, the truth value of a comparison.

use sqlparser::ast::{BinaryOperator, Expr, Function, UnaryOperator, Value, ValueWithSpan};

use super::bound::is_time;
use super::calls::{call, text};
use super::grain::is_literal;

pub(super) fn is_column(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_column(inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        _ => false,
    }
}

/// Which truth value a constant is.
pub(super) fn truth(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => truth(inner),
        Expr::Value(ValueWithSpan { value: Value::Boolean(value), .. }) => Some(*value),
        _ => None,
    }
}

/// Whether the value of an expression is a truth value of some comparison.
pub(super) fn is_condition(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_condition(inner),
        Expr::BinaryOp { op, .. } => !matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
                | BinaryOperator::BitwiseAnd
                | BinaryOperator::BitwiseOr
                | BinaryOperator::PGExp
                | BinaryOperator::Arrow
                | BinaryOperator::LongArrow
                | BinaryOperator::HashArrow
                | BinaryOperator::HashLongArrow
        ),
        Expr::UnaryOp { op, .. } => *op == UnaryOperator::Not,
        Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::Exists { .. }
        | Expr::Case { .. } => true,
        _ => false,
    }
}

/// `data ->> 'k'`, `tags[1]`: a part of a column that has a name or a number.
pub(super) fn is_field(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_field(inner),
        Expr::CompoundFieldAccess { root, .. } => is_column(root),
        Expr::BinaryOp {
            left,
            op:
                BinaryOperator::Arrow
                | BinaryOperator::LongArrow
                | BinaryOperator::HashArrow
                | BinaryOperator::HashLongArrow,
            right,
        } => (is_column(left) || is_field(left)) && !is_empty(right),
        _ => false,
    }
}

/// Whether a function has one of these names.
pub(super) fn is_call_of(function: &Function, names: &[&str]) -> bool {
    call(function).is_some_and(|(name, _)| names.contains(&name))
}

fn is_now(expression: &Expr) -> bool {
    matches!(expression, Expr::Function(_)) && is_time(expression)
}

/// Whether a constant is something that a column may contain: no empty list, and no range, which may be empty.
pub(super) fn is_content(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_content(inner),
        Expr::Array(array) => !array.elem.is_empty(),
        Expr::Function(function) if is_call_of(function, &["jsonb_build_array", "jsonb_build_object"]) => {
            call(function).is_some_and(|(_, arguments)| !arguments.is_empty())
        }
        _ => {
            let range =
                text(expression).is_some_and(|it| it.trim().starts_with('(') || it.trim().ends_with(')'));
            (is_literal(expression) || is_now(expression)) && !is_empty(expression) && !range
        }
    }
}

/// Which truth value a constant is, also as a text that a boolean column is compared with.
pub(super) fn meant(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => meant(inner),
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => meant_text(text),
        _ => truth(expression),
    }
}

pub(super) fn meant_text(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Some(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Whether a list holds both of what a boolean column may be; also inside of rows.
pub(super) fn is_either(list: &[Expr]) -> bool {
    let has = |value: bool| {
        list.iter().any(|it| match it {
            Expr::Tuple(parts) => parts.iter().any(|part| truth(part).is_some()),
            _ => meant(it) == Some(value),
        })
    };
    has(true) && has(false)
}

/// The same of an array's text: `'{t,f}'`.
pub(super) fn is_either_of_texts(array: &str) -> bool {
    let parts = || array.split(['{', '}', ',', '"']).filter_map(meant_text);
    parts().any(|value| value) && parts().any(|value| !value)
}

/// Whether an expression is a constant that holds nothing: `''`, `'{}'`, `ARRAY[]`.
pub(super) fn is_empty(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            is_empty(inner)
        }
        Expr::Array(array) => array.elem.is_empty(),
        Expr::TypedString(typed) => is_empty_text(&typed.value.value),
        Expr::Value(ValueWithSpan { value, span: _ }) => is_empty_text(value),
        _ => false,
    }
}

fn is_empty_text(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::SingleQuotedString(text) => {
            let bare = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '[' | ']' | '(' | ')' | ',');
            text.chars().all(bare) || text.trim().eq_ignore_ascii_case("empty")
        }
        _ => false,
    }
}
