//! CREATE SCHEMA with what is made in it.

use chaperone_model::facts::{Access, ObjectKind};

use super::Draft;
use super::draft::Part;
use crate::utility::Cursor;

/// Reads the statement behind CREATE.
pub(super) fn create<'t>(cursor: &mut Cursor<'t>, draft: &mut Draft<'t>) -> Option<()> {
    cursor.word("schema").then_some(())?;
    cursor.if_not_exists();
    let named = !cursor.clone().word("authorization");
    if named {
        let name = cursor.name()?;
        draft.touch(&name, ObjectKind::Schema, Access::Create);
        draft.schema = Some(name.dotted());
    }
    if cursor.word("authorization") {
        let role = cursor.role()?;
        draft.touch_role(role, Access::Grant);
        if !named {
            draft.schema = Some(role.to_owned());
            draft.statement.relations.push(chaperone_model::facts::Relation {
                schema: None,
                name: role.to_owned(),
                kind: ObjectKind::Schema,
                access: Access::Create,
            });
        }
    }
    while !cursor.at_end() {
        let element = cursor.schema_element()?;
        let mut kind = Cursor::new(element);
        let grants = kind.word("grant");
        let _ = grants || kind.word("create");
        for optional in [
            "or",
            "replace",
            "global",
            "local",
            "temp",
            "temporary",
            "unlogged",
            "recursive",
            "unique",
            "constraint",
        ] {
            kind.word(optional);
        }
        let known =
            grants || matches!(kind.bare(), Some("index" | "sequence" | "table" | "trigger" | "view"));
        known.then_some(())?;
        draft.part(Part::Statement, element);
    }
    Some(())
}
