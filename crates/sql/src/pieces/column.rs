//! Columns and domains: types, defaults, constraints.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use super::constraint::{attributes, references};
use super::draft::Part;
use super::sequence;
use crate::utility::Cursor;

/// Words that the next constraint of a column begins with.
fn begins_constraint(word: &str) -> bool {
    matches!(
        word,
        "check"
            | "collate"
            | "compression"
            | "constraint"
            | "default"
            | "deferrable"
            | "generated"
            | "initially"
            | "not"
            | "null"
            | "primary"
            | "references"
            | "storage"
            | "unique"
    )
}

/// A column with its constraints; without a type in typed tables and partitions.
pub(super) fn definition<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, typed: bool) -> Option<()> {
    let name = cursor.clone().any_word()?;
    cursor.simple_name()?;
    draft.column(name);
    if typed {
        cursor.type_name()?;
    } else {
        cursor.words(&["with", "options"]);
    }
    while !cursor.at_end() {
        constraint(cursor, draft, name)?;
    }
    Some(())
}

/// CREATE DOMAIN, behind CREATE.
pub(super) fn create_domain<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("domain").then_some(())?;
    draft.touch(&cursor.name()?, ObjectKind::Type, Access::Create);
    cursor.word("as");
    cursor.type_name()?;
    while !cursor.at_end() {
        constraint(cursor, draft, "")?;
    }
    Some(())
}

/// A constraint, a default, or another property of the column `name`.
pub(super) fn constraint<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, name: &str) -> Option<()> {
    if cursor.word("constraint") {
        cursor.simple_name()?;
    }
    if attributes(cursor) {
        return Some(());
    }
    match cursor.bare()? {
        "null" => Some(()),
        "not" => cursor.word("null").then_some(()),
        "check" => {
            draft.expression(cursor.parentheses()?);
            Some(())
        }
        "default" => {
            draft.expression(cursor.expression(begins_constraint)?);
            Some(())
        }
        "collate" => cursor.name().map(|_| ()),
        "storage" | "compression" => (cursor.bare().is_some() || cursor.string()).then_some(()),
        "options" => cursor.options(),
        "primary" => {
            cursor.word("key").then_some(())?;
            super::constraint::index_options(cursor, draft)
        }
        "unique" => {
            let _ = cursor.words(&["nulls", "not", "distinct"]) || cursor.words(&["nulls", "distinct"]);
            super::constraint::index_options(cursor, draft)
        }
        "references" => references(cursor, draft),
        "generated" => generated(cursor, draft, name),
        _ => None,
    }
}

/// Behind GENERATED: an identity, or a value that is computed.
pub(super) fn generated<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>, name: &str) -> Option<()> {
    let _ = cursor.word("always") || cursor.words(&["by", "default"]);
    cursor.word("as").then_some(())?;
    if cursor.word("identity") {
        return match cursor.parentheses() {
            Some(options) => sequence::options(&mut Cursor::new(options), draft),
            None => Some(()),
        };
    }
    draft.part(Part::Value(name.to_owned()), cursor.parentheses()?);
    let _ = cursor.word("stored") || cursor.word("virtual");
    Some(())
}
