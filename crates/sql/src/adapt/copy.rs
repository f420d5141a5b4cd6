//! COPY: its options change no fact, and the parser knows few of them; its WHERE is set apart.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Adapter, bare, keyword};

impl Adapter {
    /// Takes the options and WHERE out, behind the file or the program or the client's side.
    pub(super) fn copy(&mut self) {
        let tokens = self.rest.as_slice();
        let Some(direction) = top_level(tokens, &[Keyword::FROM, Keyword::TO]) else { return };
        let target = direction.saturating_add(1);
        let program = keyword(tokens.get(target)) == Some(Keyword::PROGRAM);
        let end = target.saturating_add(if program { 2 } else { 1 });
        let Some(behind) = tokens.get(end..) else { return };
        let condition = top_level(behind, &[Keyword::WHERE]);
        let options = condition.map_or(Some(behind), |at| behind.get(..at)).unwrap_or_default();
        if !options.iter().all(is_option) {
            return;
        }
        let condition = condition.and_then(|at| behind.get(at.saturating_add(1)..)).map(<[_]>::to_vec);
        let mut kept: Vec<_> = self.rest.by_ref().take(end).collect();
        // `COPY BINARY t`: no table is called so without quotes.
        if bare(kept.get(1)) == Some("binary") {
            kept.remove(1);
        }
        self.rest = kept.into_iter();
        self.asides.extend(condition);
    }
}

/// Where the first of `wanted` stands outside of parentheses.
fn top_level(tokens: &[TokenWithSpan], wanted: &[Keyword]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        match token.token {
            Token::LParen => depth = depth.saturating_add(1),
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && keyword(Some(token)).is_some_and(|found| wanted.contains(&found))
    })
}

/// Words, constants and lists of them, that no expression is made of.
fn is_option(token: &TokenWithSpan) -> bool {
    let statement = matches!(
        keyword(Some(token)),
        Some(Keyword::SELECT | Keyword::WHERE | Keyword::FROM | Keyword::TO | Keyword::INTO)
    );
    !statement
        && matches!(
            token.token,
            Token::Word(_)
                | Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::Comma
                | Token::LParen
                | Token::RParen
                | Token::Mul
                | Token::Minus
        )
}
