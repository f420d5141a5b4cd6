//! Patterns that ask for something, and those that everything matches.

use sqlparser::ast::{Expr, Value, ValueWithSpan};

/// Kinds of patterns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Like,
    Regex,
    /// SIMILAR TO: a regular expression with the wildcards of LIKE.
    Similar,
}

/// Whether a pattern asks for a letter that a text may lack. A parameter does; what cannot be told does not.
pub(super) fn asks(pattern: &Expr, kind: Kind) -> bool {
    match pattern {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
            asks(inner, kind)
        }
        Expr::Value(ValueWithSpan { value, span: _ }) => match value {
            Value::Placeholder(_) => true,
            Value::SingleQuotedString(text) => match kind {
                Kind::Like => text.chars().any(|c| !matches!(c, '%' | '_' | '\\')),
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
    let (mut depth, mut bracket, mut found) = (0_usize, false, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // Classes, references, and the start of options such as `***=`.
            '\\' => {
                if characters.next().is_some_and(|c| c.is_ascii_alphanumeric()) {
                    continue;
                }
                found |= depth == 0 && !bracket && !repeats(characters.peek().copied());
            }
            _ if bracket => bracket = c != ']',
            '[' => bracket = true,
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return false,
            '{' => while characters.next().is_some_and(|c| c != '}') {},
            '|' | '.' | '*' | '+' | '?' | '^' | '$' => {}
            c if wildcards.contains(&c) => {}
            _ => found |= depth == 0 && !repeats(characters.peek().copied()),
        }
    }
    found
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
            "", ".*", "^", "a*", "x?", "a{0,}", "a|", "|", "a|b", "(a)?", "[a-z]*", r"\w*", r"[\s\S]*",
            "(?!x)",
        ] {
            assert!(!has_letter(open, &[]), "{open}");
        }
        assert!(!has_letter("%_%", &['%', '_']));
    }
}
