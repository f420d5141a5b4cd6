//! PostgreSQL's own lexical rules (`scan.l`), producing the parser's tokens.
//!
//! The parser's tokenizer serves a dozen dialects; every text that it would cut differently from the server is a
//! place to hide a statement. So it is not used: this scanner follows the server's rules, folds and truncates
//! names as the server does, and refuses what server versions cut differently:
//!
//! - a number that runs into a word (`1union` is two tokens up to PostgreSQL 15 and an error since),
//! - a semicolon inside parentheses, but those of a rule.
//!
//! Strings are taken to be standard (`standard_conforming_strings` is `on`), and a backslash in them is a letter; whoever
//! lets a text through must know that the server's are.

mod gauge;
mod keywords;
mod operator;
mod quoted;

use chaperone_model::facts::Opaque;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::limits::{Limits, MAX_DEPTH};
use crate::shape::OPEN;
use gauge::Gauge;

/// The most bytes that PostgreSQL keeps of a name (NAMEDATALEN - 1).
pub(crate) const NAME_BYTES: usize = 63;

/// How many bytes of a text a token takes, blanks included; fewer than most take.
const BYTES_A_TOKEN: usize = 5;

/// The tokens of each statement, and why the text cannot be trusted as a whole.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) statements: Vec<Vec<TokenWithSpan>>,
    pub(crate) opaque: Option<Opaque>,
}

/// Cuts `text` into tokens and statements.
pub(crate) fn lex(text: &str, limits: &Limits) -> Result<Lexed, Opaque> {
    let mut scanner = Scanner {
        text,
        at: 0,
        tokens: Vec::with_capacity(tokens_expected(text)),
        count: 0,
        atomic: false,
        gauge: Gauge::new(limits),
        limits,
        lexed: Lexed::default(),
    };
    while scanner.skip_blank()? {
        scanner.token()?;
    }
    scanner.end_statement()?;
    Ok(scanner.lexed)
}

/// Enough for most short texts, without a promise to a long one.
fn tokens_expected(text: &str) -> usize {
    text.len().div_euclid(BYTES_A_TOKEN).clamp(4, 64)
}

/// A name as PostgreSQL stores it: folded by ASCII rules unless quoted, cut at 63 bytes.
pub(crate) fn name(text: &str, folded: bool) -> String {
    let mut end = text.len().min(NAME_BYTES);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let kept = text.get(..end).unwrap_or_default();
    if folded { kept.to_ascii_lowercase() } else { kept.to_owned() }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<TokenWithSpan>,
    count: usize,
    /// In the body of a function, between BEGIN ATOMIC and END.
    atomic: bool,
    gauge: Gauge,
    limits: &'a Limits,
    lexed: Lexed,
}

impl<'a> Scanner<'a> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at.saturating_add(ahead)).copied()
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The end of the run of bytes from `from` on for which `wanted` holds.
    fn run(&self, from: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from.saturating_add(rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len()))
    }

    /// Skips white space and comments; false at the end of the text.
    fn skip_blank(&mut self) -> Result<bool, Opaque> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Ok(false),
                (Some(byte), _) if is_space(byte) => self.at = self.run(self.at, is_space),
                (Some(b'-'), Some(b'-')) => {
                    self.at = self.run(self.at, |byte| byte != b'\n' && byte != b'\r')
                }
                (Some(b'/'), Some(b'*')) => self.skip_block_comment()?,
                (Some(_), _) => return Ok(true),
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), Opaque> {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth = depth.saturating_add(1);
                    // PostgreSQL's own lexer takes minutes for hundreds of thousands.
                    if depth > MAX_DEPTH {
                        return Err(Opaque::Limit("max_depth".to_owned()));
                    }
                    self.at = self.at.saturating_add(2);
                }
                (Some(b'*'), Some(b'/')) => {
                    depth = depth.saturating_sub(1);
                    self.at = self.at.saturating_add(2);
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at = self.at.saturating_add(1),
                (None, _) => return Err(unterminated("comment")),
            }
        }
    }

    fn token(&mut self) -> Result<(), Opaque> {
        let (Some(first), second) = (self.peek(0), self.peek(1)) else {
            return Ok(());
        };
        match (first, second) {
            (b'\'', _) => self.string(0, quoted::Escapes::Plain),
            (b'e' | b'E', Some(b'\'')) => self.string(1, quoted::Escapes::Backslash),
            (b'n' | b'N', Some(b'\'')) => self.string(1, quoted::Escapes::Plain),
            (b'b' | b'B', Some(b'\'')) => self.string(1, quoted::Escapes::Bits),
            (b'x' | b'X', Some(b'\'')) => self.string(1, quoted::Escapes::Hex),
            (b'u' | b'U', Some(b'&')) if self.peek(2) == Some(b'\'') => {
                self.string(2, quoted::Escapes::Unicode)
            }
            (b'u' | b'U', Some(b'&')) if self.peek(2) == Some(b'"') => self.quoted_name(2, true),
            (b'"', _) => self.quoted_name(0, false),
            (b'$', _) => self.dollar(),
            (b'0'..=b'9', _) | (b'.', Some(b'0'..=b'9')) => self.number(),
            (0, _) => self.open_number(),
            (byte, _) if is_name_start(byte) => self.word(),
            (byte, _) if operator::is_operator_byte(byte) => self.operator(),
            _ => self.punctuation(first, second),
        }
    }

    fn word(&mut self) -> Result<(), Opaque> {
        let end = self.run(self.at, is_name_part);
        let word = name(self.slice(self.at, end), true);
        self.at = end;
        if word == "atomic" && self.last_keyword() == Some(Keyword::BEGIN) {
            if self.atomic || self.gauge.depth() > 0 || !self.creates(&["function", "procedure"]) {
                self.lexed.opaque.get_or_insert(Opaque::Construct("begin atomic".to_owned()));
            }
            self.atomic = true;
        }
        // Elsewhere it is a label, or the end of a CASE.
        if word == "end" && self.atomic && self.gauge.depth() == 0 && self.ends_query() {
            self.atomic = false;
        }
        let keyword = keywords::lookup(&word);
        self.push(Token::Word(Word { value: word, quote_style: None, keyword }))
    }

    fn last_keyword(&self) -> Option<Keyword> {
        match self.tokens.last() {
            Some(TokenWithSpan { token: Token::Word(word), .. }) => Some(word.keyword),
            _ => None,
        }
    }

    fn number(&mut self) -> Result<(), Opaque> {
        let start = self.at;
        let radix = matches!(
            (self.peek(0), self.peek(1)),
            (Some(b'0'), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B'))
        );
        let mut end = if radix {
            self.run(start.saturating_add(2), |byte| byte.is_ascii_hexdigit() || byte == b'_')
        } else {
            let mut end = self.run(start, is_digit);
            // `1..2` is a number, two periods and a number.
            if self.byte(end) == Some(b'.') && self.byte(end.saturating_add(1)) != Some(b'.') {
                end = self.run(end.saturating_add(1), is_digit);
            }
            if matches!(self.byte(end), Some(b'e' | b'E')) {
                let sign = usize::from(matches!(self.byte(end.saturating_add(1)), Some(b'+' | b'-')));
                let digits = end.saturating_add(1).saturating_add(sign);
                if matches!(self.byte(digits), Some(b'0'..=b'9')) {
                    end = self.run(digits, is_digit);
                }
            }
            end
        };
        if self.byte(end).is_some_and(is_name_part) {
            return Err(Opaque::Construct("number that runs into a word".to_owned()));
        }
        if self.byte(end) == Some(b'.') && self.byte(end.saturating_add(1)) != Some(b'.') {
            end = end.saturating_add(1);
            return Err(Opaque::Construct(format!("malformed number `{}`", self.slice(start, end))));
        }
        self.at = end;
        self.push(Token::Number(self.slice(start, end).to_owned(), false))
    }

    /// The mark of a shape; a client's text has none, or it would not have come here.
    fn open_number(&mut self) -> Result<(), Opaque> {
        self.at = self.at.saturating_add(1);
        self.push(Token::Number(OPEN.to_owned(), false))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn punctuation(&mut self, first: u8, second: Option<u8>) -> Result<(), Opaque> {
        let (token, length) = match (first, second) {
            (b':', Some(b':')) => (Token::DoubleColon, 2),
            // The old spelling of `=>` in calls, and nothing else in SQL.
            (b':', Some(b'=')) => (Token::RArrow, 2),
            (b':', _) => (Token::Colon, 1),
            (b',', _) => (Token::Comma, 1),
            (b'(', _) => (Token::LParen, 1),
            (b')', _) => (Token::RParen, 1),
            (b'[', _) => (Token::LBracket, 1),
            (b']', _) => (Token::RBracket, 1),
            (b'.', _) => (Token::Period, 1),
            (b';', _) => {
                self.at = self.at.saturating_add(1);
                return self.semicolon();
            }
            _ => return Err(Opaque::Unparsable("unexpected character".to_owned())),
        };
        self.at = self.at.saturating_add(length);
        self.push(token)
    }

    fn semicolon(&mut self) -> Result<(), Opaque> {
        // Between the actions of a rule, and behind the queries of a function.
        let of_rule = self.gauge.is_nested() && self.gauge.depth() == 1 && self.creates(&["rule"]);
        if of_rule || (self.atomic && self.gauge.depth() == 0) {
            return self.push(Token::SemiColon);
        }
        if self.gauge.is_nested() {
            self.lexed.opaque.get_or_insert(Opaque::Construct("semicolon in parentheses".to_owned()));
        }
        self.end_statement()
    }

    /// Whether the body of a function may end here: behind BEGIN ATOMIC or a semicolon.
    fn ends_query(&self) -> bool {
        match self.tokens.last().map(|last| &last.token) {
            Some(Token::SemiColon) => true,
            Some(Token::Word(word)) => {
                let begins = self.tokens.iter().rev().nth(1).map(|token| &token.token);
                let begin = matches!(begins, Some(Token::Word(word)) if word.keyword == Keyword::BEGIN);
                begin && word.quote_style.is_none() && word.value == "atomic"
            }
            _ => false,
        }
    }

    /// Whether the statement at hand begins with CREATE [OR REPLACE] and one of these words.
    fn creates(&self, kinds: &[&str]) -> bool {
        let word = |at: usize| match self.tokens.get(at) {
            Some(TokenWithSpan { token: Token::Word(word), .. }) if word.quote_style.is_none() => {
                Some(word.value.as_str())
            }
            _ => None,
        };
        let replaces = word(1) == Some("or") && word(2) == Some("replace");
        let kind = word(if replaces { 3 } else { 1 });
        word(0) == Some("create") && kind.is_some_and(|kind| kinds.contains(&kind))
    }

    fn end_statement(&mut self) -> Result<(), Opaque> {
        if std::mem::take(&mut self.atomic) {
            self.lexed.opaque.get_or_insert(Opaque::Construct("begin atomic".to_owned()));
        }
        self.gauge.end_statement()?;
        if self.tokens.is_empty() {
            return Ok(());
        }
        if self.lexed.statements.len() >= self.limits.max_statements {
            return Err(Opaque::Limit("max_statements".to_owned()));
        }
        self.lexed.statements.push(std::mem::take(&mut self.tokens));
        Ok(())
    }

    fn push(&mut self, token: Token) -> Result<(), Opaque> {
        self.count = self.count.saturating_add(1);
        if self.count > self.limits.max_tokens {
            return Err(Opaque::Limit("max_tokens".to_owned()));
        }
        self.gauge.see(&token)?;
        self.tokens.push(TokenWithSpan::wrap(token));
        Ok(())
    }
}

fn unterminated(what: &str) -> Opaque {
    Opaque::Unparsable(format!("unterminated {what}"))
}

/// White space of any supported server; `\v` is an error up to PostgreSQL 15 and white space since.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name_part(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests;
