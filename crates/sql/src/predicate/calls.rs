//! Functions of a column that tell its rows apart. Any other may have the same value for all: `power(id, 0)`,
//! `num_nulls(id)`, `pg_typeof(id)`.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart, Value, ValueWithSpan,
};

use super::condition::{is_column, is_empty, is_field};

/// Sorted. Of one column, and constants.
const TELLING: &[&str] = &[
    "abs",
    "age",
    "btrim",
    "ceil",
    "ceiling",
    "coalesce",
    "concat",
    "concat_ws",
    "crypt",
    "date",
    "date_part",
    "date_trunc",
    "digest",
    "encode",
    "extract",
    "floor",
    "initcap",
    "json_extract_path",
    "json_extract_path_text",
    "jsonb_extract_path",
    "jsonb_extract_path_text",
    "left",
    "lower",
    "ltrim",
    "md5",
    "mod",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sha256",
    "split_part",
    "strpos",
    "substr",
    "substring",
    "timezone",
    "to_date",
    "to_timestamp",
    "to_tsvector",
    "trim",
    "trunc",
    "unaccent",
    "upper",
];

/// Units of time that are not the same for all rows of a table.
const UNITS: [&str; 12] =
    ["day", "days", "dow", "doy", "epoch", "isodow", "isoyear", "month", "months", "quarter", "week", "year"];

pub(super) fn name(parts: &[ObjectNamePart]) -> Option<&str> {
    match parts.last() {
        Some(ObjectNamePart::Identifier(name)) => Some(&name.value),
        _ => None,
    }
}

/// The function's name and its arguments, where it is called by PostgreSQL's own name with plain ones.
pub(super) fn call(function: &Function) -> Option<(&str, Vec<&Expr>)> {
    let own = match function.name.0.as_slice() {
        [_] => true,
        [ObjectNamePart::Identifier(schema), _] => schema.value == "pg_catalog",
        _ => false,
    };
    let FunctionArguments::List(list) = &function.args else { return None };
    let plain = function.over.is_none() && function.filter.is_none() && list.clauses.is_empty();
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    });
    let arguments: Vec<_> = arguments.collect::<Option<_>>()?;
    (own && plain).then_some((name(&function.name.0)?, arguments))
}

/// Whether rows with another column mostly have another value of it.
pub(super) fn tells(name: &str, arguments: &[&Expr]) -> bool {
    let unit = |unit: Option<&&Expr>| unit.is_some_and(|unit| text(unit).is_some_and(is_unit));
    match name {
        "date_part" | "date_trunc" => unit(arguments.first()),
        "round" | "trunc" => arguments.len() == 1,
        // What is trimmed away may be everything.
        "btrim" | "ltrim" | "rtrim" | "trim" => arguments.get(1).is_none_or(|letters| is_one_letter(letters)),
        // Only what stands between.
        "concat_ws" => arguments.first().is_some_and(|between| text(between).is_some()),
        // A template without a part of a date reads nothing.
        "to_date" | "to_timestamp" => {
            arguments.get(1).is_none_or(|template| text(template).is_some_and(has_part_of_date))
        }
        // Anything behind a constant that is not null.
        "coalesce" => arguments.first().is_some_and(|first| is_column(first) || is_field(first)),
        "strpos" => arguments.get(1).is_some_and(|needle| !is_empty(needle)),
        // `length(md5(b))`, `length(id::char)`
        _ if is_amount(name) && name != "strpos" => arguments.first().is_some_and(|it| {
            matches!(it, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) || is_field(it)
        }),
        _ => TELLING.binary_search(&name).is_ok(),
    }
}

/// Whether a constant is at most one letter.
pub(super) fn is_one_letter(letters: &Expr) -> bool {
    text(letters).is_some_and(|letters| letters.chars().count() <= 1)
}

fn has_part_of_date(template: &str) -> bool {
    let template = template.to_ascii_uppercase();
    ["DD", "MM", "MON", "YY"].iter().any(|part| template.contains(part))
}

/// Whether a function tells how much there is of something.
pub(super) fn is_amount(name: &str) -> bool {
    matches!(
        name,
        "array_length"
            | "bit_length"
            | "cardinality"
            | "char_length"
            | "character_length"
            | "json_array_length"
            | "jsonb_array_length"
            | "length"
            | "octet_length"
            | "strpos"
    )
}

pub(super) fn is_unit(unit: &str) -> bool {
    UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit))
}

/// The text that a constant is.
pub(super) fn text(expression: &Expr) -> Option<&str> {
    let value = match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            return text(inner);
        }
        Expr::TypedString(typed) => &typed.value.value,
        Expr::Value(ValueWithSpan { value, span: _ }) => value,
        _ => return None,
    };
    match value {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_sorted() {
        assert!(super::TELLING.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
