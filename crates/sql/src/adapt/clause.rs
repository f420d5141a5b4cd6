//! Clauses that the parser does not know and that change no fact, or only where columns come from.
//!
//! | what                                        | becomes |
//! | ---                                         | --- |
//! | `WHERE CURRENT OF c`                        | a comparison of `ctid`: one row is meant |
//! | `IS [NOT] DOCUMENT`                         | `IS NOT NULL` |
//! | `TRIM(LEADING FROM x)`                      | `TRIM(x)` |
//! | `GROUP BY DISTINCT …`                       | `GROUP BY …` |
//! | `MERGE … INSERT DEFAULT VALUES`             | `INSERT VALUES (DEFAULT)` |
//! | `f(…) AS (a int, b text)` in FROM           | the same with an alias |
//! | `JOIN … USING (a) AS x`, `(f(a)).*`, `SEARCH … SET x`, `CYCLE … SET x USING y` | left out; the lineage is not told |

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Adapter, bare, is, keyword, word};

/// Whether a clause of these may begin with the second of two tokens.
pub(super) fn may_begin(before: &TokenWithSpan, token: &TokenWithSpan) -> bool {
    let closed = before.token == Token::RParen;
    match (&token.token, keyword(Some(token))) {
        (Token::Period, _) => closed,
        (_, Some(Keyword::AS | Keyword::SEARCH | Keyword::CYCLE)) => closed,
        (_, Some(Keyword::CURRENT)) => keyword(Some(before)) == Some(Keyword::WHERE),
        (_, Some(Keyword::DISTINCT)) => keyword(Some(before)) == Some(Keyword::BY),
        (_, Some(Keyword::DEFAULT)) => keyword(Some(before)) == Some(Keyword::INSERT),
        (_, Some(Keyword::FROM)) => {
            before.token == Token::LParen
                || matches!(bare(Some(before)), Some("leading" | "trailing" | "both"))
        }
        _ => bare(Some(token)) == Some("document"),
    }
}

/// An alias that no text can name: PostgreSQL refuses empty names.
const NOBODY: &str = "";

impl Adapter {
    /// Rewrites the clause that begins with `token`, if it is one of these.
    pub(super) fn clause(&mut self, token: &TokenWithSpan) -> bool {
        match (&token.token, keyword(Some(token))) {
            (Token::Period, _) => self.fields(),
            (_, Some(Keyword::CURRENT)) => self.current_of(),
            (_, Some(Keyword::IS)) => self.is_document(),
            (_, Some(Keyword::FROM)) => self.trimmed(),
            (_, Some(Keyword::DISTINCT)) => self.is_behind(&["group", "by"]),
            (_, Some(Keyword::DEFAULT)) => self.default_values(),
            (_, Some(Keyword::AS)) => self.columns_without_alias() || self.alias_of_merged(),
            (_, Some(Keyword::SEARCH)) => self.search(),
            (_, Some(Keyword::CYCLE)) => self.cycle(),
            _ => false,
        }
    }

    /// Whether the bare words `words` stand right before the token at hand.
    pub(super) fn is_behind(&self, words: &[&str]) -> bool {
        words.iter().rev().zip(1..).all(|(wanted, back)| {
            bare(self.done.len().checked_sub(back).and_then(|at| self.done.get(at))) == Some(wanted)
        })
    }

    /// Behind a period: `*`, of a row that an expression gives.
    fn fields(&mut self) -> bool {
        let all = is(self.peek(0), &Token::Mul) && is(self.done.last(), &Token::RParen);
        if all {
            self.skip(1);
            self.blurred = true;
        }
        all
    }

    fn current_of(&mut self) -> bool {
        let named = matches!(self.peek(1).map(|token| &token.token), Some(Token::Word(_)));
        let ends = self.peek(2).is_none_or(|token| token.token == Token::RParen)
            || keyword(self.peek(2)) == Some(Keyword::RETURNING);
        if !(self.is_behind(&["where"]) && self.comes(&["of"]) && named && ends) {
            return false;
        }
        self.skip(2);
        let place = Token::SingleQuotedString("(0,1)".to_owned());
        self.done.extend([word("ctid"), TokenWithSpan::wrap(Token::Eq), TokenWithSpan::wrap(place)]);
        true
    }

    fn is_document(&mut self) -> bool {
        let length = match (self.comes(&["document"]), self.comes(&["not", "document"])) {
            (true, _) => 1,
            (_, true) => 2,
            _ => return false,
        };
        self.skip(length);
        self.done.extend(["is", "not", "null"].map(word));
        true
    }

    /// At FROM: `TRIM(LEADING FROM`, without what is to be cut off.
    fn trimmed(&mut self) -> bool {
        let side = matches!(bare(self.done.last()), Some("leading" | "trailing" | "both"));
        let call = self.done.len().checked_sub(3).and_then(|at| self.done.get(at..));
        let trim =
            call.is_some_and(|call| bare(call.first()) == Some("trim") && is(call.get(1), &Token::LParen));
        if side && trim {
            self.done.pop();
            return true;
        }
        // `TRIM(FROM x)`.
        let bare_call = self.done.len().checked_sub(2).and_then(|at| self.done.get(at..));
        bare_call.is_some_and(|call| bare(call.first()) == Some("trim") && is(call.get(1), &Token::LParen))
    }

    fn default_values(&mut self) -> bool {
        // INSERT by itself has it; only in MERGE is it unknown.
        let merges = self.is_behind(&["then", "insert"]) && self.comes(&["values"]);
        if merges {
            self.skip(1);
            let list = [Token::LParen, Token::make_word("default", None), Token::RParen];
            self.done.push(word("values"));
            self.done.extend(list.map(TokenWithSpan::wrap));
        }
        merges
    }

    /// At AS: the columns of a function's rows, without a name for them.
    fn columns_without_alias(&mut self) -> bool {
        let call = is(self.done.last(), &Token::RParen) && is(self.peek(0), &Token::LParen);
        let query = [
            Keyword::SELECT,
            Keyword::INSERT,
            Keyword::UPDATE,
            Keyword::DELETE,
            Keyword::MERGE,
            Keyword::VALUES,
            Keyword::WITH,
            Keyword::TABLE,
        ];
        let named = matches!(self.peek(1).map(|token| &token.token), Some(Token::Word(_)));
        let typed = matches!(self.peek(2).map(|token| &token.token), Some(Token::Word(_)));
        let definitions =
            call && named && typed && !keyword(self.peek(1)).is_some_and(|keyword| query.contains(&keyword));
        if definitions {
            self.done.push(word("as"));
            self.done.push(TokenWithSpan::wrap(Token::make_word(NOBODY, Some('"'))));
        }
        definitions
    }

    /// At AS: a name for the merged columns of `JOIN … USING (a, b)`.
    fn alias_of_merged(&mut self) -> bool {
        if !is(self.done.last(), &Token::RParen) {
            return false;
        }
        let mut back = self.done.iter().rev().skip(1);
        // Names and commas in turn, as nothing but a list of columns has them.
        let opened = loop {
            match (back.next().map(|token| &token.token), back.next().map(|token| &token.token)) {
                (Some(Token::Word(_)), Some(Token::Comma)) => {}
                (Some(Token::Word(_)), Some(Token::LParen)) => break true,
                _ => break false,
            }
        };
        let merged = opened
            && keyword(back.next()) == Some(Keyword::USING)
            && matches!(self.peek(0).map(|token| &token.token), Some(Token::Word(_)));
        if merged {
            self.skip(1);
            self.blurred = true;
        }
        merged
    }

    /// At SEARCH, behind a common table expression.
    fn search(&mut self) -> bool {
        let ordered = self.comes(&["depth", "first", "by"]) || self.comes(&["breadth", "first", "by"]);
        if !(is(self.done.last(), &Token::RParen) && ordered) {
            return false;
        }
        let Some(columns) = self.names(3) else { return false };
        let set = columns.saturating_add(3);
        if bare(self.peek(set)) != Some("set") || !self.is_word(set.saturating_add(1)) {
            return false;
        }
        self.skip(set.saturating_add(2));
        self.blurred = true;
        true
    }

    /// At CYCLE, behind a common table expression.
    fn cycle(&mut self) -> bool {
        if !is(self.done.last(), &Token::RParen) {
            return false;
        }
        let Some(set) = self.names(0) else { return false };
        if bare(self.peek(set)) != Some("set") || !self.is_word(set.saturating_add(1)) {
            return false;
        }
        let mut at = set.saturating_add(2);
        if bare(self.peek(at)) == Some("to") {
            let value = self.constant(at.saturating_add(1));
            let by_default = at.saturating_add(1).saturating_add(value);
            let other = self.constant(by_default.saturating_add(1));
            if value == 0 || bare(self.peek(by_default)) != Some("default") || other == 0 {
                return false;
            }
            at = by_default.saturating_add(1).saturating_add(other);
        }
        if bare(self.peek(at)) != Some("using") || !self.is_word(at.saturating_add(1)) {
            return false;
        }
        self.skip(at.saturating_add(2));
        self.blurred = true;
        true
    }

    /// How many tokens, from `ahead` on, are a constant, with its type perhaps; none where there is no constant.
    fn constant(&self, ahead: usize) -> usize {
        let token = self.peek(ahead).map(|token| &token.token);
        let next = self.peek(ahead.saturating_add(1)).map(|token| &token.token);
        match (token, next) {
            (Some(Token::SingleQuotedString(_) | Token::Number(..)), _) => 1,
            (Some(Token::Word(_)), Some(Token::SingleQuotedString(_))) => 2,
            _ => usize::from(matches!(keyword(self.peek(ahead)), Some(Keyword::TRUE | Keyword::FALSE))),
        }
    }

    fn is_word(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead).map(|token| &token.token), Some(Token::Word(_)))
    }

    /// How many tokens, from `ahead` on, are names with commas between them; none where there is no name.
    fn names(&self, ahead: usize) -> Option<usize> {
        let mut length = 0_usize;
        loop {
            if !self.is_word(ahead.saturating_add(length)) {
                return None;
            }
            length = length.saturating_add(1);
            if !is(self.peek(ahead.saturating_add(length)), &Token::Comma) {
                return Some(length);
            }
            length = length.saturating_add(1);
        }
    }
}
