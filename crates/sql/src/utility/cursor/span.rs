//! Longer spans of tokens: expressions, lists in parentheses, names of types, parts of a statement.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Cursor;
use crate::adapt::{closing, ends_operand, split};

impl<'a> Cursor<'a> {
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

    /// Passes a token, or a bracket with all that is in it; the last token of it.
    fn item(&mut self) -> Option<&'a TokenWithSpan> {
        let last = match self.peek()? {
            Token::LParen | Token::LBracket => closing(self.tokens)?,
            _ => 0,
        };
        let token = self.tokens.get(last)?;
        self.tokens = self.tokens.get(last.saturating_add(1)..)?;
        Some(token)
    }

    /// What was passed since `start`.
    fn since(&self, start: &'a [TokenWithSpan]) -> Option<&'a [TokenWithSpan]> {
        start.get(..start.len().saturating_sub(self.tokens.len()))
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
            before = Some(self.item()?);
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
        self.since(start)
    }

    /// Passes what stands before the first bare WITH outside of brackets.
    pub(crate) fn before_with(&mut self) -> Option<&'a [TokenWithSpan]> {
        let start = self.tokens;
        while !self.clone().word("with") {
            self.item()?;
        }
        self.since(start)
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
        self.since(start).unwrap_or_default()
    }

    /// Passes what CREATE SCHEMA makes next: up to the next CREATE or GRANT outside of brackets.
    pub(crate) fn schema_element(&mut self) -> Option<&'a [TokenWithSpan]> {
        let start = self.tokens;
        matches!(self.bare()?, "create" | "grant").then_some(())?;
        while !self.at_end() && !matches!(self.peek_bare(), Some("create" | "grant")) {
            self.item()?;
        }
        self.since(start)
    }

    /// Passes what stands before the next semicolon outside of brackets.
    pub(crate) fn before_semicolon(&mut self) -> Option<&'a [TokenWithSpan]> {
        let end = split(self.tokens, &Token::SemiColon).next()?.len();
        let before = self.tokens.get(..end)?;
        self.tokens = self.tokens.get(end..)?;
        Some(before)
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
}
