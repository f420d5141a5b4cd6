//! Corrects, on the tokens, what the parser gets wrong about PostgreSQL or cannot read.
//!
//! - `ONLY` is taken for a table named so. It changes which rows are meant, not which table: it is left out.
//! - `CREATE USER` is read as another dialect's; it is `CREATE ROLE`, as is `CREATE GROUP`.
//! - `TABLE t` is not known as a statement: it is rewritten to what it stands for, `SELECT * FROM t`.
//! - Words that change nothing that facts tell are left out: `VARIADIC`, `OVERRIDING … VALUE`, `EXCLUDE …` of a
//!   window's frame, the options of a cursor ([`cursor`]) and of COPY ([`copy`]).
//! - Clauses that change no fact, or only where columns come from ([`clause`]).
//! - Calls with words between their arguments get commas ([`call`]).
//! - Row locks of all strengths and over several tables become those that the parser knows ([`lock`]).
//! - Tests that it does not know ([`test`]), parts of a SELECT ([`select`]), FROM items ([`source`]).
//! - SQL/JSON with its clauses becomes plain calls ([`json`]).
//! - Expressions in places where the parser expects none are set apart ([`aside`]).
//!
//! Each rewriting takes only what the server's grammar can mean in no other way. What it does not recognise goes to
//! the parser as it is.

mod aside;
mod call;
mod clause;
mod copy;
mod cursor;
mod json;
mod lock;
mod mark;
mod select;
mod source;
mod test;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::names::is_reserved;
use aside::Targets;
pub(crate) use aside::{closing, split};
use mark::Mark;

/// A statement as the parser should see it.
#[derive(Debug, Default)]
pub(crate) struct Adapted {
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// Expressions that were set apart, to be read by themselves.
    pub(crate) asides: Vec<Vec<TokenWithSpan>>,
    /// What was left out may change from which columns those of the result come.
    pub(crate) blurred: bool,
    /// What RETURNING calls the rows before and after.
    pub(crate) rows: Vec<String>,
}

/// The tokens as the parser should see them.
pub(crate) fn adapt(mut tokens: Vec<TokenWithSpan>) -> Adapted {
    if keyword(tokens.first()) == Some(Keyword::EXPLAIN) {
        // `EXPLAIN CREATE … AS … WITH NO DATA`: no query ends so.
        for ending in [["with", "no", "data"].as_slice(), &["with", "data"]] {
            let rest = tokens.len().checked_sub(ending.len());
            let last = rest.and_then(|at| tokens.get(at..)).unwrap_or_default();
            if last.len() == ending.len()
                && last.iter().zip(ending).all(|(token, word)| bare(Some(token)) == Some(word))
            {
                tokens.truncate(rest.unwrap_or_default());
            }
        }
    }
    let begins = [
        clause::may_begin,
        call::may_begin,
        json::may_begin,
        select::may_begin,
        source::may_begin,
        test::may_begin,
    ];
    let clauses = tokens.windows(2).any(
        |pair| matches!(pair, [before, token] if begins.iter().any(|may_begin| may_begin(before, token))),
    );
    let lists_nothing = keyword(tokens.last()) == Some(Keyword::SELECT);
    if !clauses && !lists_nothing && !tokens.iter().any(is_touched) {
        return Adapted { tokens, ..Adapted::default() };
    }
    let mut adapter = Adapter {
        done: Vec::with_capacity(tokens.len().saturating_add(4)),
        rest: tokens.into_iter(),
        asides: Vec::new(),
        targets: Targets::default(),
        marks: Vec::new(),
        closing: false,
        blurred: false,
        rows: Vec::new(),
    };
    match keyword(adapter.peek(0)) {
        Some(Keyword::COPY) => adapter.copy(),
        Some(Keyword::DECLARE) => adapter.cursor(),
        _ => {}
    }
    while let Some(token) = adapter.rest.next() {
        adapter.token(token);
    }
    let Adapter { done: tokens, asides, blurred, rows, .. } = adapter;
    Adapted { tokens, asides, blurred, rows }
}

/// The keyword that a token is, `NoKeyword` for other bare words, none for anything else.
pub(crate) fn keyword(token: Option<&TokenWithSpan>) -> Option<Keyword> {
    match token.map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

/// The bare word that a token is.
fn bare(token: Option<&TokenWithSpan>) -> Option<&str> {
    match token.map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.value.as_str()),
        _ => None,
    }
}

fn is(token: Option<&TokenWithSpan>, wanted: &Token) -> bool {
    token.is_some_and(|token| token.token == *wanted)
}

/// Whether a token may be one that is rewritten.
fn is_touched(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::LBracket => true,
        Token::Word(word) if word.quote_style.is_none() => match word.keyword {
            Keyword::NoKeyword => word.value == "overriding",
            other => matches!(
                other,
                Keyword::ALL
                    | Keyword::ANY
                    | Keyword::COLLATE
                    | Keyword::CONFLICT
                    | Keyword::COPY
                    | Keyword::DECLARE
                    | Keyword::EXCLUDE
                    | Keyword::FOLLOWING
                    | Keyword::FOR
                    | Keyword::GROUP
                    | Keyword::MERGE
                    | Keyword::ONLY
                    | Keyword::PRECEDING
                    | Keyword::SOME
                    | Keyword::TABLE
                    | Keyword::USER
                    | Keyword::VARIADIC
            ),
        },
        _ => false,
    }
}

/// Whether a statement begins like a query, or like what a rule may have beside one.
pub(crate) fn is_query(tokens: &[TokenWithSpan]) -> bool {
    is(tokens.first(), &Token::LParen)
        || matches!(
            keyword(tokens.first()),
            Some(
                Keyword::SELECT
                    | Keyword::WITH
                    | Keyword::VALUES
                    | Keyword::TABLE
                    | Keyword::INSERT
                    | Keyword::UPDATE
                    | Keyword::DELETE
                    | Keyword::MERGE
                    | Keyword::NOTIFY
            )
        )
}

fn word(text: &str) -> TokenWithSpan {
    TokenWithSpan::wrap(Token::make_word(text, None))
}

/// Whether an operand may end with a token.
pub(crate) fn ends_operand(token: Option<&TokenWithSpan>) -> bool {
    match token.map(|token| &token.token) {
        Some(
            Token::RParen
            | Token::RBracket
            | Token::Number(..)
            | Token::Placeholder(_)
            | Token::SingleQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::HexStringLiteral(_),
        ) => true,
        Some(Token::Word(word)) => {
            let bare = word.quote_style.is_none();
            !bare || !is_reserved(&word.value) || matches!(word.value.as_str(), "end" | "null")
        }
        _ => false,
    }
}

struct Adapter {
    rest: std::vec::IntoIter<TokenWithSpan>,
    done: Vec<TokenWithSpan>,
    asides: Vec<Vec<TokenWithSpan>>,
    targets: Targets,
    /// Tokens further on that are left out or become others; the next one last.
    marks: Vec<Mark>,
    /// ONLY may have its table in parentheses.
    closing: bool,
    blurred: bool,
    rows: Vec<String>,
}

impl Adapter {
    /// The token `ahead` of the next one.
    fn peek(&self, ahead: usize) -> Option<&TokenWithSpan> {
        self.rest.as_slice().get(ahead)
    }

    /// Whether the bare words `words` come next.
    fn comes(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| bare(self.peek(ahead)) == Some(word))
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.rest.next();
        }
    }

    /// Whether the token at hand is a name whatever it says: it stands behind a period or behind AS.
    fn is_label(&self) -> bool {
        is(self.done.last(), &Token::Period) || keyword(self.done.last()) == Some(Keyword::AS)
    }

    fn token(&mut self, token: TokenWithSpan) {
        if self.marked(&token.token) {
            return;
        }
        self.call(&token);
        self.united(&token);
        if !self.is_label() && (self.clause(&token) || self.test(&token) || self.select(&token)) {
            return;
        }
        if self.source(&token) {
            return;
        }
        match keyword(Some(&token)) {
            Some(Keyword::ONLY) if relation_follows(self.done.last()) => {
                self.closing = is(self.peek(0), &Token::LParen);
                self.skip(usize::from(self.closing));
            }
            Some(Keyword::TABLE) if query_may_start(self.done.last()) => {
                self.done.extend([word("select"), TokenWithSpan::wrap(Token::Mul), word("from")]);
            }
            Some(Keyword::USER | Keyword::GROUP)
                if self.done.len() == 1 && keyword(self.done.last()) == Some(Keyword::CREATE) =>
            {
                self.done.push(word("role"));
            }
            Some(Keyword::FOR) if !self.is_label() && (self.collation_for() || self.lock()) => {}
            Some(Keyword::VARIADIC) if argument_follows(self.done.last()) => {}
            Some(Keyword::EXCLUDE) if self.is_frame_exclusion() => {
                let skipped = usize::from(bare(self.peek(1)).is_some()).saturating_add(1);
                self.skip(skipped);
            }
            Some(Keyword::NoKeyword) if bare(Some(&token)) == Some("overriding") && self.is_overriding() => {
                self.skip(2);
            }
            Some(Keyword::CONFLICT) => {
                let cut = keyword(self.done.last()) == Some(Keyword::ON);
                self.done.push(token);
                if cut {
                    self.conflict_target();
                }
            }
            Some(Keyword::INTO) => {
                let inserts = keyword(self.done.last()) == Some(Keyword::INSERT);
                self.done.push(token);
                if inserts {
                    self.inserted_table();
                    self.inserted_columns();
                }
            }
            Some(Keyword::COLLATE) if self.is_behind_a_cast() => self.collation(token),
            Some(Keyword::ANY | Keyword::SOME | Keyword::ALL) if is(self.peek(0), &Token::LParen) => {
                self.like();
                self.plain_operator();
                if !self.listed_rows(&token) {
                    self.done.push(token);
                }
            }
            None if token.token == Token::DoubleColon && self.is_in_a_bound() => self.skip(1),
            None if self.closing && token.token == Token::RParen => self.closing = false,
            _ => self.assignment(token),
        }
    }

    /// Behind EXCLUDE: whether it ends the frame of a window.
    fn is_frame_exclusion(&self) -> bool {
        let framed = matches!(bare(self.done.last()), Some("row" | "preceding" | "following"));
        let [two, one]: [&[&[&str]]; 2] =
            [&[&["current", "row"], &["no", "others"]], &[&["group"], &["ties"]]];
        let length =
            match (two.iter().any(|words| self.comes(words)), one.iter().any(|words| self.comes(words))) {
                (true, _) => 2,
                (_, true) => 1,
                _ => return false,
            };
        framed && is(self.peek(length), &Token::RParen)
    }

    /// Behind `'1 year'::`: whether it is a bound of a window's frame, which the parser takes for an interval as it is.
    fn is_in_a_bound(&self) -> bool {
        let constant =
            matches!(self.done.last().map(|token| &token.token), Some(Token::SingleQuotedString(_)));
        let named = matches!(self.peek(0).map(|token| &token.token), Some(Token::Word(_)));
        constant && named && matches!(keyword(self.peek(1)), Some(Keyword::PRECEDING | Keyword::FOLLOWING))
    }

    /// Behind OVERRIDING: three words in a row are nothing else.
    fn is_overriding(&self) -> bool {
        let value = self.comes(&["system", "value"]) || self.comes(&["user", "value"]);
        value && !self.is_label() && {
            let next = keyword(self.peek(2));
            matches!(next, Some(Keyword::VALUES | Keyword::SELECT | Keyword::WITH | Keyword::TABLE))
                || is(self.peek(2), &Token::LParen)
        }
    }

    /// Behind `::text` or `::char(11)`.
    fn is_behind_a_cast(&self) -> bool {
        let mut before = self.done.iter().rev().map(|token| &token.token);
        let mut last = before.next();
        if last == Some(&Token::RParen) {
            let modifier = before.next();
            if !matches!(modifier, Some(Token::Number(..))) || before.next() != Some(&Token::LParen) {
                return false;
            }
            last = before.next();
        }
        matches!(last, Some(Token::Word(_))) && before.next() == Some(&Token::DoubleColon)
    }

    /// `x::text COLLATE "C"`: the parser cannot read it in an operand. The collation changes no fact.
    fn collation(&mut self, token: TokenWithSpan) {
        let length = aside::name_length(self.rest.as_slice());
        let reserved = bare(self.peek(0)).is_some_and(is_reserved);
        match length {
            // A label: what follows is the next clause.
            _ if reserved => self.done.push(token),
            0 => self.done.push(token),
            _ => self.skip(length),
        }
    }

    /// In front of ANY or ALL: the parser knows the operators of comparison only. Any other becomes one that bounds
    /// no write.
    fn plain_operator(&mut self) {
        match self.done.last().map(|token| &token.token) {
            // OPERATOR(schema.op) is `OPERATOR`, `(`, …, `)`.
            Some(Token::RParen) => {
                let open = self.done.iter().rposition(|token| token.token == Token::LParen);
                let Some(at) = open.and_then(|open| open.checked_sub(1)) else { return };
                if keyword(self.done.get(at)) == Some(Keyword::OPERATOR) {
                    self.done.truncate(at);
                    self.done.push(TokenWithSpan::wrap(Token::ExclamationMarkTilde));
                }
            }
            Some(token) if is_other_operator(token) => {
                self.done.pop();
                self.done.push(TokenWithSpan::wrap(Token::ExclamationMarkTilde));
            }
            _ => {}
        }
    }
}

/// Binary operators that are not among those that the parser takes before ANY.
fn is_other_operator(token: &Token) -> bool {
    matches!(
        token,
        Token::CustomBinaryOperator(_)
            | Token::AtAt
            | Token::AtArrow
            | Token::ArrowAt
            | Token::Overlap
            | Token::StringConcat
            | Token::ShiftLeft
            | Token::ShiftRight
            | Token::CaretAt
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::Plus
            | Token::Minus
    )
}

fn argument_follows(before: Option<&TokenWithSpan>) -> bool {
    is(before, &Token::LParen) || is(before, &Token::Comma)
}

fn relation_follows(before: Option<&TokenWithSpan>) -> bool {
    match before.map(|before| &before.token) {
        Some(Token::Comma | Token::LParen) => true,
        _ => matches!(
            keyword(before),
            Some(
                Keyword::FROM
                    | Keyword::JOIN
                    | Keyword::UPDATE
                    | Keyword::USING
                    | Keyword::INTO
                    | Keyword::ON
                    | Keyword::LOCK
            )
        ),
    }
}

fn query_may_start(before: Option<&TokenWithSpan>) -> bool {
    match before.map(|before| &before.token) {
        None | Some(Token::LParen | Token::RParen) => true,
        _ => matches!(
            keyword(before),
            Some(
                Keyword::AS
                    | Keyword::UNION
                    | Keyword::EXCEPT
                    | Keyword::INTERSECT
                    | Keyword::ALL
                    | Keyword::DISTINCT
                    | Keyword::FOR
                    | Keyword::EXPLAIN
                    | Keyword::ANALYZE
                    | Keyword::VERBOSE
            )
        ),
    }
}
