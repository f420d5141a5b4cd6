//! A position in a list of tokens.

use chaperone_model::facts::{Access, ObjectKind, Relation};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::adapt::{closing, ends_operand, split};
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

    /// Passes a list in parentheses; what is in it.
    pub(crate) fn parentheses(&mut self) -> Option<&'a [TokenWithSpan]> {
        if self.peek() != Some(&Token::LParen) {
            return None;
        }
        let close = closing(self.tokens)?;
        let inner = self.tokens.get(1..close)?;
        self.tokens = self.tokens.get(close.saturating_add(1)..)?;
        Some(inner)
    }

    /// Passes a list in parentheses; its members.
    pub(crate) fn members(&mut self) -> Option<Vec<Self>> {
        let inner = self.parentheses()?;
        if inner.is_empty() {
            return Some(Vec::new());
        }
        Some(split(inner, &Token::Comma).map(Self::new).collect())
    }

    /// Passes everything.
    pub(crate) fn rest(&mut self) -> &'a [TokenWithSpan] {
        std::mem::take(&mut self.tokens)
    }

    /// Passes an expression, up to a comma or to a bare word that `ends` it; one token at least.
    pub(crate) fn expression(&mut self, ends: impl Fn(&str) -> bool) -> Option<&'a [TokenWithSpan]> {
        let start = self.tokens;
        let mut before: Option<&TokenWithSpan> = None;
        loop {
            let length = start.len().saturating_sub(self.tokens.len());
            let behind_operand = before.is_some_and(|before| {
                ends_operand(Some(before))
                    && !matches!(&before.token, Token::Word(word) if word.value == "is")
            });
            let ended = match self.peek() {
                None | Some(Token::Comma | Token::RParen | Token::RBracket) => true,
                Some(Token::Word(word)) => {
                    behind_operand && word.quote_style.is_none() && ends(word.value.as_str())
                }
                Some(_) => false,
            };
            if ended {
                return start.get(..length).filter(|tokens| !tokens.is_empty());
            }
            let step = match self.peek() {
                Some(Token::LParen | Token::LBracket) => closing(self.tokens)?,
                _ => 0,
            };
            before = self.tokens.get(step);
            self.tokens = self.tokens.get(step.saturating_add(1)..)?;
        }
    }

    /// Passes everything before the last words, if these are the last ones.
    pub(crate) fn before(&mut self, words: &[&str]) -> Option<Self> {
        let at = self.tokens.len().checked_sub(words.len())?;
        let mut tail = Self::new(self.tokens.get(at..)?);
        if !tail.words(words) {
            return None;
        }
        let before = self.tokens.get(..at)?;
        self.tokens = &[];
        Some(Self::new(before))
    }

    /// Passes what an index may be made of: an expression in parentheses, a call or a name.
    pub(crate) fn operand(&mut self) -> Option<&'a [TokenWithSpan]> {
        if self.peek() == Some(&Token::LParen) {
            return self.parentheses();
        }
        let start = self.tokens;
        self.name()?;
        if self.peek() == Some(&Token::LParen) {
            self.parentheses()?;
        }
        start.get(..start.len().saturating_sub(self.tokens.len()))
    }

    /// Passes what stands before the first bare WITH outside of brackets.
    pub(crate) fn before_with(&mut self) -> Option<&'a [TokenWithSpan]> {
        let start = self.tokens;
        while !self.clone().word("with") {
            match self.peek()? {
                Token::LParen | Token::LBracket => {
                    let close = closing(self.tokens)?;
                    self.tokens = self.tokens.get(close.saturating_add(1)..)?;
                }
                _ => {
                    self.next();
                }
            }
        }
        start.get(..start.len().saturating_sub(self.tokens.len()))
    }

    /// Passes names of types and arguments, and constants; nothing that is computed.
    pub(crate) fn names_and_types(&mut self) -> &'a [TokenWithSpan] {
        let start = self.tokens;
        while matches!(
            self.peek(),
            Some(
                Token::Word(_)
                    | Token::Period
                    | Token::Number(..)
                    | Token::LBracket
                    | Token::RBracket
                    | Token::Mod
            )
        ) && !self.clone().word("default")
        {
            self.next();
            let _ = self.constants();
        }
        start.get(..start.len().saturating_sub(self.tokens.len())).unwrap_or_default()
    }

    /// Passes what CREATE SCHEMA makes next: up to the next CREATE or GRANT outside of brackets.
    pub(crate) fn schema_element(&mut self) -> Option<&'a [TokenWithSpan]> {
        let start = self.tokens;
        matches!(self.bare()?, "create" | "grant").then_some(())?;
        while !self.at_end() && !matches!(self.peek_bare(), Some("create" | "grant")) {
            match self.peek()? {
                Token::LParen | Token::LBracket => {
                    let close = closing(self.tokens)?;
                    self.tokens = self.tokens.get(close.saturating_add(1)..)?;
                }
                _ => {
                    self.next();
                }
            }
        }
        start.get(..start.len().saturating_sub(self.tokens.len()))
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

    /// Passes the name of a type, with what may stand behind it.
    pub(crate) fn type_name(&mut self) -> Option<()> {
        self.word("setof");
        let first = self.part(true)?;
        match first {
            "double" => {
                self.word("precision");
            }
            "national" => {
                let _ = self.word("character") || self.word("char");
                self.word("varying");
            }
            "character" | "char" | "nchar" | "bit" => {
                self.word("varying");
            }
            "interval" => {
                let fields = ["year", "month", "day", "hour", "minute", "second", "to"];
                while fields.iter().any(|field| self.word(field)) {}
            }
            _ => {}
        }
        while self.pass(&Token::Period) {
            self.part(false)?;
        }
        if self.pass(&Token::Mod) {
            return self.word("type").then_some(());
        }
        if self.peek() == Some(&Token::LParen) {
            self.list(|_| false)?;
        }
        if matches!(first, "time" | "timestamp") {
            let _ = self.words(&["with", "time", "zone"]) || self.words(&["without", "time", "zone"]);
        }
        self.word("array");
        while self.pass(&Token::LBracket) {
            self.number();
            self.pass(&Token::RBracket).then_some(())?;
        }
        Some(())
    }

    /// Passes an operator, which may have a schema; its name.
    pub(crate) fn operator(&mut self) -> Option<String> {
        if self.word("operator") {
            let mut inner = Self::new(self.parentheses()?);
            let name = inner.operator()?;
            return inner.at_end().then_some(name);
        }
        while matches!(self.peek(), Some(Token::Word(_))) {
            self.next();
            self.pass(&Token::Period).then_some(())?;
        }
        match self.peek()? {
            Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Comma
            | Token::LParen
            | Token::RParen
            | Token::LBracket
            | Token::RBracket
            | Token::Period
            | Token::Colon
            | Token::DoubleColon
            | Token::SemiColon
            | Token::Placeholder(_) => None,
            operator => {
                let name = operator.to_string();
                self.next();
                Some(name)
            }
        }
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

    /// Passes what stands before the next semicolon outside of brackets.
    pub(crate) fn before_semicolon(&mut self) -> Option<&'a [TokenWithSpan]> {
        let end = split(self.tokens, &Token::SemiColon).next()?.len();
        let before = self.tokens.get(..end)?;
        self.tokens = self.tokens.get(end..)?;
        Some(before)
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
