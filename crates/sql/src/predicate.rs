//! Whether a WHERE clause bounds what an UPDATE or DELETE touches.
//!
//! A predicate bounds when it says something about a column of the target that is false for rows with other values. It
//! must be of a shape that is known to: what is only not known to hold always does not bound.

mod bound;
mod calls;
mod cast;
mod columns;
mod condition;
mod grain;
mod part;
mod pattern;
mod ranges;
mod subquery;
mod target;
mod trivial;
mod verdict;

use sqlparser::ast::{BinaryOperator, DataType, Expr, Function, UnaryOperator, Value, ValueWithSpan};

use crate::shape;
use calls::{call, text};
use columns::Mentions;
use condition::{
    is_call_of, is_column, is_condition, is_content, is_either, is_either_of_texts, is_field, meant_text,
    truth,
};
use grain::{Grain, grain, is_telling_equal, is_telling_list, is_telling_order};
use pattern::{Kind, is_plain_escape, matches};
use ranges::Ranges;
use subquery::{correlates, is_listed, narrows};
use trivial::{is_everything, is_place, is_trivial};
use verdict::Verdict;

pub(crate) use part::{Part, part_of};
pub(crate) use subquery::{factors, is_list, is_plain};
pub(crate) use target::{Company, Target};

/// Whether `predicate` may be false for some rows of the target.
pub(crate) fn is_bounding(predicate: &Expr, target: &Target<'_>) -> bool {
    // Beside another table a bare column may be that one's.
    let columns = if target.company.joined { target::Own::Named } else { target.columns };
    let target = Target { columns, ..*target };
    matches!(judge(predicate, false, &target), Verdict::Never | Verdict::Some)
}

/// Whether alternatives together leave nothing out, as far as they tell.
pub(crate) fn cover_all(alternatives: &[&Expr]) -> bool {
    let mut ranges = Ranges::default();
    for alternative in alternatives {
        ranges.add(alternative, false);
    }
    ranges.cover_all()
}

/// Judges `expression`, or its opposite when `negated`.
fn judge(expression: &Expr, negated: bool, target: &Target<'_>) -> Verdict {
    match expression {
        Expr::Nested(inner) => judge(inner, negated, target),
        Expr::Cast { expr: inner, .. } if matches!(**inner, Expr::Value(_)) || is_condition(inner) => {
            judge(inner, negated, target)
        }
        // `(data ->> 'active')::bool`
        Expr::Cast { expr: inner, data_type: DataType::Bool | DataType::Boolean, .. } if is_field(inner) => {
            Verdict::some_if(Mentions::of(inner, target).bounds())
        }
        Expr::IsTrue(inner) => judge_truth(inner, true, !negated, target),
        Expr::IsNotTrue(inner) => judge_truth(inner, true, negated, target),
        Expr::IsFalse(inner) => judge_truth(inner, false, !negated, target),
        Expr::IsNotFalse(inner) => judge_truth(inner, false, negated, target),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => judge(expr, !negated, target),
        Expr::Value(ValueWithSpan { value, .. }) => judge_value(value, negated),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            Verdict::some_if(Mentions::of(expression, target).bounds())
        }
        Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => {
            judge_chain(expression, negated, target)
        }
        Expr::BinaryOp { left, op, right } => judge_comparison(left, op, right, negated, target),
        Expr::IsNotDistinctFrom(left, right) => judge_distinct(left, right, !negated, target),
        Expr::IsDistinctFrom(left, right) => judge_distinct(left, right, negated, target),
        Expr::IsNull(inner) | Expr::IsUnknown(inner) => judge_null(inner, negated, target),
        Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => judge_null(inner, !negated, target),
        // The opposites of these leave out what they name, which is next to nothing.
        Expr::InList { expr, list, negated: not } if negated == *not => judge_list(expr, list, target),
        Expr::InSubquery { expr, subquery, negated: not } if negated == *not => {
            let about = !is_condition(expr) && Mentions::of(expr, target).bounds();
            Verdict::some_if(about && grain(expr) == Grain::Fine && narrows(expr, subquery, target))
        }
        Expr::Between { expr, low, high, negated: not } if negated == *not => {
            judge_between(expr, low, high, target)
        }
        Expr::Like { expr, pattern, negated: not, any: false, escape_char }
        | Expr::ILike { expr, pattern, negated: not, any: false, escape_char }
            if negated == *not && is_plain_escape(escape_char.as_deref()) =>
        {
            judge_pattern(expr, pattern, Kind::Like, target)
        }
        Expr::SimilarTo { expr, pattern, negated: not, escape_char: None } if negated == *not => {
            judge_pattern(expr, pattern, Kind::Similar, target)
        }
        // `id <> ANY ('{1,2}')` holds for every row, as does `id = ALL ('{}')`.
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, is_some: _ } if !negated => {
            judge_any(left, right, target)
        }
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } if negated => {
            judge_any(left, right, target)
        }
        Expr::Exists { subquery, negated: not } => {
            Verdict::some_if(negated == *not && correlates(subquery, target))
        }
        // `coalesce(active, false)`, whatever it is for those that do not have it.
        Expr::Function(function) if is_call_of(function, &["coalesce"]) => match call(function) {
            Some((_, arguments)) => match arguments.as_slice() {
                [column, other] if is_column(column) && truth(other).is_some() => {
                    judge(column, negated, target)
                }
                _ => Verdict::Unknown,
            },
            None => Verdict::Unknown,
        },
        Expr::Function(function) if !negated => judge_call(function, target),
        _ => Verdict::Unknown,
    }
}

/// `expression IS value` where `same`, else `expression IS NOT value`, which holds where it is null as well. What is null
/// for every row is easily made; of a column it is not known.
fn judge_truth(expression: &Expr, value: bool, same: bool, target: &Target<'_>) -> Verdict {
    if same || is_column(expression) { judge(expression, value != same, target) } else { Verdict::Unknown }
}

/// `left IS NOT DISTINCT FROM right` where `same`, else its opposite.
fn judge_distinct(left: &Expr, right: &Expr, same: bool, target: &Target<'_>) -> Verdict {
    match (truth(left), truth(right)) {
        (_, Some(value)) => judge_truth(left, value, same, target),
        (Some(value), None) => judge_truth(right, value, same, target),
        (None, None) => judge_comparison(left, &BinaryOperator::Eq, right, !same, target),
    }
}

fn judge_value(value: &Value, negated: bool) -> Verdict {
    let meant = match value {
        Value::Boolean(value) => Some(*value),
        Value::Null => return Verdict::Never,
        Value::SingleQuotedString(text) => meant_text(text),
        Value::Number(text, _) => shape::value(text).and_then(meant_text),
        _ => None,
    };
    meant.map_or(Verdict::Unknown, |value| Verdict::constant(value, negated))
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
    let equal = (*op == BinaryOperator::Eq && !negated) || (*op == BinaryOperator::NotEq && negated);
    match op {
        // `active = true` is `active`, `active <> true` is its opposite.
        BinaryOperator::Eq | BinaryOperator::NotEq if truth(left).is_some() || truth(right).is_some() => {
            let (side, value) = match truth(right) {
                Some(value) => (left, value),
                None => (right, truth(left).unwrap_or(true)),
            };
            judge(side, value != equal, target)
        }
        // All but one are all.
        BinaryOperator::Eq | BinaryOperator::NotEq if !equal => Verdict::Unknown,
        BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::Gt
        | BinaryOperator::GtEq
        | BinaryOperator::Lt
        | BinaryOperator::LtEq => {
            if is_trivial(left, op, right, negated) {
                return Verdict::Unknown;
            }
            judge_pair(left, right, equal, target)
        }
        BinaryOperator::PGRegexMatch | BinaryOperator::PGRegexIMatch if !negated => {
            judge_pattern(left, right, Kind::Regex, target)
        }
        BinaryOperator::PGRegexNotMatch | BinaryOperator::PGRegexNotIMatch if negated => {
            judge_pattern(left, right, Kind::Regex, target)
        }
        BinaryOperator::PGLikeMatch | BinaryOperator::PGILikeMatch if !negated => {
            judge_pattern(left, right, Kind::Like, target)
        }
        BinaryOperator::PGNotLikeMatch | BinaryOperator::PGNotILikeMatch if negated => {
            judge_pattern(left, right, Kind::Like, target)
        }
        BinaryOperator::PGStartsWith if !negated => judge_pattern(left, right, Kind::Start, target),
        BinaryOperator::AtAt if !negated => Verdict::some_if(asks_for_words(left, right, target)),
        BinaryOperator::AtArrow
        | BinaryOperator::Question
        | BinaryOperator::QuestionAnd
        | BinaryOperator::QuestionPipe
            if !negated =>
        {
            Verdict::some_if(contains(left, right, target))
        }
        BinaryOperator::ArrowAt if !negated => Verdict::some_if(contains(right, left, target)),
        BinaryOperator::PGOverlap if !negated => {
            let some =
                |it: &Expr| matches!(it, Expr::Array(_)) || text(it).is_some_and(|it| it.starts_with('{'));
            let either = [(left, right), (right, left)];
            Verdict::some_if(either.iter().any(|(side, it)| some(it) && contains(side, it, target)))
        }
        // Arithmetic and other values as conditions, operators that anybody may have made.
        _ => Verdict::Unknown,
    }
}

/// A comparison of some kind: about a column of the target, and not of something with itself.
fn judge_pair(left: &Expr, right: &Expr, equal: bool, target: &Target<'_>) -> Verdict {
    if is_condition(left) || is_condition(right) {
        return Verdict::Unknown;
    }
    let (one, two) = (Mentions::of(left, target), Mentions::of(right, target));
    let about = (one.bounds() && !two.is_untold()) || (two.bounds() && !one.is_untold());
    let tells = if equal { is_telling_equal } else { is_telling_order };
    if two.is_constant() {
        return Verdict::some_if(about && tells(left, right));
    }
    if one.is_constant() {
        return Verdict::some_if(about && tells(right, left));
    }
    // What is coarse on both sides may be the same for all.
    if [left, right].iter().any(|side| grain(side) != Grain::Fine && !(equal && grain(side) == Grain::Joined))
    {
        return Verdict::Unknown;
    }
    // Of rows that are the target's own, every row finds one that is like it, or that it is not less than.
    let itself = one.has_stand_in() || two.has_stand_in();
    let maybe = !target.company.stand_ins.is_empty() && (one.has_bare() || two.has_bare());
    // How two columns of a row are ordered may be the same in all: `updated >= created`.
    Verdict::some_if(about && one.is_apart(&two) && !itself && !maybe && equal)
}

/// `x IS NULL`. That a column is not null says nearly nothing, and a comparison hardly ever is.
fn judge_null(inner: &Expr, negated: bool, target: &Target<'_>) -> Verdict {
    let about = is_column(inner) && !is_place(inner) && Mentions::of(inner, target).bounds();
    Verdict::some_if(about && !negated)
}

fn judge_pattern(left: &Expr, pattern: &Expr, kind: Kind, target: &Target<'_>) -> Verdict {
    let column = Mentions::of(left, target);
    let told = matches(left, pattern, kind) && !is_condition(left);
    Verdict::some_if(told && column.bounds() && Mentions::of(pattern, target).is_constant())
}

/// A column that contains something, or a part of one.
fn contains(side: &Expr, other: &Expr, target: &Target<'_>) -> bool {
    (is_column(side) || is_field(side)) && is_content(other) && {
        Mentions::of(other, target).is_constant() && Mentions::of(side, target).bounds()
    }
}

/// `to_tsvector(b) @@ to_tsquery('x')`, without a word that must not be there.
fn asks_for_words(left: &Expr, right: &Expr, target: &Target<'_>) -> bool {
    let words = match left {
        Expr::Function(function) => call(function).is_some_and(|(name, _)| name == "to_tsvector"),
        _ => is_column(left),
    };
    let query = match right {
        Expr::Function(function) => call(function),
        _ => None,
    };
    let asked = query.is_some_and(|(name, arguments)| {
        let words = arguments.last().and_then(|words| text(words));
        match name {
            "plainto_tsquery" | "phraseto_tsquery" => true,
            "to_tsquery" | "websearch_to_tsquery" => words.is_some_and(|it| !it.contains(['!', '-'])),
            _ => false,
        }
    });
    words && asked && Mentions::of(left, target).bounds() && Mentions::of(right, target).is_constant()
}

fn judge_between(expr: &Expr, low: &Expr, high: &Expr, target: &Target<'_>) -> Verdict {
    let column = Mentions::of(expr, target);
    let constant = Mentions::of(low, target).is_constant() && Mentions::of(high, target).is_constant();
    let told = !is_condition(expr) && !is_place(expr);
    let told = told && is_telling_order(expr, low) && is_telling_order(expr, high);
    let leaves = !is_everything(low, high)
        && (is_column(expr) || !is_trivial(expr, &BinaryOperator::GtEq, low, false));
    Verdict::some_if(column.bounds() && constant && told && leaves)
}

/// `x IN (…)`.
fn judge_list(expression: &Expr, list: &[Expr], target: &Target<'_>) -> Verdict {
    let column = Mentions::of(expression, target);
    let values = list.iter().all(|value| {
        let mentions = Mentions::of(value, target);
        !is_condition(value)
            && !mentions.is_untold()
            && column.is_apart(&mentions)
            && (mentions.is_constant() || (mentions.is_of_target() && !target.company.joined))
    });
    let told = is_telling_list(expression, list) && !is_either(list) && !is_condition(expression);
    Verdict::some_if(column.bounds() && values && told)
}

/// `x = ANY (…)`.
fn judge_any(left: &Expr, right: &Expr, target: &Target<'_>) -> Verdict {
    let mut list = right;
    while let Expr::Nested(inner) | Expr::Cast { expr: inner, .. } = list {
        list = inner;
    }
    match list {
        Expr::Subquery(query) => {
            let about = !is_condition(left) && Mentions::of(left, target).bounds();
            Verdict::some_if(about && grain(left) == Grain::Fine && narrows(left, query, target))
        }
        Expr::Array(array) if !array.elem.is_empty() => judge_list(left, &array.elem, target),
        // Of what a function makes: it may be everything.
        Expr::Function(_) if !is_listed(list) => Verdict::Unknown,
        // The list is not seen: of a parameter, a text, a column.
        _ if text(list).is_some_and(is_either_of_texts) => Verdict::Unknown,
        _ if grain(left) != Grain::Fine => Verdict::Unknown,
        _ => judge_pair(left, right, true, target),
    }
}

/// A function as a condition.
fn judge_call(function: &Function, target: &Target<'_>) -> Verdict {
    match call(function) {
        Some(("starts_with", arguments)) => match arguments.as_slice() {
            [text, start] => judge_pattern(text, start, Kind::Start, target),
            _ => Verdict::Unknown,
        },
        Some(("regexp_like", arguments)) => match arguments.as_slice() {
            // Other flags read the pattern in other ways.
            [subject, pattern, flags] if text(flags).is_some_and(|it| matches!(it, "" | "c" | "i")) => {
                judge_pattern(subject, pattern, Kind::Regex, target)
            }
            [subject, pattern] => judge_pattern(subject, pattern, Kind::Regex, target),
            _ => Verdict::Unknown,
        },
        _ => Verdict::Unknown,
    }
}
