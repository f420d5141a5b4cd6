//! Patterns of names, folded and quoted.

use super::*;

fn pattern(text: &str) -> NamePattern {
    NamePattern::read(text).unwrap()
}

fn surely(patterns: &[&str], schema: Option<&str>, name: &str, search: &[&str]) -> bool {
    let patterns: Vec<_> = patterns.iter().map(|text| pattern(text)).collect();
    let search: Vec<_> = search.iter().map(|&schema| schema.to_owned()).collect();
    NamePattern::surely_means(&patterns, schema, name, &search)
}

#[test]
fn folds_as_postgresql_does() {
    assert_eq!(pattern("Public.Customers"), pattern("public.customers"));
    assert!(pattern(r#""Secrets""#).may_mean(None, "Secrets"));
    assert!(!pattern(r#""Secrets""#).may_mean(None, "secrets"));
    assert!(pattern(r#"public."a.b""#).may_mean(Some("public"), "a.b"));
    assert!(pattern(r#""a""b""#).may_mean(None, "a\"b"));
    assert!(pattern(r#""*""#).may_mean(None, "*"));
    assert!(!pattern(r#""*""#).may_mean(None, "x"), "a star in quotes is a name");
    // Only ASCII is folded.
    assert!(!pattern("É").may_mean(None, "é"));
}

#[test]
fn a_bare_name_may_mean_any_schema() {
    assert!(pattern("public.secrets").may_mean(None, "secrets"));
    assert!(!pattern("public.secrets").may_mean(Some("app"), "secrets"));
    assert!(pattern("secrets").may_mean(Some("app"), "secrets"));
}

#[test]
fn a_bare_name_surely_means_what_the_search_path_says() {
    assert!(surely(&["public.customers"], None, "customers", &["public"]));
    assert!(!surely(&["public.customers"], None, "customers", &["app", "public"]));
    assert!(surely(&["public.customers", "app.*"], None, "customers", &["app", "public"]));
    assert!(surely(&["customers"], None, "customers", &["app", "public"]));
    assert!(!surely(&["public.customers"], None, "customers", &[]));
    assert!(!surely(&["public.customers"], Some("app"), "customers", &["public"]));
}

#[test]
fn catalogue_names_are_found_in_the_catalogue_first() {
    assert!(surely(&["pg_catalog.*"], None, "pg_class", &["public"]));
    assert!(!surely(&["public.*"], None, "pg_class", &["public"]));
    assert!(!surely(&["pg_catalog.*"], None, "pg_secrets", &["public"]), "a user's table may be called so");
}

#[test]
fn globs() {
    for (glob, name, is) in [
        ("audit_*", "audit_2024", true),
        ("audit_*", "audit", false),
        ("*_audit", "x_audit", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxc", false),
        ("a*a", "a", false),
        ("a*aa", "aaa", true),
        ("**", "", true),
    ] {
        assert_eq!(Text::read(glob).unwrap().matches(name), is, "{glob} {name}");
    }
}

#[test]
fn says_what_is_wrong() {
    for (text, part) in [
        ("", "empty"),
        ("a.", "empty"),
        (".a", "empty"),
        ("a.b.c", "expected `name` or `schema.name`"),
        ("\"a", "does not end"),
        ("\"a\"b", "expected a dot"),
        ("drop table x", "double quotes"),
        (&"x".repeat(64), "longer than 63"),
    ] {
        let error = NamePattern::read(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(ColumnPattern::read("a.b.c.d").is_err());
    assert_eq!(
        ColumnPattern::read("public.customers.card").unwrap().table,
        Some(pattern("public.customers"))
    );
}
