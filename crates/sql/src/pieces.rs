//! Kinds of statements that hold expressions and queries among words of their own: they are read on the tokens, piece by
//! piece, and each piece is read like any expression or query.
//!
//! ```text
//! CREATE RULE r AS ON INSERT TO t WHERE ⟨expression⟩ DO ALSO (⟨query⟩; ⟨query⟩)
//! CREATE TABLE t (a int DEFAULT ⟨expression⟩, LIKE u INCLUDING ALL) PARTITION BY RANGE (⟨expression⟩)
//! ```
//!
//! The parser comes first; what it knows stays its own. A kind that stores code (a rule, a trigger, a function in SQL)
//! does what the code does, as far as facts tell: its pieces count as the statement's own. Pieces nest three deep at
//! most (CREATE SCHEMA, CREATE TABLE, a query), whatever the text.

mod alter;
mod alter_table;
mod column;
mod constraint;
mod draft;
mod function;
mod index;
mod operator;
mod others;
mod privileges;
mod publication;
mod rule;
mod schema;
mod sequence;
mod subscription;
mod table;
mod trigger;
mod view;

use chaperone_model::facts::Verb;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::shape::OPEN;
use crate::utility::Cursor;
pub(crate) use draft::{Draft, Part, add, computes, sort};

/// Whether a statement may be read here. A shape is not: the parser takes fewer of them than of texts, and each has to be
/// read as its texts are.
pub(crate) fn may_read(tokens: &[TokenWithSpan]) -> bool {
    let is_open = |token: &TokenWithSpan| matches!(&token.token, Token::Number(digits, _) if digits == OPEN);
    let known =
        matches!(Cursor::new(tokens).bare(), Some("alter" | "create" | "grant" | "import" | "revoke"));
    known && !tokens.iter().any(is_open)
}

/// The statement with its pieces, if it is one of the kinds read here.
pub(crate) fn read(tokens: &[TokenWithSpan]) -> Option<Draft<'_>> {
    let mut cursor = Cursor::new(tokens);
    let (verb, readers): (Verb, &[Reader]) = match cursor.bare()? {
        "create" => (Verb::Create, &CREATE),
        "alter" => (Verb::Alter, &ALTER),
        "grant" => (Verb::Grant, &[privileges::grant]),
        "revoke" => (Verb::Revoke, &[privileges::revoke]),
        "import" => (Verb::Create, &[others::foreign_schema]),
        _ => return None,
    };
    readers.iter().find_map(|reader| {
        let (mut cursor, mut draft) = (cursor.clone(), Draft::new(verb));
        reader(&mut cursor, &mut draft)?;
        cursor.at_end().then_some(draft)
    })
}

/// Reads a statement behind its first word; none where it is of another kind.
type Reader = for<'t> fn(&mut Cursor<'t>, &mut Draft<'t>) -> Option<()>;

const CREATE: [Reader; 18] = [
    table::create,
    view::create,
    index::create,
    rule::create,
    trigger::create,
    trigger::create_event,
    function::create,
    operator::create,
    operator::create_family,
    operator::create_class,
    operator::create_type,
    operator::create_cast,
    column::create_domain,
    sequence::create,
    schema::create,
    subscription::create,
    publication::create,
    others::create,
];

const ALTER: [Reader; 10] = [
    alter_table::alter,
    alter_table::all_in_tablespace,
    sequence::alter,
    operator::alter_family,
    alter::domain,
    alter::composite,
    alter::others,
    subscription::alter,
    publication::alter,
    privileges::alter_default,
];
