//! From SQL text to [`chaperone_model::facts::Facts`]; the only crate that names a SQL parser.
//!
//! ```
//! use chaperone_model::facts::Verb;
//! use chaperone_sql::{Limits, read};
//!
//! let facts = read(b"WITH gone AS (DELETE FROM Orders RETURNING *) SELECT count(*) FROM gone", &Limits::default());
//! let statement = &facts.statements[0];
//! assert_eq!(statement.verbs, [Verb::Select, Verb::Delete]);
//! assert_eq!(statement.relations[0].name, "orders");
//! assert!(!statement.bounded && statement.opaque.is_none());
//! ```
//!
//! ```text
//! bytes ─▶ lex ─▶ tokens of each statement ─▶ adapt ─▶ sqlparser ─▶ walk ─▶ facts
//!           │ PostgreSQL's own lexical rules,  ONLY, TABLE  │ fails        every field of every node is
//!           │ limits before any recursion                   ▼              accounted for, or it is opaque
//!           ▼                                             pieces: kinds that the parser does not know, their
//!         opaque                                          expressions and queries one by one, or opaque
//!
//! utility reads a few simple kinds before the parser does.
//! ```
//!
//! The reading fails closed. What is not accounted for is [`Opaque`]: a text that is not understood as a whole
//! sets [`Facts::opaque`], a statement that is not sets its own. Facts told beside an opaque mark are true but not
//! complete.
//!
//! Names are folded and truncated as PostgreSQL does. The text is taken to be UTF-8 and `client_encoding` to be
//! UTF8 and `standard_conforming_strings` on: sql-guard refuses texts that a session reads otherwise. A policy guards the
//! settings that change how a text is read (they are [`Effect::Setting`]).
//!
//! [`Opaque`]: chaperone_model::facts::Opaque
//! [`Effect::Setting`]: chaperone_model::facts::Effect::Setting

mod adapt;
mod dialect;
mod lex;
mod limits;
mod names;
mod pieces;
mod predicate;
mod scope;
mod shape;
mod utility;
mod walk;

use chaperone_model::facts::{Facts, ObjectKind, Opaque, Relation, Statement};
use sqlparser::ast::Expr;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use adapt::Adapted;
use dialect::Dialect;
use lex::Lexed;
use pieces::Part;

pub use limits::{Limits, MAX_BYTES, MAX_CHAIN, MAX_DEPTH, MAX_STATEMENTS, MAX_TOKENS};
pub use shape::Shape;

/// How deep the parser may recurse; reaching it is a parse error. Its own unit: one for a parenthesis, a call or a
/// CASE, three for a subquery in FROM. In the release build for wasm32 a unit takes up to 11 KiB of the stack of
/// 1 MiB (a call; measured), so this takes half of it at most.
const PARSER_RECURSION: usize = 45;
/// The most bytes of a parser's message that are kept.
const MESSAGE_BYTES: usize = 200;

/// Reads everything that `text` does.
#[must_use]
pub fn read(text: &[u8], limits: &Limits) -> Facts {
    if text.len() > limits.max_bytes {
        return opaque(Opaque::Limit("max_bytes".to_owned()));
    }
    let Some(text) = std::str::from_utf8(text).ok().filter(|text| !text.contains('\0')) else {
        return opaque(Opaque::Encoding);
    };
    read_text(text, limits)
}

/// As [`read`], of a text or a [`Shape`].
fn read_text(text: &str, limits: &Limits) -> Facts {
    match lex::lex(text, limits) {
        Ok(lexed) => Facts {
            statements: lexed
                .statements
                .into_iter()
                .map(|tokens| read_statement(tokens, limits, false))
                .collect(),
            opaque: lexed.opaque,
        },
        Err(why) => opaque(why),
    }
}

fn opaque(why: Opaque) -> Facts {
    Facts { statements: Vec::new(), opaque: Some(why) }
}

/// The facts of one statement; a part of one that runs for rows may name those before and after.
fn read_statement(tokens: Vec<TokenWithSpan>, limits: &Limits, has_rows: bool) -> Statement {
    if let Some(statement) = utility::read(&tokens) {
        return statement;
    }
    let verb = utility::leading_verb(&tokens);
    let whole = pieces::may_read(&tokens).then(|| tokens.clone());
    let Adapted { tokens, asides, blurred, rows } = adapt::adapt(tokens);
    let read = expressions(asides).and_then(|asides| {
        let around = walk::Around { asides: &asides, rows: &rows, has_rows };
        parse(tokens, |parser| parser.parse_statement(), |tree| walk::read(tree, around))
    });
    let mut statement = read.unwrap_or_else(|message| utility::unread(verb, shortened(&message)));
    if blurred {
        statement.outputs = None;
    }
    if statement.opaque.is_some() {
        let pieces = whole.as_deref().and_then(pieces::read);
        return pieces.map_or(statement, |draft| read_pieces(draft, limits));
    }
    statement
}

/// A statement with what its pieces do.
fn read_pieces(draft: pieces::Draft<'_>, limits: &Limits) -> Statement {
    let pieces::Draft { mut statement, parts, bodies, has_rows, is_function, takes_values, schema } = draft;
    for (part, tokens) in parts {
        let inner = match part {
            Part::Body | Part::Expression | Part::Value(_) => read_expression(tokens.to_vec(), has_rows),
            Part::Statement | Part::Rows => read_statement(tokens.to_vec(), limits, has_rows),
        };
        pieces::add(&mut statement, &part, inner);
    }
    for body in bodies {
        pieces::add(&mut statement, &Part::Statement, read_body(body, limits));
    }
    if let Some(schema) = schema {
        // What has no schema of its own is made there.
        let twin = |it: &Relation| Relation { schema: Some(schema.clone()), ..it.clone() };
        let bare =
            |it: &&Relation| it.schema.is_none() && !matches!(it.kind, ObjectKind::Role | ObjectKind::Schema);
        let made: Vec<_> = statement.relations.iter().filter(bare).map(twin).collect();
        statement.relations.extend(made);
    }
    if is_function && takes_values && !pieces::computes(&statement) {
        statement
            .opaque
            .get_or_insert_with(|| Opaque::Construct("body that does more than compute".to_owned()));
    }
    pieces::sort(&mut statement);
    statement
}

/// What the body of a function does: queries, or it is not told.
fn read_body(body: &str, limits: &Limits) -> Statement {
    let mut statement = utility::understood(Vec::new());
    let lexed = lex::lex(body, limits).unwrap_or_else(|why| Lexed { opaque: Some(why), ..Lexed::default() });
    statement.opaque = lexed.opaque;
    for tokens in lexed.statements {
        let inner = if adapt::is_query(&tokens) {
            read_statement(tokens, limits, false)
        } else {
            utility::unread(None, "no query in the body of a function".to_owned())
        };
        pieces::add(&mut statement, &Part::Rows, inner);
    }
    statement
}

fn read_expression(tokens: Vec<TokenWithSpan>, has_rows: bool) -> Statement {
    match expressions(vec![tokens]) {
        Ok(expressions) => walk::read_expressions(&expressions, has_rows),
        Err(message) => utility::unread(None, shortened(&message)),
    }
}

/// Parses what was set apart, and what is set apart in it.
fn expressions(mut asides: Vec<Vec<TokenWithSpan>>) -> Result<Vec<Expr>, String> {
    let mut parsed = Vec::with_capacity(asides.len());
    while let Some(aside) = asides.pop() {
        // In parentheses no word of it looks like the first of a statement.
        let mut tokens = Vec::with_capacity(aside.len().saturating_add(2));
        tokens.push(TokenWithSpan::wrap(Token::LParen));
        tokens.extend(aside);
        tokens.push(TokenWithSpan::wrap(Token::RParen));
        let Adapted { tokens, asides: mut inner, .. } = adapt::adapt(tokens);
        asides.append(&mut inner);
        parsed.push(parse(tokens, |parser| parser.parse_expr(), Clone::clone)?);
    }
    Ok(parsed)
}

/// Parses all of the tokens and reads the tree where it is: trees are large.
fn parse<T, R>(
    tokens: Vec<TokenWithSpan>,
    what: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
    read: impl FnOnce(&T) -> R,
) -> Result<R, String> {
    let dialect = Dialect::default();
    let mut parser =
        Parser::new(&dialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(tokens);
    let parsed = what(&mut parser);
    match &parsed {
        Ok(tree) if parser.peek_token_ref().token == Token::EOF => Ok(read(tree)),
        // Another statement without a semicolon, or a word that is written wrong.
        Ok(_) => Err(format!("syntax error at or near \"{}\"", parser.peek_token_ref().token)),
        Err(ParserError::ParserError(words) | ParserError::TokenizerError(words)) => {
            Err(words.replace("found: EOF", "found: end of the statement"))
        }
        Err(ParserError::RecursionLimitExceeded) => Err("nested too deeply for the parser".to_owned()),
    }
}

fn shortened(message: &str) -> String {
    let mut end = message.len().min(MESSAGE_BYTES);
    while !message.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    message.get(..end).unwrap_or_default().to_owned()
}
