//! CREATE FUNCTION and CREATE PROCEDURE in SQL: what the body does counts as the statement's own. Bodies in other languages
//! are text that nobody here reads.
//!
//! What a function is given later may be anything. One with arguments is read only if they are plain values, none of them
//! a row (`t.f` is a call of `f(t)`), and if its body does nothing with them but compute.

use chaperone_model::facts::{Access, ObjectKind, Verb};
use sqlparser::tokenizer::TokenWithSpan;

use super::Draft;
use super::draft::Part;
use crate::utility::{Cursor, setting};

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.words(&["or", "replace"]);
    (cursor.word("function") || cursor.word("procedure")).then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Function, Access::Create);
    for mut argument in cursor.members()? {
        let declared = argument.names_and_types();
        draft.takes_values |= !is_out(declared);
        if !is_plain(declared) {
            draft.opaque("argument that may be a row");
        }
        if argument.word("default") || argument.equals() {
            draft.expression(argument.rest());
        }
        argument.at_end().then_some(())?;
    }
    let (mut in_sql, mut body) = (None, false);
    while !cursor.at_end() {
        if cursor.word("returns") {
            let mut ahead = cursor.clone();
            if ahead.words(&["null", "on", "null", "input"]) {
                *cursor = ahead;
            } else if cursor.word("table") {
                for mut column in cursor.members()? {
                    column.names_and_types();
                    column.at_end().then_some(())?;
                }
            } else {
                cursor.type_name()?;
            }
        } else if cursor.word("language") {
            let language = match cursor.text() {
                Some(text) => text,
                None => cursor.any_word()?,
            };
            in_sql = Some(language == "sql");
        } else if cursor.word("as") {
            // Behind a comma stands the name of something in a library.
            draft.bodies.push(cursor.text()?);
            body = true;
        } else if cursor.word("return") {
            draft.part(Part::Body, cursor.rest());
            body = true;
        } else if cursor.words(&["begin", "atomic"]) {
            atomic(cursor, draft)?;
            body = true;
        } else {
            property(cursor, draft)?;
        }
    }
    draft.is_function = true;
    // `RETURN …` and `BEGIN ATOMIC` are SQL without saying so.
    let is_sql = in_sql.unwrap_or(draft.bodies.is_empty());
    (is_sql && body).then_some(())
}

/// Whether an argument is a result.
fn is_out(declared: &[TokenWithSpan]) -> bool {
    matches!(Cursor::new(declared).bare(), Some("out"))
}

/// Whether an argument is of a type of the server's that is no row and holds none.
fn is_plain(declared: &[TokenWithSpan]) -> bool {
    const TYPES: [&str; 71] = [
        "anyarray",
        "anycompatiblearray",
        "anycompatiblemultirange",
        "anycompatiblerange",
        "anyenum",
        "anymultirange",
        "anyrange",
        "bigint",
        "bit",
        "bool",
        "boolean",
        "box",
        "bpchar",
        "bytea",
        "char",
        "character",
        "cidr",
        "circle",
        "date",
        "datemultirange",
        "daterange",
        "decimal",
        "double",
        "float",
        "float4",
        "float8",
        "inet",
        "int",
        "int2",
        "int4",
        "int4multirange",
        "int4range",
        "int8",
        "int8multirange",
        "int8range",
        "integer",
        "interval",
        "json",
        "jsonb",
        "line",
        "lseg",
        "macaddr",
        "money",
        "name",
        "national",
        "nchar",
        "numeric",
        "nummultirange",
        "numrange",
        "oid",
        "path",
        "point",
        "polygon",
        "real",
        "regclass",
        "smallint",
        "text",
        "time",
        "timestamp",
        "timestamptz",
        "timetz",
        "tsmultirange",
        "tsquery",
        "tsrange",
        "tstzmultirange",
        "tstzrange",
        "tsvector",
        "uuid",
        "varbit",
        "varchar",
        "xml",
    ];
    let is_plain = |from: usize| {
        let mut cursor = Cursor::new(declared.get(from..).unwrap_or_default());
        let known = cursor.clone().bare().is_some_and(|name| TYPES.contains(&name));
        known && cursor.type_name().is_some() && cursor.at_end()
    };
    // A mode and a name may stand before the type.
    is_out(declared) || (0..3).any(is_plain)
}

/// A property that a function has, beside its body.
pub(super) fn property<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    match cursor.bare()? {
        "immutable" | "stable" | "volatile" | "strict" | "leakproof" | "window" => Some(()),
        "not" => cursor.word("leakproof").then_some(()),
        "called" => cursor.words(&["on", "null", "input"]).then_some(()),
        "returns" => cursor.words(&["null", "on", "null", "input"]).then_some(()),
        "parallel" => cursor.bare().map(|_| ()),
        "cost" | "rows" => cursor.number().then_some(()),
        // As somebody else it does what the caller may not.
        "external" => cursor.words(&["security", "invoker"]).then_some(()),
        "security" => cursor.word("invoker").then_some(()),
        "support" => {
            draft.call(&cursor.name()?);
            Some(())
        }
        // For as long as it runs.
        "reset" => {
            draft.verb(Verb::Reset);
            let name = if cursor.word("all") { "all".to_owned() } else { cursor.name()?.dotted() };
            draft.effect(setting(&name));
            Some(())
        }
        "set" => {
            draft.verb(Verb::Set);
            let name = cursor.name()?.dotted();
            if cursor.words(&["from", "current"]) {
                draft.effect(setting(&name));
                return Some(());
            }
            (cursor.word("to") || cursor.equals()).then_some(())?;
            loop {
                (cursor.string() || cursor.number() || cursor.any_word().is_some()).then_some(())?;
                if !cursor.comma() {
                    break;
                }
            }
            draft.effect(setting(&name));
            Some(())
        }
        _ => None,
    }
}

/// Behind BEGIN ATOMIC: queries, each with a semicolon, up to END.
fn atomic<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    loop {
        if cursor.word("end") {
            return Some(());
        }
        let mut query = Cursor::new(cursor.before_semicolon()?);
        cursor.semicolon().then_some(())?;
        if query.word("return") {
            draft.part(Part::Body, query.rest());
        } else {
            draft.query(Part::Rows, query.rest())?;
        }
    }
}
