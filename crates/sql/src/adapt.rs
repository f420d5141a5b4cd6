//! Corrects, on the tokens, what the parser gets wrong about PostgreSQL.
//!
//! - `ONLY` is taken for a table named so. It changes which rows are meant, not which table: it is left out.
//! - `CREATE USER` is read as another dialect's; it is `CREATE ROLE`, as is `CREATE GROUP`.
//! - `TABLE t` is not known as a statement: it is rewritten to what it stands for, `SELECT * FROM t`.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The tokens as the parser should see them.
pub(crate) fn adapt(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let touched = tokens.iter().any(|token| {
        matches!(keyword(Some(token)), Some(Keyword::ONLY | Keyword::TABLE | Keyword::USER | Keyword::GROUP))
    });
    if !touched {
        return tokens;
    }
    let mut adapted: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len().saturating_add(4));
    let mut tokens = tokens.into_iter().peekable();
    // ONLY may have its table in parentheses.
    let mut closing = false;
    while let Some(token) = tokens.next() {
        match keyword(Some(&token)) {
            Some(Keyword::ONLY) if relation_follows(adapted.last()) => {
                closing = tokens.next_if(|next| next.token == Token::LParen).is_some();
            }
            Some(Keyword::TABLE) if query_may_start(adapted.last()) => {
                adapted.extend([
                    TokenWithSpan::wrap(Token::make_word("select", None)),
                    TokenWithSpan::wrap(Token::Mul),
                    TokenWithSpan::wrap(Token::make_word("from", None)),
                ]);
            }
            Some(Keyword::USER | Keyword::GROUP)
                if adapted.len() == 1 && keyword(adapted.last()) == Some(Keyword::CREATE) =>
            {
                adapted.push(TokenWithSpan::wrap(Token::make_word("role", None)));
            }
            None if closing && token.token == Token::RParen => closing = false,
            _ => adapted.push(token),
        }
    }
    adapted
}

/// The keyword that a token is, `NoKeyword` for other bare words, none for anything else.
pub(crate) fn keyword(token: Option<&TokenWithSpan>) -> Option<Keyword> {
    match token.map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
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
