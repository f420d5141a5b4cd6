//! FROM items that the parser does not know.
//!
//! | what                                         | becomes |
//! | ---                                          | --- |
//! | `FROM t *`, `UPDATE t * SET`                 | `FROM t`: with the tables that inherit from it, as without the asterisk |
//! | `ROWS FROM (f(a), g(b)) WITH ORDINALITY`     | `(f(a) CROSS JOIN g(b))` |
//! | `LATERAL xmltable (…)`, `LATERAL ROWS FROM`  | without LATERAL, which functions in FROM are anyway |
//! | `TABLESAMPLE m (a) REPEATABLE (b + 1)`       | `TABLESAMPLE m (a)`, and the expression is set apart |
//! | `XMLNAMESPACES (DEFAULT 'x')`                | `XMLNAMESPACES ('x' AS "")` |
//! | `MERGE … USING s JOIN u ON c ON d WHEN`      | `MERGE … USING (s JOIN u ON c) ON d WHEN` |

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::aside::{closing, name_length};
use super::test::start_of_name;
use super::{Adapter, bare, is, keyword};
use crate::names::is_reserved;

/// Whether such an item may begin with the second of two tokens.
pub(super) fn may_begin(before: &TokenWithSpan, token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Mul => matches!(before.token, Token::Word(_)) && !is_reserved_word(before),
        Token::Word(_) => match keyword(Some(token)) {
            Some(Keyword::LATERAL | Keyword::MERGE) => true,
            Some(Keyword::REPEATABLE) => before.token == Token::RParen,
            Some(Keyword::DEFAULT) => before.token == Token::LParen || before.token == Token::Comma,
            Some(Keyword::FROM) => bare(Some(before)) == Some("rows"),
            _ => false,
        },
        _ => false,
    }
}

fn is_reserved_word(token: &TokenWithSpan) -> bool {
    bare(Some(token)).is_some_and(is_reserved)
}

/// Whether a word ends a FROM item, and begins no operand of a multiplication.
fn ends_item(tokens: &[TokenWithSpan]) -> bool {
    let Some(first) = tokens.first() else { return true };
    match &first.token {
        Token::RParen | Token::Comma => true,
        Token::Word(_) => match bare(Some(first)) {
            Some(
                "where" | "group" | "order" | "having" | "limit" | "offset" | "fetch" | "union" | "except"
                | "intersect" | "window" | "for" | "on" | "using" | "returning" | "when",
            ) => true,
            // Names of functions, too.
            Some("join") => !is(tokens.get(1), &Token::LParen),
            Some("inner" | "cross" | "natural" | "left" | "right" | "full") => {
                matches!(
                    keyword(tokens.get(1)),
                    Some(
                        Keyword::JOIN
                            | Keyword::OUTER
                            | Keyword::LEFT
                            | Keyword::RIGHT
                            | Keyword::FULL
                            | Keyword::INNER
                    )
                )
            }
            _ => false,
        },
        _ => false,
    }
}

impl Adapter {
    /// Rewrites the item that begins with `token`, if it is one of these.
    pub(super) fn source(&mut self, token: &TokenWithSpan) -> bool {
        match &token.token {
            Token::Mul => self.whole_row() || self.is_of_heirs(),
            Token::Word(_) => match bare(Some(token)) {
                Some("lateral") => {
                    let table = matches!(bare(self.peek(0)), Some("xmltable" | "json_table"))
                        && is(self.peek(1), &Token::LParen);
                    table || rows_from(self.rest.as_slice(), true).is_some()
                }
                Some("rows") => self.rows_from(),
                Some("repeatable") => self.repeated(),
                Some("default") => self.namespace(),
                Some("merge") => {
                    self.merged();
                    false
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// At `*`: whether it says that the tables are meant that inherit from the one before.
    fn is_of_heirs(&self) -> bool {
        // `UNLISTEN *` has no name.
        let Some(start) = start_of_name(&self.done).filter(|start| *start > 0) else { return false };
        if self.done.get(start).is_none_or(is_reserved_word) {
            return false;
        }
        let tokens = self.rest.as_slice();
        // No operand comes behind it.
        if ends_item(tokens) || keyword(tokens.first()) == Some(Keyword::AS) {
            return true;
        }
        let before = |back: usize| start.checked_sub(back).and_then(|at| self.done.get(at));
        let sets = |at: usize| keyword(tokens.get(at)) == Some(Keyword::SET);
        let is_alias = matches!(tokens.first().map(|token| &token.token), Some(Token::Word(_)))
            && !tokens.first().is_some_and(is_reserved_word);
        let behind = tokens.get(1..).unwrap_or_default();
        match keyword(before(1)) {
            Some(Keyword::UPDATE) => sets(0) || (is_alias && sets(1)),
            // `IS DISTINCT FROM a * b`, `extract(epoch FROM a * b)`, `substring(a FROM b * c FOR d)`
            Some(Keyword::FROM) => {
                let ends = ends_item(behind)
                    && !is(behind.first(), &Token::RParen)
                    && keyword(behind.first()) != Some(Keyword::FOR);
                is_alias && ends && keyword(before(2)) != Some(Keyword::DISTINCT)
            }
            Some(Keyword::JOIN) => is_alias && ends_item(behind),
            _ => false,
        }
    }

    /// At ROWS: functions side by side.
    fn rows_from(&mut self) -> bool {
        let introduces = |token: Option<&TokenWithSpan>| {
            is(token, &Token::Comma) || matches!(keyword(token), Some(Keyword::FROM | Keyword::JOIN))
        };
        // `substring(rows FROM (f(x)))` is about a column.
        let mut before = self.done.iter().rev();
        let introduced = match before.next() {
            Some(open) if open.token == Token::LParen => {
                introduces(before.find(|token| token.token != Token::LParen))
            }
            token => introduces(token),
        };
        if !introduced {
            return false;
        }
        let Some(mut changes) = rows_from(self.rest.as_slice(), false) else { return false };
        changes.sort_by_key(|(at, _)| *at);
        self.mark(changes)
    }

    /// At REPEATABLE, behind the size of a sample.
    fn repeated(&mut self) -> bool {
        let tokens = self.rest.as_slice();
        if !is(self.done.last(), &Token::RParen) || !is(tokens.first(), &Token::LParen) {
            return false;
        }
        let Some(close) = closing(tokens) else { return false };
        self.asides.push(tokens.get(1..close).unwrap_or_default().to_vec());
        self.skip(close.saturating_add(1));
        true
    }

    /// At DEFAULT, in front of a text: the name space of what has none.
    fn namespace(&mut self) -> bool {
        let tokens = self.rest.as_slice();
        let text = matches!(tokens.first().map(|token| &token.token), Some(Token::SingleQuotedString(_)));
        let ends = is(tokens.get(1), &Token::RParen) || is(tokens.get(1), &Token::Comma);
        let listed = is(self.done.last(), &Token::LParen) || is(self.done.last(), &Token::Comma);
        if !(text && ends && listed) {
            return false;
        }
        let uri = self.rest.next();
        self.done.extend(uri);
        self.done.push(super::word("as"));
        self.done.push(TokenWithSpan::wrap(Token::make_word("", Some('"'))));
        true
    }

    /// At MERGE: a source that is a join gets parentheses.
    fn merged(&mut self) {
        let tokens = self.rest.as_slice();
        if keyword(tokens.first()) != Some(Keyword::INTO) {
            return;
        }
        let Some(using) = tokens.iter().position(|token| {
            matches!(keyword(Some(token)), Some(Keyword::USING | Keyword::MERGE | Keyword::SELECT))
        }) else {
            return;
        };
        if keyword(tokens.get(using)) != Some(Keyword::USING) {
            return;
        }
        let (mut joins, mut last) = (false, None);
        let mut at = using.saturating_add(1);
        loop {
            let Some(rest) = tokens.get(at..) else { return };
            let Some(first) = rest.first() else { return };
            match &first.token {
                Token::LParen => {
                    let Some(close) = closing(rest) else { return };
                    at = at.saturating_add(close);
                }
                Token::RParen => return,
                _ => match keyword(Some(first)) {
                    Some(Keyword::JOIN) => joins = true,
                    Some(Keyword::ON) => last = Some(at),
                    Some(Keyword::WHEN) => break,
                    // It has a WHEN of its own.
                    Some(Keyword::CASE | Keyword::MERGE) => return,
                    _ => {}
                },
            }
            at = at.saturating_add(1);
        }
        if let Some(on) = last.filter(|_| joins) {
            let word = |text: &str| Token::make_word(text, None);
            self.mark(vec![
                (using, vec![word("using"), Token::LParen]),
                (on, vec![Token::RParen, word("on")]),
            ]);
        }
    }
}

/// What becomes of the tokens behind ROWS (or LATERAL); none where they are no list of calls.
fn rows_from(tokens: &[TokenWithSpan], lateral: bool) -> Option<Vec<(usize, Vec<Token>)>> {
    let from = usize::from(lateral);
    if lateral && bare(tokens.first()) != Some("rows") {
        return None;
    }
    let open = from.saturating_add(1);
    if keyword(tokens.get(from)) != Some(Keyword::FROM) || !is(tokens.get(open), &Token::LParen) {
        return None;
    }
    let mut changes = Vec::new();
    let mut commas = 0_usize;
    let mut at = open.saturating_add(1);
    let close = loop {
        let item = tokens.get(at..)?;
        let name = name_length(item);
        let arguments = item.get(name..)?;
        if name == 0 || !is(arguments.first(), &Token::LParen) {
            return None;
        }
        at = at.saturating_add(name).saturating_add(closing(arguments)?).saturating_add(1);
        if keyword(tokens.get(at)) == Some(Keyword::AS) {
            let columns = tokens.get(at.saturating_add(1)..)?;
            if !is(columns.first(), &Token::LParen) {
                return None;
            }
            let end = at.saturating_add(closing(columns)?).saturating_add(1);
            changes.extend((at..=end).map(|at| (at, Vec::new())));
            at = end.saturating_add(1);
        }
        match tokens.get(at).map(|token| &token.token) {
            Some(Token::Comma) => {
                commas = commas.saturating_add(1);
                changes.push((at, ["cross", "join"].map(|text| Token::make_word(text, None)).to_vec()));
                at = at.saturating_add(1);
            }
            Some(Token::RParen) => break at,
            _ => return None,
        }
    };
    changes.push((from, Vec::new()));
    if commas == 0 {
        changes.extend([open, close].map(|at| (at, Vec::new())));
    } else {
        let numbers = close.saturating_add(1);
        if bare(tokens.get(numbers)) == Some("with")
            && bare(tokens.get(numbers.saturating_add(1))) == Some("ordinality")
        {
            changes.extend([numbers, numbers.saturating_add(1)].map(|at| (at, Vec::new())));
        }
    }
    Some(changes)
}
