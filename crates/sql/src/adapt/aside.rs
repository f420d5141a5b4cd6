//! Expressions in places where the parser expects none: they are cut out and read by themselves.
//!
//! - `ON CONFLICT (lower(email)) WHERE active DO …`: what an index is found by.
//! - `UPDATE … SET tags[n] = …`, `INSERT INTO t (tags[n], place.street)`: the subscripts and fields of a column that is written.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Adapter, is, keyword};

/// Where in a statement the columns that an UPDATE writes are named.
#[derive(Debug, Default)]
pub(super) struct Targets {
    depth: usize,
    /// The depth of an UPDATE whose SET is still to come.
    update: Option<usize>,
    /// The depth of the list behind its SET.
    list: Option<usize>,
    /// The next word is such a column.
    expected: bool,
}

impl Targets {
    /// Counts a bracket.
    pub(super) fn see(&mut self, token: &Token) {
        match token {
            Token::LParen | Token::LBracket => self.depth = self.depth.saturating_add(1),
            Token::RParen | Token::RBracket => {
                self.depth = self.depth.saturating_sub(1);
                self.list = self.list.filter(|&depth| depth <= self.depth);
            }
            _ => {}
        }
    }
}

impl Adapter {
    /// Behind `ON CONFLICT`: cuts the target out unless it is a plain list of columns.
    pub(super) fn conflict_target(&mut self) {
        let tokens = self.rest.as_slice();
        if !is(tokens.first(), &Token::LParen) {
            return;
        }
        let Some(close) = closing(tokens) else { return };
        let list = tokens.get(1..close).unwrap_or_default();
        let behind = tokens.get(close.saturating_add(1)..).unwrap_or_default();
        let condition = match keyword(behind.first()) {
            Some(Keyword::DO) => None,
            Some(Keyword::WHERE) => {
                let Some(end) = end_of_condition(behind) else { return };
                behind.get(1..end)
            }
            _ => return,
        };
        // `JOIN t ON conflict (…)` is a call; DO is a name nowhere.
        let at = condition.map_or(0, |condition| condition.len().saturating_add(1));
        if !matches!(keyword(behind.get(at.saturating_add(1))), Some(Keyword::NOTHING | Keyword::UPDATE)) {
            return;
        }
        if condition.is_none()
            && list.iter().all(|token| matches!(token.token, Token::Word(_) | Token::Comma))
            && !list.windows(2).any(|pair| pair.iter().all(|token| token.token != Token::Comma))
        {
            return;
        }
        let mut asides: Vec<Vec<TokenWithSpan>> =
            split(list, &Token::Comma).map(|element| without_class(element).to_vec()).collect();
        asides.extend(condition.map(<[TokenWithSpan]>::to_vec));
        let length = close.saturating_add(1).saturating_add(at);
        self.asides.append(&mut asides);
        self.skip(length);
    }

    /// Behind `INSERT INTO`: cuts subscripts and fields out of the list of columns.
    pub(super) fn inserted_columns(&mut self) {
        let tokens = self.rest.as_slice();
        let mut open = name_length(tokens);
        if open > 0 && keyword(tokens.get(open)) == Some(Keyword::AS) {
            open = open.saturating_add(2);
        }
        let list = tokens.get(open..).unwrap_or_default();
        if open == 0 || !is(list.first(), &Token::LParen) {
            return;
        }
        let Some(close) = closing(list) else { return };
        let inner = list.get(1..close).unwrap_or_default();
        if !inner.iter().any(|token| matches!(token.token, Token::LBracket | Token::Period)) {
            return;
        }
        let (mut names, mut cut) = (Vec::new(), Vec::new());
        for column in split(inner, &Token::Comma) {
            let Some((name, mut rest)) = column.split_first() else { return };
            if !matches!(name.token, Token::Word(_)) {
                return;
            }
            loop {
                rest = match rest {
                    [] => break,
                    [period, field, rest @ ..]
                        if period.token == Token::Period && matches!(field.token, Token::Word(_)) =>
                    {
                        rest
                    }
                    [bracket, ..] if bracket.token == Token::LBracket => {
                        let Some(close) = closing(rest) else { return };
                        let inner = rest.get(1..close).unwrap_or_default();
                        let parts = split(inner, &Token::Colon).filter(|part| !part.is_empty());
                        cut.extend(parts.map(<[_]>::to_vec));
                        rest.get(close.saturating_add(1)..).unwrap_or_default()
                    }
                    _ => return,
                };
            }
            if !names.is_empty() {
                names.push(TokenWithSpan::wrap(Token::Comma));
            }
            names.push(name.clone());
        }
        let length = open.saturating_add(close);
        let mut kept: Vec<_> = tokens.get(..=open).unwrap_or_default().to_vec();
        self.skip(length);
        self.done.append(&mut kept);
        self.done.append(&mut names);
        self.asides.append(&mut cut);
    }

    /// Any other token: follows the lists behind SET, and cuts subscripts out of them.
    pub(super) fn assignment(&mut self, token: TokenWithSpan) {
        let targets = &mut self.targets;
        let expected = std::mem::take(&mut targets.expected);
        targets.see(&token.token);
        if token.token == Token::Comma {
            targets.expected = targets.list == Some(targets.depth);
        }
        match keyword(Some(&token)) {
            _ if expected => {
                self.done.push(token);
                return self.subscripts();
            }
            Some(Keyword::UPDATE) => targets.update = Some(targets.depth),
            Some(Keyword::SET) if targets.update == Some(targets.depth) => {
                targets.update = None;
                targets.list = Some(targets.depth);
                targets.expected = true;
            }
            Some(
                Keyword::FROM
                | Keyword::WHERE
                | Keyword::RETURNING
                | Keyword::SELECT
                | Keyword::WHEN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::GROUP
                | Keyword::ORDER,
            ) if targets.list == Some(targets.depth) || targets.update == Some(targets.depth) => {
                targets.list = None;
                targets.update = None;
            }
            _ => {}
        }
        self.done.push(token);
    }

    /// Behind the name of a column that is written: `[i]`, `[i:j]`, `.field`, up to the equals sign.
    fn subscripts(&mut self) {
        let tokens = self.rest.as_slice();
        let (mut at, mut kept, mut cut) = (0_usize, Vec::new(), Vec::new());
        loop {
            let rest = tokens.get(at..).unwrap_or_default();
            match rest.first().map(|token| &token.token) {
                Some(Token::Period) => {
                    kept.extend(rest.iter().take(2).cloned());
                    at = at.saturating_add(2);
                }
                Some(Token::LBracket) => {
                    let Some(close) = closing(rest) else { return };
                    let inner = rest.get(1..close).unwrap_or_default();
                    cut.extend(
                        split(inner, &Token::Colon).filter(|part| !part.is_empty()).map(<[_]>::to_vec),
                    );
                    at = at.saturating_add(close).saturating_add(1);
                }
                Some(Token::Eq) => break,
                _ => return,
            }
        }
        self.skip(at);
        self.done.extend(kept);
        self.asides.append(&mut cut);
    }
}

/// How many tokens at the start are a name with its schema; none where they are not.
pub(super) fn name_length(tokens: &[TokenWithSpan]) -> usize {
    let mut length = 0_usize;
    loop {
        if !matches!(tokens.get(length).map(|token| &token.token), Some(Token::Word(_))) {
            return 0;
        }
        length = length.saturating_add(1);
        if !is(tokens.get(length), &Token::Period) {
            return length;
        }
        length = length.saturating_add(1);
    }
}

/// Where the bracket that the tokens start with is closed.
pub(crate) fn closing(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        match token.token {
            Token::LParen | Token::LBracket => depth = depth.saturating_add(1),
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

/// Where the DO of `WHERE … DO` stands. No expression has an ON outside of brackets: the search ends there, so that
/// all searches of a text together read it once.
fn end_of_condition(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = 0_usize;
    let end = tokens.iter().position(|token| {
        match token.token {
            Token::LParen | Token::LBracket => depth = depth.saturating_add(1),
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(keyword(Some(token)), Some(Keyword::DO | Keyword::ON))
    })?;
    (keyword(tokens.get(end)) == Some(Keyword::DO)).then_some(end)
}

/// The parts between separators that no bracket encloses.
pub(crate) fn split<'t>(
    tokens: &'t [TokenWithSpan],
    separator: &'t Token,
) -> impl Iterator<Item = &'t [TokenWithSpan]> {
    let mut depth = 0_usize;
    tokens.split(move |token| {
        match token.token {
            Token::LParen | Token::LBracket => depth = depth.saturating_add(1),
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.token == *separator
    })
}

/// An element of an index without the class of operators that may stand behind it.
fn without_class(element: &[TokenWithSpan]) -> &[TokenWithSpan] {
    for start in 1..element.len() {
        let (operand, class) = element.split_at_checked(start).unwrap_or((element, &[]));
        let behind_operand = match operand.last().map(|token| &token.token) {
            Some(Token::RParen) => true,
            Some(Token::Word(_)) => {
                let before = operand.len().checked_sub(2).and_then(|at| operand.get(at));
                before.is_none() || is(before, &Token::Period) || keyword(before) == Some(Keyword::COLLATE)
            }
            _ => false,
        };
        if behind_operand
            && name_length(class) == class.len()
            && keyword(class.first()) != Some(Keyword::COLLATE)
        {
            return operand;
        }
    }
    element
}
