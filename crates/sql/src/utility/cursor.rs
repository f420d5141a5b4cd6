//! A position in a list of tokens.

mod span;

use chaperone_model::facts::{Access, ObjectKind, Relation};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::names::is_reserved;

#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
}

/// A name of up to three parts.
#[derive(Debug)]
pub(crate) struct Name<'a> {
    schema: Option<&'a str>,
    name: &'a str,
    parts: Vec<&'a str>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(tokens: &'a [TokenWithSpan]) -> Self {
        Self { tokens }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.first().map(|token| &token.token)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(&first.token)
    }

    fn peek_bare(&self) -> Option<&'a str> {
        match self.peek() {
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.value.as_str()),
            _ => None,
        }
    }

    /// The next token if it is a bare word.
    pub(crate) fn bare(&mut self) -> Option<&'a str> {
        let word = self.peek_bare()?;
        self.next();
        Some(word)
    }

    /// Passes the bare word `wanted`.
    pub(crate) fn word(&mut self, wanted: &str) -> bool {
        let found = self.peek_bare() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    /// Passes all of these bare words, or none.
    pub(crate) fn words(&mut self, wanted: &[&str]) -> bool {
        let mut ahead = self.clone();
        let found = wanted.iter().all(|word| ahead.word(word));
        if found {
            *self = ahead;
        }
        found
    }

    pub(crate) fn comma(&mut self) -> bool {
        self.pass(&Token::Comma)
    }

    pub(crate) fn equals(&mut self) -> bool {
        self.pass(&Token::Eq)
    }

    pub(crate) fn open(&mut self) -> bool {
        self.pass(&Token::LParen)
    }

    pub(crate) fn close(&mut self) -> bool {
        self.pass(&Token::RParen)
    }

    /// Passes what stands before the next comma or the end of the parentheses that it is in.
    pub(crate) fn skip_value(&mut self) {
        while !matches!(self.peek(), None | Some(Token::Comma | Token::RParen)) {
            if self.peek() == Some(&Token::LParen) {
                self.skip_parentheses();
            } else {
                self.next();
            }
        }
    }

    fn pass(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    /// Passes a string literal.
    pub(crate) fn string(&mut self) -> bool {
        let found = matches!(self.peek(), Some(Token::SingleQuotedString(_)));
        if found {
            self.next();
        }
        found
    }

    /// Passes an integer and its sign.
    pub(crate) fn integer(&mut self) -> bool {
        let signed = usize::from(matches!(self.peek(), Some(Token::Plus | Token::Minus)));
        let found = match self.tokens.get(signed).map(|token| &token.token) {
            Some(Token::Number(digits, _)) => digits.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        if found {
            self.tokens = self.tokens.get(signed.saturating_add(1)..).unwrap_or_default();
        }
        found
    }

    /// Passes a name that has no schema.
    pub(crate) fn simple_name(&mut self) -> Option<()> {
        self.part(true).map(|_| ())
    }

    /// Passes a parenthesised list, nested ones included.
    pub(crate) fn skip_parentheses(&mut self) {
        if self.peek() != Some(&Token::LParen) {
            return;
        }
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token {
                Token::LParen => depth = depth.saturating_add(1),
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Passes a parenthesised list of options: names, `=`, constants.
    pub(crate) fn options(&mut self) -> Option<()> {
        self.list(|token| matches!(token, Token::Eq | Token::Period))
    }

    /// Passes a parenthesised list of constants, also of those that a type stands before or behind.
    pub(crate) fn constants(&mut self) -> Option<()> {
        self.list(|token| matches!(token, Token::DoubleColon | Token::NationalStringLiteral(_)))
    }

    /// Passes a parenthesised list of words and constants, without a call.
    fn list(&mut self, also: impl Fn(&Token) -> bool) -> Option<()> {
        let mut ahead = self.clone();
        ahead.pass(&Token::LParen).then_some(())?;
        loop {
            match ahead.next()? {
                Token::RParen => break,
                Token::Word(_)
                | Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::Comma
                | Token::Plus
                | Token::Minus => {}
                token if also(token) => {}
                _ => return None,
            }
        }
        *self = ahead;
        Some(())
    }

    /// Whether nothing but a list of values is left.
    pub(crate) fn values(&self) -> bool {
        self.tokens.iter().all(|token| {
            matches!(
                token.token,
                Token::Word(_)
                    | Token::Number(..)
                    | Token::SingleQuotedString(_)
                    | Token::Comma
                    | Token::Plus
                    | Token::Minus
                    | Token::LParen
                    | Token::RParen
            )
        })
    }

    /// Passes a list of values to the end.
    pub(crate) fn skip_values(&mut self) -> Option<()> {
        self.values().then(|| self.tokens = &[])
    }

    /// A role, or a word that stands for one: CURRENT_USER, PUBLIC.
    pub(crate) fn role(&mut self) -> Option<&'a str> {
        let words = ["current_role", "current_user", "session_user", "user"];
        match self.peek_bare() {
            Some(word) if words.contains(&word) => self.bare(),
            _ => self.part(true),
        }
    }

    /// A parenthesised list of columns, if one is there.
    pub(crate) fn columns(&mut self) -> Option<Vec<&'a str>> {
        let mut columns = Vec::new();
        if !self.pass(&Token::LParen) {
            return Some(columns);
        }
        loop {
            columns.push(self.part(true)?);
            if !self.comma() {
                break;
            }
        }
        self.pass(&Token::RParen).then_some(columns)
    }

    /// A relation that ONLY may stand before and `*` behind.
    pub(crate) fn relation_name(&mut self) -> Option<Name<'a>> {
        self.word("only");
        let name = self.name()?;
        self.pass(&Token::Mul);
        Some(name)
    }

    /// A name; a bare word that PostgreSQL reserves is none.
    pub(crate) fn name(&mut self) -> Option<Name<'a>> {
        let mut parts = vec![self.part(true)?];
        while self.peek() == Some(&Token::Period) {
            self.next();
            parts.push(self.part(false)?);
        }
        let name = parts.last().copied()?;
        let schema = parts.len().checked_sub(2).and_then(|at| parts.get(at)).copied();
        Some(Name { schema, name, parts })
    }

    /// Passes IF EXISTS.
    pub(crate) fn if_exists(&mut self) {
        self.words(&["if", "exists"]);
    }

    /// Passes IF NOT EXISTS.
    pub(crate) fn if_not_exists(&mut self) {
        self.words(&["if", "not", "exists"]);
    }

    /// Passes a number and its sign.
    pub(crate) fn number(&mut self) -> bool {
        let signed = usize::from(matches!(self.peek(), Some(Token::Plus | Token::Minus)));
        let found = matches!(self.tokens.get(signed).map(|token| &token.token), Some(Token::Number(..)));
        if found {
            self.tokens = self.tokens.get(signed.saturating_add(1)..).unwrap_or_default();
        }
        found
    }

    /// The next token if it is a string literal; what it says.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let Some(Token::SingleQuotedString(text)) = self.peek() else { return None };
        self.next();
        Some(text)
    }

    /// A word, quoted or not, as it is.
    pub(crate) fn any_word(&mut self) -> Option<&'a str> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        self.next();
        Some(word.value.as_str())
    }

    /// Passes a semicolon, which a rule and the body of a function may have.
    pub(crate) fn semicolon(&mut self) -> bool {
        self.pass(&Token::SemiColon)
    }

    fn part(&mut self, first: bool) -> Option<&'a str> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        if first && word.quote_style.is_none() && is_reserved(&word.value) {
            return None;
        }
        self.next();
        Some(word.value.as_str())
    }
}

impl<'a> Name<'a> {
    /// The table and the column that `table.column` names.
    pub(crate) fn of_column(&self) -> Option<(Self, &'a str)> {
        let (column, parts) = self.parts.split_last()?;
        let name = parts.last().copied()?;
        let schema = parts.len().checked_sub(2).and_then(|at| parts.get(at)).copied();
        Some((Self { schema, name, parts: parts.to_vec() }, column))
    }
}

impl Name<'_> {
    pub(crate) fn relation(&self, kind: ObjectKind, access: Access) -> Relation {
        Relation { schema: self.schema.map(str::to_owned), name: self.name.to_owned(), kind, access }
    }

    /// The parts with periods between them.
    pub(crate) fn dotted(&self) -> String {
        self.parts.join(".")
    }
}
