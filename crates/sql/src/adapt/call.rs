//! Calls with words between their arguments, which the parser does not know: PostgreSQL's grammar for XML, `SUBSTRING
//! … SIMILAR` and `COLLATION FOR`.
//!
//! | what                                                | becomes |
//! | ---                                                 | --- |
//! | `xmlelement(NAME foo, …)`, `xmlpi(NAME foo, …)`     | `xmlelement('foo', …)`, `xmlpi('foo', …)` |
//! | `xmlexists(a PASSING [BY REF] b [BY REF])`          | `xmlexists(a, b)` |
//! | `xmlroot(a, VERSION b, STANDALONE YES)`             | `xmlroot(a, b, 'yes')` |
//! | `xmlserialize(CONTENT a AS text)`                   | `cast(a AS text)` |
//! | `substring(a SIMILAR b ESCAPE c)`                   | `substring(a, b, c)` |
//! | `COLLATION FOR (a)`                                 | `pg_collation_for(a)`, as the server does |
//!
//! The names before the parentheses are key words of the server: no function of somebody's own is called so without
//! quotes. A call of another form is left as it is, for the parser to refuse.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::aside::closing;
use super::{Adapter, bare, is, word};

/// Whether such a call may begin with the second of two tokens.
pub(super) fn may_begin(before: &TokenWithSpan, token: &TokenWithSpan) -> bool {
    match bare(Some(before)) {
        Some("xmlelement" | "xmlpi" | "xmlexists" | "xmlroot" | "xmlserialize" | "substring") => {
            token.token == Token::LParen
        }
        Some("collation") => bare(Some(token)) == Some("for"),
        _ => false,
    }
}

impl Adapter {
    /// At FOR, behind COLLATION.
    pub(super) fn collation_for(&mut self) -> bool {
        let call = bare(self.done.last()) == Some("collation") && is(self.peek(0), &Token::LParen);
        if call {
            self.done.pop();
            self.done.push(word("pg_collation_for"));
        }
        call
    }

    /// At the parenthesis behind a name: marks what is to become of the words inside.
    pub(super) fn call(&mut self, token: &TokenWithSpan) {
        let before = self.done.len().checked_sub(2).and_then(|at| self.done.get(at));
        if token.token != Token::LParen || is(before, &Token::Period) {
            return;
        }
        let Some(name) = bare(self.done.last()) else { return };
        let rewrite = match name {
            "xmlelement" | "xmlpi" => named,
            "xmlexists" => passing,
            "xmlroot" => root,
            "xmlserialize" => serialized,
            "substring" => similar,
            _ => return self.json(),
        };
        let is_cast = name == "xmlserialize";
        let tokens = self.rest.as_slice();
        let Some(end) = end_of_call(tokens) else { return };
        let Some(changes) = rewrite(tokens.get(..end).unwrap_or_default()) else { return };
        let changes = changes.into_iter().map(|(at, becomes)| (at, becomes.into_iter().collect())).collect();
        if self.mark(changes) && is_cast {
            self.done.pop();
            self.done.push(word("cast"));
        }
    }
}

/// What becomes of which token, in order.
type Changes = Vec<(usize, Option<Token>)>;

/// Where the call is closed whose arguments the tokens begin with.
pub(super) fn end_of_call(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let rest = tokens.get(at..)?;
        match rest.first()?.token {
            Token::RParen | Token::RBracket => return Some(at),
            Token::LParen | Token::LBracket => at = at.saturating_add(closing(rest)?).saturating_add(1),
            _ => at = at.saturating_add(1),
        }
    }
}

/// The places of the tokens that no bracket encloses.
fn outside(inner: &[TokenWithSpan]) -> Vec<(usize, &TokenWithSpan)> {
    let mut depth = 0_usize;
    let mut places = Vec::new();
    for (at, token) in inner.iter().enumerate() {
        match token.token {
            Token::LParen | Token::LBracket => depth = depth.saturating_add(1),
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ if depth == 0 => places.push((at, token)),
            _ => {}
        }
    }
    places
}

/// The only places of these bare words outside of brackets.
fn places<const N: usize>(inner: &[TokenWithSpan], words: [&str; N]) -> Option<[usize; N]> {
    let outside = outside(inner);
    let mut found = [0; N];
    for (place, wanted) in found.iter_mut().zip(words) {
        let mut fitting = outside.iter().filter(|(_, token)| bare(Some(token)) == Some(wanted));
        match (fitting.next(), fitting.next()) {
            (Some((at, _)), None) => *place = *at,
            _ => return None,
        }
    }
    found.is_sorted().then_some(found)
}

fn text(text: &str) -> Option<Token> {
    Some(Token::SingleQuotedString(text.to_owned()))
}

/// `NAME foo` and perhaps more.
fn named(inner: &[TokenWithSpan]) -> Option<Changes> {
    let Some(Token::Word(label)) = inner.get(1).map(|token| &token.token) else { return None };
    let ends = inner.len() == 2 || is(inner.get(2), &Token::Comma);
    (bare(inner.first()) == Some("name") && ends).then(|| vec![(0, None), (1, text(&label.value))])
}

/// How many tokens at the start are `BY REF` or `BY VALUE`.
fn mechanism(tokens: &[TokenWithSpan]) -> usize {
    let by = bare(tokens.first()) == Some("by") && matches!(bare(tokens.get(1)), Some("ref" | "value"));
    if by { 2 } else { 0 }
}

/// `a PASSING [BY REF] b [BY REF]`.
fn passing(inner: &[TokenWithSpan]) -> Option<Changes> {
    let [at] = places(inner, ["passing"])?;
    let behind = at.saturating_add(1);
    let mut left_out: Vec<_> = (behind..).take(mechanism(inner.get(behind..)?)).collect();
    let last = inner.len().checked_sub(2)?;
    if last > behind {
        left_out.extend((last..).take(mechanism(inner.get(last..)?)));
    }
    let mut changes = vec![(at, Some(Token::Comma))];
    changes.extend(left_out.into_iter().map(|at| (at, None)));
    Some(changes)
}

/// `a, VERSION b [, STANDALONE YES]`, each of them perhaps `NO VALUE`.
fn root(inner: &[TokenWithSpan]) -> Option<Changes> {
    let commas: Vec<_> = outside(inner)
        .into_iter()
        .filter(|(_, token)| token.token == Token::Comma)
        .map(|(at, _)| at)
        .collect();
    let (first, second) = match commas.as_slice() {
        [first] => (*first, None),
        [first, second] => (*first, Some(*second)),
        _ => return None,
    };
    let mut changes = Vec::new();
    let version = first.saturating_add(1);
    if bare(inner.get(version)) != Some("version") {
        return None;
    }
    changes.push((version, None));
    let value = version.saturating_add(1);
    if bare(inner.get(value)) == Some("no") && bare(inner.get(value.saturating_add(1))) == Some("value") {
        changes.extend([(value, None), (value.saturating_add(1), text(""))]);
    }
    if let Some(second) = second {
        let (standalone, said) = (second.saturating_add(1), second.saturating_add(2));
        let words = inner.get(standalone..)?;
        let fits = match words.len() {
            2 => matches!(bare(inner.get(said)), Some("yes" | "no")),
            3 => bare(inner.get(said)) == Some("no") && bare(inner.last()) == Some("value"),
            _ => false,
        };
        if bare(inner.get(standalone)) != Some("standalone") || !fits {
            return None;
        }
        changes.extend([(standalone, None), (said, text("yes"))]);
        changes.extend((said.saturating_add(1)..inner.len()).map(|at| (at, None)));
    }
    Some(changes)
}

/// `CONTENT a AS text [[NO] INDENT]`.
fn serialized(inner: &[TokenWithSpan]) -> Option<Changes> {
    matches!(bare(inner.first()), Some("content" | "document")).then_some(())?;
    let [_] = places(inner, ["as"])?;
    let mut changes = vec![(0, None)];
    let length = inner.len();
    if bare(inner.last()) == Some("indent") {
        let no = length.checked_sub(2).filter(|at| bare(inner.get(*at)) == Some("no"));
        changes.extend((no.unwrap_or(length.saturating_sub(1))..length).map(|at| (at, None)));
    }
    Some(changes)
}

/// `a SIMILAR b ESCAPE c`; `a SIMILAR TO b` is an expression.
fn similar(inner: &[TokenWithSpan]) -> Option<Changes> {
    let [similar, escape] = places(inner, ["similar", "escape"])?;
    let test = bare(inner.get(similar.saturating_add(1))) == Some("to");
    (!test).then(|| vec![(similar, Some(Token::Comma)), (escape, Some(Token::Comma))])
}
