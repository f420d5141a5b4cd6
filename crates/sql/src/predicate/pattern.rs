//! Patterns that ask for something, and those that everything matches.

use sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::calls::{call, text};
use super::condition::{is_column, is_field};

/// Kinds of patterns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Like,
    Regex,
    /// The start of a text, without wildcards.
    Start,
    /// SIMILAR TO: a regular expression with the wildcards of LIKE.
    Similar,
}

/// Letters that a pattern for anything but a text must have: every date's text has two dashes, and most begin with 2.
const LETTERS_OF_OTHERS: usize = 3;

/// Whether a pattern leaves out texts of this column.
pub(super) fn matches(side: &Expr, pattern: &Expr, kind: Kind) -> bool {
    let letters = || match text(pattern) {
        Some(text) if kind != Kind::Regex && kind != Kind::Similar => {
            text.chars().filter(|c| c.is_alphanumeric()).count() >= LETTERS_OF_OTHERS
        }
        _ => false,
    };
    let told = match side {
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => return matches(inner, pattern, kind),
        Expr::Cast { expr, .. } => is_field(expr) || (is_column(expr) && letters()),
        Expr::Trim { expr, .. } => is_bare(expr),
        Expr::Function(function) => call(function).is_some_and(|(name, arguments)| {
            let of_column = arguments.first().is_some_and(|it| is_bare(it));
            let texts = [
                "btrim", "coalesce", "initcap", "lower", "ltrim", "reverse", "rtrim", "trim", "unaccent",
                "upper",
            ];
            of_column && texts.contains(&name)
        }),
        _ => is_bare(side),
    };
    told && asks(pattern, kind)
}

/// A column that is no text of another type.
fn is_bare(expression: &Expr) -> bool {
    matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) || is_field(expression)
}

/// A letter that escapes others may be taken for one that is asked for.
pub(super) fn is_plain_escape(escape: Option<&Expr>) -> bool {
    escape.is_none_or(|escape| text(escape).is_some_and(|it| it.chars().all(|c| !c.is_alphanumeric())))
}

/// Whether a pattern asks for a letter that a text may lack. A parameter does; what cannot be told does not.
fn asks(pattern: &Expr, kind: Kind) -> bool {
    match pattern {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            asks(inner, kind)
        }
        Expr::Value(ValueWithSpan { value, span: _ }) => match value {
            Value::Placeholder(_) => true,
            Value::SingleQuotedString(text) => match kind {
                Kind::Like | Kind::Start => text.chars().any(char::is_alphanumeric),
                Kind::Regex => has_letter(text, &[]),
                Kind::Similar => has_letter(text, &['%', '_']),
            },
            _ => false,
        },
        // `'%' || $1 || '%'`: as much as its parts.
        Expr::BinaryOp { left, op: sqlparser::ast::BinaryOperator::StringConcat, right } => {
            asks(left, kind) || asks(right, kind)
        }
        _ => false,
    }
}

/// Whether a regular expression has a plain letter that must be there: outside of groups and brackets, in the only
/// branch, and not repeated zero times.
fn has_letter(text: &str, wildcards: &[char]) -> bool {
    // Options and other languages, and the letters that are written as numbers.
    if text.starts_with("***") || text.contains("(?") {
        return false;
    }
    let (mut depth, mut found) = (0_usize, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('a'..='z' | 'A'..='Z') if characters.peek().is_some_and(char::is_ascii_hexdigit) => {
                    return false;
                }
                Some('0'..='9') => return false,
                _ => {}
            },
            '[' => {
                if !skip_bracket(&mut characters) {
                    return false;
                }
            }
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return false,
            '{' => while characters.next().is_some_and(|c| c != '}') {},
            c if wildcards.contains(&c) => {}
            c => found |= c.is_alphanumeric() && depth == 0 && !repeats(characters.peek().copied()),
        }
    }
    found
}

/// Goes behind a bracket's end; not where it holds brackets.
fn skip_bracket(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let _ = characters.next_if_eq(&'^');
    if characters.peek() == Some(&']') {
        return false;
    }
    while let Some(c) = characters.next() {
        match c {
            ']' => return true,
            '[' => return false,
            '\\' => drop(characters.next()),
            _ => {}
        }
    }
    false
}

const fn repeats(next: Option<char>) -> bool {
    matches!(next, Some('*' | '?' | '{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_expression_asks_for_a_letter_that_must_be_there() {
        for asking in ["a", "^ab*", "x.*y", "(a|b)c", "a+", r"\.com$", "[a-z]+@x"] {
            assert!(has_letter(asking, &[]), "{asking}");
        }
        for open in [
            "",
            ".*",
            "^",
            "a*",
            "x?",
            "a{0,}",
            "a|",
            "|",
            "a|b",
            "(a)?",
            "[a-z]*",
            r"\w*",
            r"[\s\S]*",
            "(?!x)",
            r"\x41*",
            "[]a]*",
            "[^]a]*",
            "[[:alpha:]x]*",
            "***:",
            "(?x) # a",
            "@",
            r"\101*",
        ] {
            assert!(!has_letter(open, &[]), "{open}");
        }
        assert!(!has_letter("%_%", &['%', '_']));
    }
}
