//! Whether one matcher is about everything that another one is about. Where it is not certain the answer is no.

use crate::functions::FunctionClasses;
use crate::matcher::{Functions, Matcher, What, Who};
use crate::names::{ColumnPattern, NamePattern, Part, Text};

/// Whether `one` touches every statement that `other` touches.
pub(super) fn touches_all_that(one: &Matcher, other: &Matcher) -> bool {
    let (a, b) = (&one.what, &other.what);
    // A list of kinds makes names mean objects of any kind.
    let kinds = a.tables.is_none() || b.objects.is_none() || a.objects.is_some();
    who(&one.who, &other.who)
        && verbs(a, b)
        && (!a.unbounded || b.unbounded)
        && (!a.opaque || b.opaque)
        && kinds
        && relations(a, b)
        && subset(&a.columns, &b.columns, column)
        && functions(a.functions.as_ref(), b.functions.as_ref())
        && subset(&a.effects, &b.effects, PartialEq::eq)
        && subset(&a.settings, &b.settings, text)
}

/// Whether `one` touches every statement that `other` covers. A statement has a verb at least, and perhaps nothing else.
pub(super) fn touches_all_that_is_covered(one: &Matcher, other: &Matcher) -> bool {
    let a = &one.what;
    let limits = a.tables.is_some()
        || a.objects.is_some()
        || a.access.is_some()
        || a.columns.is_some()
        || a.functions.is_some()
        || a.effects.is_some()
        || a.settings.is_some()
        || a.unbounded
        || a.opaque;
    who(&one.who, &other.who) && !limits && verbs(a, &other.what)
}

/// Whether `one` covers every statement that `other` covers.
pub(super) fn covers_all_that(one: &Matcher, other: &Matcher) -> bool {
    let (a, b) = (&one.what, &other.what);
    // Without names, kinds are not limited; with names they are to those that have a schema, unless they are listed.
    let kinds = if a.tables.is_none() && a.objects.is_none() { true } else { a.objects == b.objects };
    who(&one.who, &other.who)
        && verbs(a, b)
        && kinds
        && relations(a, b)
        && subset(&a.columns, &b.columns, column)
        && functions(a.functions.as_ref(), b.functions.as_ref())
        && same_specials(one, other)
}

/// Whether both name the same of what no rule covers without naming it.
pub(super) fn same_specials(one: &Matcher, other: &Matcher) -> bool {
    let (a, b) = (&one.what, &other.what);
    let verbs = a.verbs.is_none() == b.verbs.is_none();
    // What is unnamed is covered by what the rule says of tables.
    let unnamed =
        a.tables == b.tables && a.objects == b.objects && a.access == b.access && a.columns == b.columns;
    a.opaque == b.opaque && a.effects == b.effects && a.settings == b.settings && verbs && unnamed
}

fn who(one: &Who, other: &Who) -> bool {
    subset(&one.subjects, &other.subjects, text)
        && subset(&one.groups, &other.groups, PartialEq::eq)
        && subset(&one.resources, &other.resources, text)
        && subset(&one.roles, &other.roles, text)
        && subset(&one.databases, &other.databases, text)
        // Whoever is excepted from the one is excepted from the other as well.
        && one.except_groups.iter().all(|group| other.except_groups.contains(group))
        && one.except_subjects.iter().all(|one| other.except_subjects.iter().any(|other| text(other, one)))
}

fn verbs(one: &What, other: &What) -> bool {
    match (one.verbs, other.verbs) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one.union(other) == one,
    }
}

fn relations(one: &What, other: &What) -> bool {
    subset(&one.tables, &other.tables, name)
        && subset(&one.objects, &other.objects, PartialEq::eq)
        && subset(&one.access, &other.access, PartialEq::eq)
}

/// Whether each of the other's items is within one of these; no list is everything.
fn subset<T>(one: &Option<Vec<T>>, other: &Option<Vec<T>>, within: impl Fn(&T, &T) -> bool) -> bool {
    match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => other.iter().all(|other| one.iter().any(|one| within(one, other))),
    }
}

fn functions(one: Option<&Functions>, other: Option<&Functions>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() };
    let classes: FunctionClasses = one.classes.union(other.classes);
    // `x.f` is taken for a call only by rules that mean the name itself, so a star does not stand for it.
    let within = |one: &NamePattern, other: &NamePattern| {
        name(one, other) && (one.name != Part::Any || other.name == Part::Any)
    };
    classes == one.classes && other.names.iter().all(|other| one.names.iter().any(|one| within(one, other)))
}

fn part(one: &Part, other: &Part) -> bool {
    one == other || *one == Part::Any || other.exact().is_some_and(|other| one.matches(other))
}

fn name(one: &NamePattern, other: &NamePattern) -> bool {
    part(&one.schema, &other.schema) && part(&one.name, &other.name)
}

fn column(one: &ColumnPattern, other: &ColumnPattern) -> bool {
    let table = match (&one.table, &other.table) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => name(one, other),
    };
    table && part(&one.column, &other.column)
}

fn text(one: &Text, other: &Text) -> bool {
    one == other || other.exact().is_some_and(|other| one.matches(other))
}
