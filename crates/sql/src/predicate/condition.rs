//! What an expression is: a plain column, a constant, the truth value of a comparison.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, ValueWithSpan};

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
