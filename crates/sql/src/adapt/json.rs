//! SQL/JSON: calls with clauses become calls of the expressions that the clauses have.
//!
//! | what                                                             | becomes |
//! | ---                                                              | --- |
//! | `JSON_VALUE(a, '$.x' PASSING b AS y RETURNING int DEFAULT c ON EMPTY)` | `json_value(a, '$.x', b, c)` |
//! | `JSON_QUERY(a, p WITH WRAPPER OMIT QUOTES)`, `JSON_EXISTS(a, p ERROR ON ERROR)` | `json_query(a, p)`, `json_exists(a, p)` |
//! | `JSON_TABLE(a, '$' AS n PASSING b AS y COLUMNS (c int PATH '$.c' DEFAULT d ON EMPTY, NESTED …))` | `"json_table"(a, '$', b, d)` |
//! | `JSON_OBJECT('k' VALUE a, 'l' : b WITH UNIQUE KEYS)`             | `json_object('k', a, 'l', b)` |
//! | `JSON_ARRAY(SELECT …)`                                           | `json_array((SELECT …))` |
//!
//! What is left out are words, names of types and constants. A call of another form is left as it is.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::aside::closing;
use super::call::end_of_call;
use super::mark::Changes;
use super::{Adapter, bare, ends_operand, is};

/// How deep the columns of JSON_TABLE may nest; the parser's own limit is about the same.
const NESTED_MOST: usize = 16;

/// Whether such a call may begin with the second of two tokens.
pub(super) fn may_begin(before: &TokenWithSpan, token: &TokenWithSpan) -> bool {
    token.token == Token::LParen && bare(Some(before)).is_some_and(|name| name.starts_with("json"))
}

impl Adapter {
    /// At the parenthesis behind a name.
    pub(super) fn json(&mut self) {
        let Some(name) = bare(self.done.last()).filter(|name| name.starts_with("json")) else { return };
        let tokens = self.rest.as_slice();
        let Some(end) = end_of_call(tokens) else { return };
        let inner = tokens.get(..end).unwrap_or_default();
        let mut call = Call { tokens: inner, at: 0, changes: Vec::new() };
        let is_table = name == "json_table";
        let read = match name {
            "json_value" | "json_query" | "json_exists" => call.path().and_then(|()| call.clauses()),
            "json_table" => call.path().and_then(|()| call.table()),
            "json_array" if matches!(bare(inner.first()), Some("select" | "with")) => call.query(),
            "json" | "json_array" | "json_arrayagg" | "json_object" | "json_objectagg" | "json_scalar"
            | "json_serialize" => call.members().and_then(|()| call.clauses()),
            _ => return,
        };
        let Call { changes, .. } = call;
        let is_query = matches!(changes.last(), Some((_, becomes)) if becomes.last() == Some(&Token::RParen));
        if read.is_none() || changes.is_empty() || !self.mark(changes) {
            return;
        }
        if is_query {
            self.done.push(TokenWithSpan::wrap(Token::LParen));
        }
        if is_table {
            self.done.pop();
            self.done.push(TokenWithSpan::wrap(Token::make_word("json_table", Some('"'))));
        }
    }
}

/// The inside of a call being read.
struct Call<'t> {
    tokens: &'t [TokenWithSpan],
    at: usize,
    changes: Changes,
}

/// Words that a clause behind the arguments begins with.
fn begins_clause(token: Option<&TokenWithSpan>) -> bool {
    matches!(
        bare(token),
        Some(
            "absent"
                | "default"
                | "empty"
                | "error"
                | "false"
                | "keep"
                | "null"
                | "omit"
                | "returning"
                | "true"
                | "unknown"
                | "with"
                | "without"
        )
    )
}

impl<'t> Call<'t> {
    fn peek(&self) -> Option<&'t TokenWithSpan> {
        self.tokens.get(self.at)
    }

    fn ahead(&self, count: usize) -> Option<&'t TokenWithSpan> {
        self.tokens.get(self.at.saturating_add(count))
    }

    fn comes(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| bare(self.ahead(ahead)) == Some(word))
    }

    /// Leaves the next tokens out.
    fn drop(&mut self, count: usize) {
        for _ in 0..count {
            self.changes.push((self.at, Vec::new()));
            self.at = self.at.saturating_add(1);
        }
    }

    fn becomes(&mut self, tokens: Vec<Token>) {
        self.changes.push((self.at, tokens));
        self.at = self.at.saturating_add(1);
    }

    /// Passes one token, or all of a bracket.
    fn pass(&mut self) -> Option<()> {
        let rest = self.tokens.get(self.at..)?;
        let length = match rest.first()?.token {
            Token::LParen | Token::LBracket => closing(rest)?.saturating_add(1),
            Token::RParen | Token::RBracket => return None,
            _ => 1,
        };
        self.at = self.at.saturating_add(length);
        Some(())
    }

    /// Passes an expression up to a token that `ends` it; there must be one token at least.
    fn expression(&mut self, ends: impl Fn(&Self) -> bool) -> Option<()> {
        self.pass()?;
        while self.peek().is_some() && !ends(self) {
            self.pass()?;
        }
        Some(())
    }

    fn format(&mut self) {
        if self.comes(&["format", "json"]) {
            let encoded = bare(self.ahead(2)) == Some("encoding");
            self.drop(if encoded { 4 } else { 2 });
        }
    }

    /// `a [FORMAT JSON], path [AS name] [PASSING b AS y, …]`.
    fn path(&mut self) -> Option<()> {
        self.expression(|call| call.is_comma() || call.comes(&["format", "json"]))?;
        self.format();
        self.is_comma().then_some(())?;
        self.at = self.at.saturating_add(1);
        let ends = |call: &Self| {
            begins_clause(call.peek()) || matches!(bare(call.peek()), Some("as" | "columns" | "passing"))
        };
        self.expression(|call| ends(call) || call.is_comma())?;
        if bare(self.peek()) == Some("as") {
            self.name(1)?;
        }
        if bare(self.peek()) != Some("passing") {
            return Some(());
        }
        self.becomes(vec![Token::Comma]);
        loop {
            self.expression(|call| {
                call.is_comma() || bare(call.peek()) == Some("as") || call.comes(&["format", "json"])
            })?;
            self.format();
            (bare(self.peek()) == Some("as")).then_some(())?;
            self.name(1)?;
            if !self.is_comma() {
                return Some(());
            }
            self.at = self.at.saturating_add(1);
        }
    }

    fn is_comma(&self) -> bool {
        is(self.peek(), &Token::Comma)
    }

    /// Leaves out a name that stands behind so many words.
    fn name(&mut self, words: usize) -> Option<()> {
        matches!(self.ahead(words).map(|token| &token.token), Some(Token::Word(_))).then_some(())?;
        self.drop(words.saturating_add(1));
        Some(())
    }

    /// The clauses up to the end, or up to a comma.
    fn clauses(&mut self) -> Option<()> {
        while self.peek().is_some() && !self.is_comma() {
            self.clause()?;
        }
        self.peek().is_none().then_some(())
    }

    fn clause(&mut self) -> Option<()> {
        match bare(self.peek())? {
            "returning" => {
                self.drop(1);
                self.type_name()?;
                self.format();
                Some(())
            }
            "with" | "without" => {
                let unique = bare(self.ahead(1)) == Some("unique");
                let keys = unique && bare(self.ahead(2)) == Some("keys");
                let mut length: usize = match (unique, keys) {
                    (true, true) => 3,
                    (true, false) => 2,
                    (false, _) => 1,
                };
                if !unique {
                    for optional in ["conditional", "unconditional", "array"] {
                        length =
                            length.saturating_add(usize::from(bare(self.ahead(length)) == Some(optional)));
                    }
                    (bare(self.ahead(length)) == Some("wrapper")).then_some(())?;
                    length = length.saturating_add(1);
                }
                self.drop(length);
                Some(())
            }
            "keep" | "omit" => {
                (bare(self.ahead(1)) == Some("quotes")).then_some(())?;
                self.drop(2);
                if self.comes(&["on", "scalar", "string"]) {
                    self.drop(3);
                }
                Some(())
            }
            "default" => {
                self.becomes(vec![Token::Comma]);
                self.expression(|call| bare(call.peek()) == Some("on"))?;
                self.event()
            }
            "absent" | "error" | "false" | "null" | "true" | "unknown" => {
                self.drop(1);
                self.event()
            }
            "empty" => {
                let of = matches!(bare(self.ahead(1)), Some("array" | "object"));
                self.drop(if of { 2 } else { 1 });
                self.event()
            }
            _ => None,
        }
    }

    /// `ON EMPTY`, `ON ERROR`, `ON NULL`.
    fn event(&mut self) -> Option<()> {
        let known = matches!(bare(self.ahead(1)), Some("empty" | "error" | "null"));
        (bare(self.peek()) == Some("on") && known).then_some(())?;
        self.drop(2);
        Some(())
    }

    /// The name of a type: words, and constants in brackets.
    fn type_name(&mut self) -> Option<()> {
        matches!(self.peek().map(|token| &token.token), Some(Token::Word(_))).then_some(())?;
        self.drop(1);
        loop {
            let Some(token) = self.peek() else { return Some(()) };
            let zone = self.comes(&["with", "time", "zone"]) || self.comes(&["without", "time", "zone"]);
            match &token.token {
                _ if zone => self.drop(3),
                Token::Word(_)
                    if begins_clause(Some(token))
                        || matches!(bare(Some(token)), Some("exists" | "format" | "path")) =>
                {
                    return Some(());
                }
                Token::Word(_) | Token::Period => self.drop(1),
                Token::LParen | Token::LBracket => {
                    let rest = self.tokens.get(self.at..)?;
                    let close = closing(rest)?;
                    let inner = rest.get(1..close)?;
                    let constant = |token: &TokenWithSpan| {
                        matches!(token.token, Token::Number(..) | Token::Comma | Token::Minus)
                    };
                    inner.iter().all(constant).then_some(())?;
                    self.drop(close.saturating_add(1));
                }
                _ => return Some(()),
            }
        }
    }

    /// `COLUMNS (…) [ERROR ON ERROR]`.
    fn table(&mut self) -> Option<()> {
        self.columns(0)?;
        self.clauses()
    }

    fn columns(&mut self, depth: usize) -> Option<()> {
        (depth < NESTED_MOST && bare(self.peek()) == Some("columns") && is(self.ahead(1), &Token::LParen))
            .then_some(())?;
        self.drop(2);
        loop {
            self.column(depth)?;
            let ends = is(self.peek(), &Token::RParen);
            (ends || self.is_comma()).then_some(())?;
            self.drop(1);
            if ends {
                return Some(());
            }
        }
    }

    fn column(&mut self, depth: usize) -> Option<()> {
        let string = |token: Option<&TokenWithSpan>| {
            matches!(token.map(|token| &token.token), Some(Token::SingleQuotedString(_)))
        };
        if bare(self.peek()) == Some("nested") {
            let length = if bare(self.ahead(1)) == Some("path") { 2 } else { 1 };
            if string(self.ahead(length)) {
                self.drop(length.saturating_add(1));
                if bare(self.peek()) == Some("as") {
                    self.name(1)?;
                }
                return self.columns(depth.saturating_add(1));
            }
        }
        self.name(0)?;
        if self.comes(&["for", "ordinality"]) {
            self.drop(2);
            return Some(());
        }
        self.type_name()?;
        self.format();
        if bare(self.peek()) == Some("exists") {
            self.drop(1);
        }
        if bare(self.peek()) == Some("path") {
            string(self.ahead(1)).then_some(())?;
            self.drop(2);
        }
        while !self.is_comma() && !is(self.peek(), &Token::RParen) {
            self.clause()?;
        }
        Some(())
    }

    /// The members of what is made, up to the clauses: `a`, `k VALUE v`, `k : v`, `a ORDER BY b`.
    fn members(&mut self) -> Option<()> {
        while let Some(token) = self.peek() {
            let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
            let behind = ends_operand(before);
            if behind && self.is_clause() {
                return Some(());
            }
            let separates = match &token.token {
                Token::Colon => true,
                _ => {
                    let next = self.ahead(1).map(|token| &token.token);
                    let operand = !matches!(next, None | Some(Token::Comma | Token::Colon | Token::Period));
                    bare(Some(token)) == Some("value") && behind && operand
                }
            };
            match separates {
                true => self.becomes(vec![Token::Comma]),
                false if behind && self.comes(&["format", "json"]) => self.format(),
                false => self.pass()?,
            }
        }
        Some(())
    }

    /// Whether a clause begins here, which no expression goes on with.
    fn is_clause(&self) -> bool {
        self.comes(&["absent", "on", "null"])
            || self.comes(&["null", "on", "null"])
            || self.comes(&["with", "unique"])
            || self.comes(&["without", "unique"])
            || bare(self.peek()) == Some("returning")
    }

    /// `SELECT … [RETURNING type]`.
    fn query(&mut self) -> Option<()> {
        while self.peek().is_some() && bare(self.peek()) != Some("returning") {
            self.pass()?;
        }
        if self.peek().is_some() {
            self.becomes(Vec::new());
            self.type_name()?;
            self.format();
            self.peek().is_none().then_some(())?;
        }
        self.becomes(vec![Token::RParen, Token::RParen]);
        Some(())
    }
}
