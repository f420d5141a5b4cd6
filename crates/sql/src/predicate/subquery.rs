//! Subqueries in a condition: whether what they give leaves rows of the target out.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, ObjectName, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableWithJoins,
};

use super::calls::name;
use super::columns::Mentions;
use super::condition::is_column;
use super::judge;
use super::target::{Company, Own, Target};
use super::verdict::Verdict;

/// What a subquery gives as a value.
pub(super) enum Given<'a> {
    /// A value of other tables.
    Another,
    /// A subquery without FROM is its list; a bare column of one with FROM may be the target's as well.
    List(Vec<&'a Expr>),
    Untold,
}

/// What the subquery gives as a value in a comparison: of `one` row, or of all in an array.
pub(super) fn given<'a>(query: &'a Query, one: bool, target: &Target<'a>) -> Given<'a> {
    let SetExpr::Select(select) = query.body.as_ref() else { return Given::Untold };
    let Some(items) = items(select) else { return Given::Untold };
    if query.with.is_some() {
        return Given::Untold;
    }
    if select.from.is_empty() {
        return Given::List(items);
    }
    let [item] = items.as_slice() else { return Given::Untold };
    // In one of the target by its own name every column is the subquery's: one value for all rows.
    let apart = one && is_itself_alone(select, target);
    if apart && is_column(item) {
        return Given::Another;
    }
    if !is_of_others(select, target) && !apart {
        return Given::Untold;
    }
    match item {
        _ if is_aggregate(item) => Given::Another,
        Expr::CompoundIdentifier(names) => match names.as_slice() {
            [.., qualifier, _] if qualifier.value != target.name => Given::Another,
            _ => Given::Untold,
        },
        // The other table may lack it: then it is the target's.
        Expr::Identifier(_) => Given::List(items),
        _ => Given::Untold,
    }
}

/// Whether the rows of an IN subquery leave rows of the target out.
pub(super) fn narrows(left: &Expr, query: &Query, target: &Target<'_>) -> bool {
    // `IN (VALUES (1), (2))`
    if let SetExpr::Values(values) = query.body.as_ref() {
        return query.with.is_none() && values.rows.iter().all(|row| row.iter().all(is_given));
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    if query.with.is_some() {
        return false;
    }
    if select.from.is_empty() {
        return items(select).is_some_and(|items| items.into_iter().all(is_listed));
    }
    if hides(select, target) {
        return false;
    }
    let company = company(select, target);
    let inner = Target { columns: Own::Any, company: &company, ..*target };
    let others = is_of_others(select, target);
    // Beside other tables the condition must be about the target's own rows.
    let inner = match itself_beside_others(select, target) {
        Beside::Alone | Beside::Others => inner,
        Beside::Once(name) => Target { name, columns: Own::Named, ..inner },
        Beside::Often => return false,
    };
    let own = factors(&select.from).all(|factor| is_whole_target(factor, target));
    let hidden = factors(&select.from).any(|factor| called(factor) == Some(target.name));
    let left = Mentions::of(left, target);
    // A common table expression is known to have it.
    let told = |column: &str| {
        let mut parts = factors(&select.from).filter_map(relation).filter_map(|relation| {
            target.company.parts.iter().find(|(name, _)| *name == relation).map(|(_, part)| part)
        });
        parts.any(|part| part.columns.contains(&column))
    };
    let is_foreign = |item: &Expr| {
        if is_aggregate(item) || is_listed(item) || matches!(item, Expr::Value(_)) {
            return true;
        }
        let item = Mentions::of(item, &inner);
        let outer = |(name, qualifier): (&str, Option<&str>)| match qualifier {
            Some(qualifier) => qualifier == target.name && !hidden,
            // What the other table lacks is the target's: `id IN (SELECT id FROM pg_type)` holds for every row.
            None => left.has_name(name) && !own && !told(name),
        };
        // What is made of no column may be any number: `row_number()`.
        !item.is_untold() && !item.is_constant() && !item.qualified().any(outer)
    };
    let stars = |item: &SelectItem| match item {
        SelectItem::Wildcard(_) => others,
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            others && factors(&select.from).any(|factor| called(factor) == Some(last(name)))
        }
        _ => false,
    };
    let told = select.projection.iter().all(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => is_foreign(expr),
        item => stars(item),
    });
    let selection = select.selection.as_ref().map(|selection| judge(selection, false, &inner));
    told && match selection {
        Some(Verdict::Some) => true,
        // Without a condition: the rows of another table.
        None => others,
        Some(Verdict::Always | Verdict::Never | Verdict::Unknown) => false,
    }
}

/// Whether a subquery depends on the row of the target: its condition says something about the target by name.
pub(super) fn correlates(query: &Query, target: &Target<'_>) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    // Groups, and an aggregate, give a row also where none matches.
    let groups = select.having.is_some()
        || !matches!(&select.group_by, GroupByExpr::Expressions(expressions, _) if expressions.is_empty());
    if query.with.is_some() || groups || !is_of_others(select, target) || hides(select, target) {
        return false;
    }
    let company = company(select, target);
    let named = Target { columns: Own::Named, company: &company, ..*target };
    let plain = select.projection.iter().all(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            matches!(expr, Expr::Value(_)) || is_column(expr)
        }
        _ => true,
    });
    plain
        && select.selection.as_ref().is_some_and(|selection| judge(selection, false, &named) == Verdict::Some)
}

/// What a condition inside of the subquery may speak of.
fn company<'a>(select: &'a Select, target: &Target<'a>) -> Company<'a> {
    let mut company = target.company.clone();
    company.joined = true;
    for factor in factors(&select.from) {
        let (Some(relation), Some(name)) = (relation(factor), called(factor)) else { continue };
        if target.is_itself(relation) && name != target.name {
            company.stand_ins.push(name);
        }
    }
    company
}

/// Everything that a FROM or USING clause reads.
pub(crate) fn factors(items: &[TableWithJoins]) -> impl Iterator<Item = &TableFactor> {
    items
        .iter()
        .flat_map(|item| std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)))
}

/// Whether it reads plain tables, and the target is none of them.
fn is_of_others(select: &Select, target: &Target<'_>) -> bool {
    factors(&select.from).all(|factor| relation(factor).is_some_and(|relation| !target.is_itself(relation)))
}

/// Whether another table goes by the target's name, so that it means that one.
fn hides(select: &Select, target: &Target<'_>) -> bool {
    factors(&select.from)
        .any(|factor| called(factor) == Some(target.name) && relation(factor) != Some(target.table))
}

/// Whether a query in FROM or WITH gives rows of plain tables, or what the text lists, and nothing that a function makes.
pub(crate) fn is_plain(query: &Query) -> bool {
    if query.with.is_some() {
        return false;
    }
    match query.body.as_ref() {
        SetExpr::Values(_) => true,
        SetExpr::Select(select) => {
            let plain = |item: &SelectItem| match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    is_column(expr) || matches!(expr, Expr::Value(_)) || is_aggregate(expr) || is_listed(expr)
                }
                _ => true,
            };
            factors(&select.from).all(|factor| relation(factor).is_some() || is_list(factor))
                && select.projection.iter().all(plain)
        }
        _ => false,
    }
}

/// Whether a FROM item lists what the text or the client gives: `unnest($1)`.
pub(crate) fn is_list(factor: &TableFactor) -> bool {
    match factor {
        // Numbers that it counts up may be any.
        TableFactor::UNNEST { with_ordinality: true, .. }
        | TableFactor::Table { with_ordinality: true, .. }
        | TableFactor::Function { with_ordinality: true, .. } => false,
        TableFactor::UNNEST { .. } => true,
        TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
            LISTS.contains(&last(name))
        }
        _ => false,
    }
}

/// Whether it is a call of a function that lists what it is given.
pub(super) fn is_listed(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_listed(inner),
        Expr::Function(function) => {
            name(&function.name.0).is_some_and(|name| LISTS.contains(&name))
                && arguments(function).all(is_given)
        }
        _ => false,
    }
}

/// Whether it stands in the text, or is the client's: no column, no query, and nothing that a function makes up.
fn is_given(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::Collate { expr: inner, .. }
        | Expr::UnaryOp { expr: inner, .. } => is_given(inner),
        Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) => true,
        Expr::Array(array) => array.elem.iter().all(is_given),
        Expr::Tuple(parts) => parts.iter().all(is_given),
        Expr::Function(_) => is_listed(expression),
        _ => false,
    }
}

/// The arguments of a call; one that is none of the plain kind is an asterisk.
fn arguments(function: &Function) -> impl Iterator<Item = &Expr> {
    let list = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        FunctionArguments::None | FunctionArguments::Subquery(_) => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    })
}

/// What stands beside the target in a subquery that reads it.
enum Beside<'a> {
    /// Nothing.
    Alone,
    /// It is not read.
    Others,
    /// Other tables; this is what it is called.
    Once(&'a str),
    /// Itself once more, and what may hold its rows.
    Often,
}

fn itself_beside_others<'a>(select: &'a Select, target: &Target<'_>) -> Beside<'a> {
    let is_itself =
        |factor: &&TableFactor| relation(factor).is_some_and(|relation| target.is_itself(relation));
    let mut itself = factors(&select.from).filter(is_itself);
    match (itself.next(), itself.next(), factors(&select.from).nth(1)) {
        (None, ..) => Beside::Others,
        (Some(_), None, None) => Beside::Alone,
        (Some(factor), None, Some(_)) => called(factor).map_or(Beside::Often, Beside::Once),
        (Some(_), Some(_), _) => Beside::Often,
    }
}

/// Whether a factor is the target, and its columns have their own names.
fn is_whole_target(factor: &TableFactor, target: &Target<'_>) -> bool {
    let renames = match factor {
        TableFactor::Table { alias: Some(alias), .. } => !alias.columns.is_empty(),
        _ => false,
    };
    !renames && relation(factor) == Some(target.table)
}

/// Functions that give what they are given, as rows or as an array.
const LISTS: [&str; 13] = [
    "json_array_elements",
    "json_array_elements_text",
    "json_populate_recordset",
    "json_to_recordset",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_populate_recordset",
    "jsonb_to_recordset",
    "regexp_split_to_array",
    "regexp_split_to_table",
    "string_to_array",
    "string_to_table",
    "unnest",
];

/// Whether it reads the target alone, by the name that the target goes by, which it hides.
fn is_itself_alone(select: &Select, target: &Target<'_>) -> bool {
    let [item] = select.from.as_slice() else { return false };
    let whole =
        |name: &ObjectName| name.0.len() == 1 && last(name) == target.table && target.table == target.name;
    let itself =
        matches!(&item.relation, TableFactor::Table { name, alias: None, args: None, .. } if whole(name));
    itself && item.joins.is_empty()
}

fn relation(factor: &TableFactor) -> Option<&str> {
    match factor {
        TableFactor::Table { name, args: None, .. } => Some(last(name)),
        _ => None,
    }
}

fn called(factor: &TableFactor) -> Option<&str> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } => Some(&alias.name.value),
        _ => relation(factor),
    }
}

/// The list of a SELECT without stars.
fn items(select: &Select) -> Option<Vec<&Expr>> {
    let mut items = Vec::with_capacity(select.projection.len());
    for item in &select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            return None;
        };
        items.push(expr);
    }
    Some(items)
}

/// An aggregate of one column in a subquery is of the subquery's own: PostgreSQL refuses one of the target's in WHERE, unless
/// something else in it is the subquery's.
fn is_aggregate(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_aggregate(inner),
        Expr::Function(function) => {
            let aggregate = |name| matches!(name, "avg" | "count" | "max" | "min" | "sum");
            let FunctionArguments::List(list) = &function.args else { return false };
            let plain = |argument: &FunctionArg| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => true,
                FunctionArg::Unnamed(FunctionArgExpr::Expr(it)) => {
                    is_column(it) || matches!(it, Expr::Value(_))
                }
                _ => false,
            };
            function.over.is_none()
                && function.filter.is_none()
                && list.clauses.is_empty()
                && list.args.len() <= 1
                && list.args.iter().all(plain)
                && name(&function.name.0).is_some_and(aggregate)
        }
        _ => false,
    }
}

fn last(name: &ObjectName) -> &str {
    super::calls::name(&name.0).unwrap_or("")
}
