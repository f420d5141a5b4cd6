//! Whether a WHERE clause bounds what an UPDATE or DELETE touches.
//!
//! A predicate bounds when it says something about a column of the target that may be false for some rows. Known
//! tautologies do not, nor does what cannot be told: the question is answered to the side of caution.

mod columns;
mod ranges;
mod trivial;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, GroupByExpr, ObjectNamePart, Query, SelectItem, SetExpr,
    TableFactor, UnaryOperator, Value, ValueWithSpan,
};

use crate::shape;
use columns::Mentions;
use ranges::Ranges;
use trivial::{is_everything, is_place, is_trivial};

/// The table that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Its own name.
    pub(crate) table: &'a str,
    /// The name that it goes by in the statement.
    pub(crate) name: &'a str,
    /// Which columns are taken for its own.
    columns: Own,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Own {
    /// All.
    Any,
    /// Those behind its name.
    Named,
    /// Those behind its name and the bare ones.
    NamedOrBare,
}

impl<'a> Target<'a> {
    pub(crate) fn new(table: &'a str, alias: Option<&'a str>) -> Self {
        Self { table, name: alias.unwrap_or(table), columns: Own::NamedOrBare }
    }
}

/// Whether `predicate` may be false for some rows of the target.
pub(crate) fn is_bounding(predicate: &Expr, target: &Target<'_>) -> bool {
    matches!(judge(predicate, false, target), Verdict::Never | Verdict::Some)
}

/// For which rows a condition holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    /// For all, or nearly.
    Always,
    /// For none.
    Never,
    /// For those with certain values.
    Some,
    /// Not told.
    Unknown,
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::Always, Self::Always) => Self::Always,
            _ => Self::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Never, Self::Never) => Self::Never,
            _ => Self::Some,
        }
    }
}

/// Judges `expression`, or its opposite when `negated`.
fn judge(expression: &Expr, negated: bool, target: &Target<'_>) -> Verdict {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => judge(inner, negated, target),
        Expr::IsTrue(inner) | Expr::IsNotFalse(inner) => judge(inner, negated, target),
        Expr::IsFalse(inner) | Expr::IsNotTrue(inner) => judge(inner, !negated, target),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => judge(expr, !negated, target),
        Expr::Value(ValueWithSpan { value, .. }) => judge_value(value, negated),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            some_if(Mentions::of(expression, target).bounds())
        }
        Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => {
            judge_chain(expression, negated, target)
        }
        Expr::BinaryOp { left, op, right } => judge_comparison(left, op, right, negated, target),
        Expr::IsNotDistinctFrom(left, right) => {
            judge_comparison(left, &BinaryOperator::Eq, right, negated, target)
        }
        Expr::IsDistinctFrom(left, right) => {
            judge_comparison(left, &BinaryOperator::NotEq, right, negated, target)
        }
        // A comparison is hardly ever null, so only a plain column tells rows apart by being null.
        Expr::IsNull(inner) | Expr::IsNotNull(inner) | Expr::IsUnknown(inner) | Expr::IsNotUnknown(inner) => {
            some_if(is_column(inner) && !is_place(inner) && Mentions::of(inner, target).bounds())
        }
        Expr::InList { expr, list, negated: _ } => judge_list(expr, list, target),
        Expr::InSubquery { expr, subquery, negated: not } => {
            let about = !is_condition(expr) && Mentions::of(expr, target).bounds();
            some_if(about && narrows(subquery, negated != *not, target))
        }
        Expr::Between { expr, low, high, .. } => {
            let column = Mentions::of(expr, target);
            let apart =
                column.is_apart(&Mentions::of(low, target)) && column.is_apart(&Mentions::of(high, target));
            let told = !is_condition(expr) && !is_place(expr) && !is_everything(low, high);
            some_if(column.bounds() && apart && told)
        }
        Expr::Like { expr, pattern, negated: not, .. }
        | Expr::ILike { expr, pattern, negated: not, .. }
        | Expr::SimilarTo { expr, pattern, negated: not, .. } => {
            if is_any_pattern(pattern) {
                return if negated == *not { Verdict::Always } else { Verdict::Never };
            }
            judge_pair(expr, pattern, target)
        }
        // `id <> ANY ('{1,2}')` holds for every row, as does `id = ALL ('{}')`.
        Expr::AnyOp { left, compare_op, right, is_some: _ } if !is_negation(compare_op) => {
            judge_any(left, right, negated, target)
        }
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => {
            judge_any(left, right, !negated, target)
        }
        Expr::Exists { subquery, negated: not } => some_if(negated == *not && correlates(subquery, target)),
        Expr::Function(function) => {
            // What turns a condition or a constant into another is not told.
            let turns = match function.name.0.last() {
                Some(ObjectNamePart::Identifier(name)) => {
                    matches!(
                        name.value.as_str(),
                        "coalesce"
                            | "nullif"
                            | "greatest"
                            | "least"
                            | "random"
                            | "num_nulls"
                            | "num_nonnulls"
                    )
                }
                _ => true,
            };
            let plain = matches!(function.args, FunctionArguments::List(_));
            some_if(!turns && plain && Mentions::of(expression, target).bounds())
        }
        _ => Verdict::Unknown,
    }
}

fn some_if(condition: bool) -> Verdict {
    if condition { Verdict::Some } else { Verdict::Unknown }
}

fn judge_value(value: &Value, negated: bool) -> Verdict {
    let text = match value {
        Value::Boolean(value) => return constant(*value, negated),
        Value::Null => return Verdict::Never,
        Value::SingleQuotedString(text) => text.trim().to_ascii_lowercase(),
        Value::Number(text, _) => match shape::value(text) {
            Some(text) => text.to_owned(),
            None => return Verdict::Unknown,
        },
        _ => return Verdict::Unknown,
    };
    match text.as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => constant(true, negated),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => constant(false, negated),
        _ => Verdict::Unknown,
    }
}

fn constant(value: bool, negated: bool) -> Verdict {
    if value == negated { Verdict::Never } else { Verdict::Always }
}

/// AND and OR, flattened along the left edge; under NOT they change places.
fn judge_chain(expression: &Expr, negated: bool, target: &Target<'_>) -> Verdict {
    let is_or = |op: &BinaryOperator| (*op == BinaryOperator::Or) != negated;
    let Expr::BinaryOp { op: top, .. } = expression else { return Verdict::Unknown };
    let mut parts = Vec::new();
    let mut rest = expression;
    while let Expr::BinaryOp { left, op, right } = rest {
        if op != top {
            break;
        }
        parts.push(right.as_ref());
        rest = left;
        while let Expr::Nested(inner) = rest {
            rest = inner;
        }
    }
    parts.push(rest);
    let verdicts = parts.iter().map(|part| judge(part, negated, target));
    if !is_or(top) {
        return verdicts.fold(Verdict::Always, Verdict::and);
    }
    let verdict = verdicts.fold(Verdict::Never, Verdict::or);
    // Alternatives that bound one by one may cover everything together.
    let mut ranges = Ranges::default();
    for part in &parts {
        ranges.add(part, negated);
    }
    if verdict == Verdict::Some && ranges.cover_all() { Verdict::Always } else { verdict }
}

fn judge_comparison(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
    negated: bool,
    target: &Target<'_>,
) -> Verdict {
    let pattern = matches!(
        op,
        BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch
    );
    if pattern && is_any_pattern(right) {
        return constant(true, negated);
    }
    match op {
        // `active = true` is `active`.
        BinaryOperator::Eq if is_true(right) => judge(left, negated, target),
        BinaryOperator::Eq if is_true(left) => judge(right, negated, target),
        // Arithmetic and other values as conditions.
        BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide => {
            Verdict::Unknown
        }
        _ if is_trivial(left, op, right, negated) => Verdict::Unknown,
        _ => judge_pair(left, right, target),
    }
}

/// A comparison of some kind: about a column of the target, and not of something with itself.
fn judge_pair(left: &Expr, right: &Expr, target: &Target<'_>) -> Verdict {
    if is_condition(left) || is_condition(right) {
        return Verdict::Unknown;
    }
    let (one, two) = (Mentions::of(left, target), Mentions::of(right, target));
    some_if((one.bounds() || two.bounds()) && one.is_apart(&two))
}

/// `x IN (…)` and its opposite.
fn judge_list(expression: &Expr, list: &[Expr], target: &Target<'_>) -> Verdict {
    let column = Mentions::of(expression, target);
    let apart = list.iter().all(|value| column.is_apart(&Mentions::of(value, target)));
    let truths = list.iter().any(is_true);
    some_if(column.bounds() && apart && !truths && !is_condition(expression))
}

/// `x = ANY (…)`; when `negated`, or with ALL, an empty list makes it true for every row.
fn is_negation(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::NotEq
            | BinaryOperator::PGRegexNotMatch
            | BinaryOperator::PGRegexNotIMatch
            | BinaryOperator::PGNotLikeMatch
            | BinaryOperator::PGNotILikeMatch
    )
}

fn judge_any(left: &Expr, right: &Expr, negated: bool, target: &Target<'_>) -> Verdict {
    let mut list = right;
    while let Expr::Nested(inner) | Expr::Cast { expr: inner, .. } = list {
        list = inner;
    }
    match list {
        Expr::Subquery(query) => {
            let about = !is_condition(left) && Mentions::of(left, target).bounds();
            some_if(about && narrows(query, negated, target))
        }
        Expr::Array(array) if !array.elem.is_empty() => judge_pair(left, right, target),
        _ if negated => Verdict::Unknown,
        _ => judge_pair(left, right, target),
    }
}

/// Whether the rows of an IN subquery leave rows of the target out.
fn narrows(query: &Query, negated: bool, target: &Target<'_>) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let inner = Target { columns: Own::Any, ..*target };
    let selection = select.selection.as_ref().map(|selection| judge(selection, false, &inner));
    let mut factors = select
        .from
        .iter()
        .flat_map(|item| std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)));
    let others = factors.all(|factor| match factor {
        TableFactor::Table { name, args: None, .. } => last(name) != target.table,
        _ => false,
    });
    match selection {
        Some(Verdict::Some) => !negated || others,
        // Without a condition: the rows of another table.
        None => !select.from.is_empty() && others,
        Some(Verdict::Always | Verdict::Never | Verdict::Unknown) => false,
    }
}

fn last(name: &sqlparser::ast::ObjectName) -> &str {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => &ident.value,
        _ => "",
    }
}

/// Whether a subquery depends on the row of the target: its condition says something about the target by name.
fn correlates(query: &Query, target: &Target<'_>) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let named = Target { columns: Own::Named, ..*target };
    // An aggregate gives a row also where none matches.
    let groups =
        matches!(&select.group_by, GroupByExpr::Expressions(expressions, _) if !expressions.is_empty());
    let plain = select.projection.iter().all(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            groups || matches!(expr, Expr::Value(_)) || is_column(expr)
        }
        _ => true,
    });
    plain
        && select.selection.as_ref().is_some_and(|selection| judge(selection, false, &named) == Verdict::Some)
}

fn is_column(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_column(inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        _ => false,
    }
}

fn is_true(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_true(inner),
        Expr::Value(ValueWithSpan { value: Value::Boolean(value), .. }) => *value,
        _ => false,
    }
}

/// Whether the value of an expression is a truth value of some comparison.
fn is_condition(expression: &Expr) -> bool {
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

/// A pattern that everything matches.
fn is_any_pattern(pattern: &Expr) -> bool {
    match pattern {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_any_pattern(inner),
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
            text.chars().all(|character| matches!(character, '%' | '.' | '*' | '^' | '$'))
        }
        _ => false,
    }
}
