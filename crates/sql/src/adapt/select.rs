//! Parts of a SELECT and of the rows of a write that the parser does not know.
//!
//! | what                                        | becomes |
//! | ---                                         | --- |
//! | `SELECT WHERE …`, `EXISTS (SELECT)`         | `SELECT NULL WHERE …`; how many columns there are is not told |
//! | `FETCH FIRST (n + 1) ROWS ONLY`             | `FETCH FIRST ROWS ONLY`, and the expression is set apart |
//! | `= ANY (VALUES (1), (2))`                   | `IN (VALUES (1), (2))`, which is the same |
//! | `> ANY (VALUES (1), (2))`                   | `> ANY (SELECT * FROM (VALUES (1), (2)))` |
//! | `GROUPING SETS (a, GROUPING SETS (b, c))`   | `GROUPING SETS (a, b, c)`, which is the same |
//! | `INSERT INTO t TABLE u`                     | `INSERT INTO t SELECT * FROM u` |
//! | `RETURNING WITH (OLD AS o, NEW AS n) …`     | `RETURNING …`, and the names are told |
//! | `SELECT ((SELECT 1) UNION SELECT 2)`        | `SELECT (SELECT * FROM ((SELECT 1) UNION SELECT 2))` |
//! | `GROUP BY ALL ROLLUP (a)`                   | `GROUP BY ROLLUP (a)` |

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::aside::{closing, name_length};
use super::{Adapter, bare, is, keyword, word};

/// Whether such a part may begin with the second of two tokens.
pub(super) fn may_begin(before: &TokenWithSpan, token: &TokenWithSpan) -> bool {
    if before.token == Token::LParen {
        return token.token == Token::LParen;
    }
    match keyword(Some(before)) {
        Some(Keyword::SELECT) => follows_list(Some(token)),
        Some(Keyword::FETCH) => matches!(keyword(Some(token)), Some(Keyword::FIRST | Keyword::NEXT)),
        Some(Keyword::RETURNING) => keyword(Some(token)) == Some(Keyword::WITH),
        Some(Keyword::GROUPING) => keyword(Some(token)) == Some(Keyword::SETS),
        _ => false,
    }
}

/// What stands behind the list of a SELECT, and begins no expression.
fn follows_list(token: Option<&TokenWithSpan>) -> bool {
    let Some(token) = token else { return true };
    let clause = matches!(
        keyword(Some(token)),
        Some(
            Keyword::EXCEPT
                | Keyword::FETCH
                | Keyword::FOR
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::INTERSECT
                | Keyword::INTO
                | Keyword::LIMIT
                | Keyword::OFFSET
                | Keyword::ORDER
                | Keyword::UNION
                | Keyword::WHERE
                | Keyword::WINDOW
        )
    );
    clause || token.token == Token::RParen
}

impl Adapter {
    /// Rewrites the part that begins with `token`, if it is one of these.
    pub(super) fn select(&mut self, token: &TokenWithSpan) -> bool {
        match keyword(Some(token)) {
            Some(Keyword::SELECT) if follows_list(self.peek(0)) => {
                self.done.extend(["select", "null"].map(word));
                self.blurred = true;
                true
            }
            Some(Keyword::FIRST | Keyword::NEXT) => self.fetched(),
            Some(Keyword::GROUPING) => {
                self.grouping_sets();
                false
            }
            Some(Keyword::WITH) => self.returned_rows(),
            Some(Keyword::ALL) => {
                self.is_behind(&["group", "by"]) && self.peek(0).is_some_and(|next| !follows_list(Some(next)))
            }
            _ => false,
        }
    }

    /// At a parenthesis that opens a set operation, which begins with a query in parentheses and is an operand.
    pub(super) fn united(&mut self, token: &TokenWithSpan) {
        let tokens = self.rest.as_slice();
        if token.token != Token::LParen || !is(tokens.first(), &Token::LParen) {
            return;
        }
        let within = tokens.iter().find(|token| token.token != Token::LParen);
        if !matches!(keyword(within), Some(Keyword::SELECT | Keyword::VALUES | Keyword::WITH)) {
            return;
        }
        // Elsewhere the parser knows it.
        let operand = match self.done.last().map(|token| &token.token) {
            Some(Token::Comma | Token::LParen) | None => false,
            Some(Token::Word(_)) => keyword(self.done.last()) == Some(Keyword::SELECT),
            Some(_) => true,
        };
        let Some(close) = closing(tokens).filter(|_| operand) else { return };
        let behind = keyword(tokens.get(close.saturating_add(1)));
        if matches!(behind, Some(Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT)) {
            self.done.push(TokenWithSpan::wrap(Token::LParen));
            self.done.extend([word("select"), TokenWithSpan::wrap(Token::Mul), word("from")]);
            if let Some(end) = super::call::end_of_call(tokens) {
                self.mark(vec![(end, vec![Token::RParen, Token::RParen])]);
            }
        }
    }

    /// At FIRST, behind FETCH: an expression in parentheses, up to ROWS.
    fn fetched(&mut self) -> bool {
        let tokens = self.rest.as_slice();
        if keyword(self.done.last()) != Some(Keyword::FETCH) || !is(tokens.first(), &Token::LParen) {
            return false;
        }
        let Some(close) = closing(tokens) else { return false };
        let behind = tokens.get(close.saturating_add(1)..).unwrap_or_default();
        let rows = matches!(bare(behind.first()), Some("row" | "rows"));
        let only = bare(behind.get(1)) == Some("only")
            || (bare(behind.get(1)) == Some("with") && bare(behind.get(2)) == Some("ties"));
        if !(rows && only) {
            return false;
        }
        self.asides.push(tokens.get(1..close).unwrap_or_default().to_vec());
        self.skip(close.saturating_add(1));
        self.done.push(word("first"));
        true
    }

    /// At ANY or ALL and behind an operator: VALUES become a SELECT. Whether the token at hand is dealt with.
    pub(super) fn listed_rows(&mut self, token: &TokenWithSpan) -> bool {
        let compared = !matches!(
            self.done.last().map(|token| &token.token),
            None | Some(Token::Word(_) | Token::LParen | Token::RParen | Token::Comma)
        );
        let tokens = self.rest.as_slice();
        if !compared || keyword(tokens.get(1)) != Some(Keyword::VALUES) {
            return false;
        }
        if is(self.done.last(), &Token::Eq) && keyword(Some(token)) != Some(Keyword::ALL) {
            self.done.pop();
            self.done.push(word("in"));
            return true;
        }
        let Some(close) = closing(tokens) else { return false };
        let word = |text: &str| Token::make_word(text, None);
        let open = vec![Token::LParen, word("select"), Token::Mul, word("from"), Token::LParen];
        self.mark(vec![(0, open), (close, vec![Token::RParen, Token::RParen])]);
        false
    }

    /// At GROUPING, in front of the outermost SETS: the lists inside become parts of the list that they stand in.
    fn grouping_sets(&mut self) {
        let tokens = self.rest.as_slice();
        if keyword(tokens.first()) != Some(Keyword::SETS) || !is(tokens.get(1), &Token::LParen) {
            return;
        }
        let Some(end) = tokens.get(1..).and_then(closing) else { return };
        let mut changes = Vec::new();
        let mut ends = Vec::new();
        for at in 2..=end {
            let token = tokens.get(at);
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let nested = keyword(token) == Some(Keyword::GROUPING)
                && keyword(tokens.get(at.saturating_add(1))) == Some(Keyword::SETS)
                && (is(before, &Token::LParen) || is(before, &Token::Comma));
            let open = at.saturating_add(2);
            let list = tokens.get(open..).filter(|list| nested && is(list.first(), &Token::LParen));
            if let Some(close) = list.and_then(closing) {
                changes.extend((at..=open).map(|at| (at, Vec::new())));
                ends.push(open.saturating_add(close));
            }
        }
        changes.extend(ends.into_iter().map(|at| (at, Vec::new())));
        changes.sort_by_key(|(at, _)| *at);
        self.mark(changes);
    }

    /// Behind `INSERT INTO`: TABLE in the place of a query.
    pub(super) fn inserted_table(&mut self) {
        let tokens = self.rest.as_slice();
        let mut at = name_length(tokens);
        if at == 0 {
            return;
        }
        if keyword(tokens.get(at)) == Some(Keyword::AS) {
            at = at.saturating_add(2);
        }
        let list = tokens.get(at..).unwrap_or_default();
        if is(list.first(), &Token::LParen) {
            let Some(close) = closing(list) else { return };
            at = at.saturating_add(close).saturating_add(1);
        }
        if keyword(tokens.get(at)) == Some(Keyword::TABLE) {
            let word = |text: &str| Token::make_word(text, None);
            self.mark(vec![(at, vec![word("select"), Token::Mul, word("from")])]);
        }
    }

    /// At WITH, behind RETURNING: what the rows before and after are called.
    fn returned_rows(&mut self) -> bool {
        let tokens = self.rest.as_slice();
        if keyword(self.done.last()) != Some(Keyword::RETURNING) || !is(tokens.first(), &Token::LParen) {
            return false;
        }
        let mut names = Vec::new();
        let mut at = 1_usize;
        loop {
            let item = tokens.get(at..).unwrap_or_default();
            let known = matches!(bare(item.first()), Some("old" | "new"));
            let Some(Token::Word(name)) = item.get(2).map(|token| &token.token) else { return false };
            if !known || keyword(item.get(1)) != Some(Keyword::AS) {
                return false;
            }
            names.push(name.value.clone());
            at = at.saturating_add(4);
            match item.get(3).map(|token| &token.token) {
                Some(Token::Comma) => {}
                Some(Token::RParen) => break,
                _ => return false,
            }
        }
        self.skip(at);
        self.rows.append(&mut names);
        true
    }
}
