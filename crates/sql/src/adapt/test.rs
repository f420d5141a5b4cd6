//! Tests and operators in PostgreSQL's own words.
//!
//! | what                                   | becomes |
//! | ---                                    | --- |
//! | `x ISNULL`, `x NOTNULL`                | `x IS NULL`, `x IS NOT NULL` |
//! | `x AT LOCAL`                           | `x AT TIME ZONE 'local'` |
//! | `x [NOT] BETWEEN SYMMETRIC a AND b`    | `x !~ a !~ b`, which bounds no write: which of them is the less is not known |
//! | `x [NOT] LIKE ALL (…)` and its kin     | `x ~~ ALL (…)`, `x !~~ ALL (…)`, as the server does |
//! | `s.*::text`, `s.* = t.*`               | `(s.*)::text`: a whole row |
//! | an operator of somebody's own before its operand | `!!`, of which nothing is known |

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::aside::closing;
use super::{Adapter, bare, ends_operand, is, keyword, word};

/// Whether such a test may begin with the second of two tokens.
pub(super) fn may_begin(before: &TokenWithSpan, token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(_) => match bare(Some(token)) {
            Some("asymmetric" | "isnull" | "notnull" | "symmetric") => true,
            Some("local") => bare(Some(before)) == Some("at"),
            _ => before.token == Token::Mul && follows_row(token),
        },
        Token::CustomBinaryOperator(_) => !ends_operand(Some(before)),
        _ => before.token == Token::Mul && follows_row(token),
    }
}

/// What may stand behind a whole row and not behind a list of columns.
fn follows_row(token: &TokenWithSpan) -> bool {
    matches!(
        token.token,
        Token::DoubleColon
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::CustomBinaryOperator(_)
    ) || matches!(bare(Some(token)), Some("is" | "in"))
}

impl Adapter {
    /// Rewrites the test that begins with `token`, if it is one of these.
    pub(super) fn test(&mut self, token: &TokenWithSpan) -> bool {
        match &token.token {
            Token::CustomBinaryOperator(_) if !ends_operand(self.done.last()) => {
                self.done.push(TokenWithSpan::wrap(Token::DoubleExclamationMark));
                true
            }
            Token::Word(_) => match bare(Some(token)) {
                Some("isnull") => self.null(&["is", "null"]),
                Some("notnull") => self.null(&["is", "not", "null"]),
                Some("local") => self.at_local(),
                Some("symmetric") => self.between(),
                Some("asymmetric") => keyword(self.done.last()) == Some(Keyword::BETWEEN),
                _ => false,
            },
            _ => false,
        }
    }

    /// Both words are names of functions and types, and nothing else's: a label of theirs stands behind AS.
    fn null(&mut self, test: &[&str]) -> bool {
        let is_test = !is(self.peek(0), &Token::LParen);
        if is_test {
            self.done.extend(test.iter().copied().map(word));
        }
        is_test
    }

    fn at_local(&mut self) -> bool {
        let before = self.done.len().checked_sub(2).and_then(|at| self.done.get(at));
        let is_zone = bare(self.done.last()) == Some("at") && ends_operand(before);
        if is_zone {
            self.done.extend([word("time"), word("zone")]);
            self.done.push(TokenWithSpan::wrap(Token::SingleQuotedString("local".to_owned())));
        }
        is_zone
    }

    fn between(&mut self) -> bool {
        if keyword(self.done.last()) != Some(Keyword::BETWEEN) {
            return false;
        }
        let Some(and) = end_of_operand(self.rest.as_slice()) else { return false };
        let operator = Token::ExclamationMarkTilde;
        if !self.mark(vec![(and, vec![operator.clone()])]) {
            return false;
        }
        self.done.pop();
        if keyword(self.done.last()) == Some(Keyword::NOT) {
            self.done.pop();
        }
        self.done.push(TokenWithSpan::wrap(operator));
        true
    }

    /// In front of ANY or ALL: LIKE becomes its operator.
    pub(super) fn like(&mut self) {
        let (plain, negated) = match keyword(self.done.last()) {
            Some(Keyword::LIKE) => (Token::DoubleTilde, Token::ExclamationMarkDoubleTilde),
            Some(Keyword::ILIKE) => (Token::DoubleTildeAsterisk, Token::ExclamationMarkDoubleTildeAsterisk),
            _ => return,
        };
        let mut before = self.done.iter().rev().skip(1);
        let not = keyword(before.next()) == Some(Keyword::NOT);
        let operand = if not { before.next() } else { self.done.iter().rev().nth(1) };
        if !ends_operand(operand) {
            return;
        }
        self.done.truncate(self.done.len().saturating_sub(if not { 2 } else { 1 }));
        self.done.push(TokenWithSpan::wrap(if not { negated } else { plain }));
    }

    /// At `*` behind `s.`: in front of what only a value is followed by.
    pub(super) fn whole_row(&mut self) -> bool {
        if !is(self.done.last(), &Token::Period) || !self.peek(0).is_some_and(follows_row) {
            return false;
        }
        let end = self.done.len().saturating_sub(1);
        let Some(start) = start_of_name(self.done.get(..end).unwrap_or_default()) else { return false };
        self.done.insert(start, TokenWithSpan::wrap(Token::LParen));
        self.done.extend([Token::Mul, Token::RParen].map(TokenWithSpan::wrap));
        true
    }
}

/// Where the name starts that tokens end with.
pub(super) fn start_of_name(tokens: &[TokenWithSpan]) -> Option<usize> {
    /// database.schema.name is the most that there is.
    const PARTS: usize = 3;
    let is_part = |at: usize| matches!(tokens.get(at).map(|token| &token.token), Some(Token::Word(_)));
    let mut start = tokens.len().checked_sub(1).filter(|at| is_part(*at))?;
    for _ in 0..PARTS {
        let before = start.checked_sub(1);
        if !before.is_some_and(|at| is(tokens.get(at), &Token::Period)) {
            return Some(start);
        }
        start = start.checked_sub(2).filter(|at| is_part(*at))?;
    }
    None
}

/// Where the AND behind the first bound stands, which is of the kind that has none itself.
fn end_of_operand(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let rest = tokens.get(at..)?;
        let first = rest.first()?;
        match &first.token {
            Token::LParen | Token::LBracket => at = at.saturating_add(closing(rest)?).saturating_add(1),
            Token::RParen | Token::RBracket | Token::Comma => return None,
            _ => match keyword(Some(first)) {
                Some(Keyword::AND) => return (at > 0).then_some(at),
                Some(
                    Keyword::BETWEEN
                    | Keyword::CASE
                    | Keyword::OR
                    | Keyword::SELECT
                    | Keyword::FROM
                    | Keyword::WHERE
                    | Keyword::ON,
                ) => return None,
                _ => at = at.saturating_add(1),
            },
        }
    }
}
