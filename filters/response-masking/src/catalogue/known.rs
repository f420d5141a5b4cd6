//! The answer of the catalogue.

use std::collections::HashMap;
use std::rc::Rc;

use chaperone_model::mask::Transform;
use chaperone_pgwire::server::DataRow;
use chaperone_policy::ColumnMask;

/// A table with columns that must be hidden.
#[derive(Debug)]
struct Table {
    schema: String,
    /// How many columns it has or had: a number above belongs to a column that is newer than the answer.
    columns_most: i16,
    hidden: Vec<Hidden>,
}

#[derive(Debug)]
struct Hidden {
    number: i16,
    name: String,
    /// Its place in the masks: the first that names a column decides.
    mask: usize,
    transform: Transform,
}

/// What the catalogue says of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// It must be hidden.
    Hidden(Transform),
    /// It is newer than the answer.
    Newer,
    /// It may be shown.
    Shown,
    /// It is a whole row with a column that must be hidden.
    WholeRow,
}

/// Which columns must be hidden, for one list of masks.
#[derive(Debug)]
pub(crate) struct Known {
    columns: Rc<[ColumnMask]>,
    tables: HashMap<u32, Table>,
    by_name: HashMap<String, Vec<u32>>,
    /// Views, and tables with policies, that read hidden columns: their names, and the schemas of each.
    quoting: HashMap<String, Vec<String>>,
    /// The highest OID of a table when the catalogue was asked.
    newest: Option<u32>,
}

/// In the place of a column's number: the relation reads hidden columns, whether it shows them or not.
const READS: i16 = -1;

impl Known {
    pub(super) fn new(columns: &Rc<[ColumnMask]>) -> Self {
        Self {
            columns: Rc::clone(columns),
            tables: HashMap::new(),
            by_name: HashMap::new(),
            quoting: HashMap::new(),
            newest: None,
        }
    }

    pub(crate) fn is_for(&self, columns: &Rc<[ColumnMask]>) -> bool {
        Rc::ptr_eq(&self.columns, columns) || self.columns == *columns
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.newest.is_some()
    }

    /// Takes a row of the answer: OID, number, place of the mask, schema, table, column (these three as UTF-8 in
    /// hexadecimal), count of columns, whether it is the column of the mask itself; or the highest OID with number 0, or with
    /// number -1 a relation that reads hidden columns.
    pub(super) fn add(&mut self, row: &DataRow<'_>) -> Option<()> {
        let mut values = row.values();
        let mut next = || std::str::from_utf8(values.next()??).ok();
        let oid: u32 = next()?.parse().ok()?;
        let number: i16 = next()?.parse().ok()?;
        if number == 0 {
            self.newest = Some(oid);
            return Some(());
        }
        let mask: usize = next()?.parse().ok()?;
        let (schema, table, name) = (unhex(next()?)?, unhex(next()?)?, unhex(next()?)?);
        if number == READS {
            self.quoting.entry(table).or_default().push(schema);
            return Some(());
        }
        let columns_most: i16 = next()?.parse().ok()?;
        // Of something that is made of the column nothing may stay readable.
        let exact = next()? == "t";
        let transform = self.columns.get(mask)?.transform;
        let transform = if exact || transform == Transform::Null { transform } else { Transform::Redact };
        let entry = self.tables.entry(oid).or_insert_with(|| {
            self.by_name.entry(table).or_default().push(oid);
            Table { schema, columns_most, hidden: Vec::new() }
        });
        match entry.hidden.iter_mut().find(|hidden| hidden.number == number) {
            Some(hidden) if hidden.mask > mask || hidden.mask == mask && !exact => {
                hidden.mask = mask;
                hidden.transform = transform;
            }
            Some(_) => {}
            None => entry.hidden.push(Hidden { number, name, mask, transform }),
        }
        Some(())
    }

    /// What is said of a column of a table; `number` is 0 for a whole row.
    pub(crate) fn place(&self, oid: u32, number: i16) -> Place {
        let Some(table) = self.tables.get(&oid) else {
            return if self.newest.is_some_and(|newest| oid <= newest) { Place::Shown } else { Place::Newer };
        };
        if number == 0 {
            return Place::WholeRow;
        }
        match table.hidden.iter().find(|hidden| hidden.number == number) {
            Some(hidden) => Place::Hidden(hidden.transform),
            None if number > table.columns_most => Place::Newer,
            None => Place::Shown,
        }
    }

    /// Whether any table hides a column of this name.
    pub(crate) fn hides_any(&self, column: &str) -> bool {
        self.tables.values().flat_map(|table| &table.hidden).any(|hidden| hidden.name == column)
    }

    /// Whether a name in a statement may mean a view, or a table with a policy, that reads hidden columns.
    pub(crate) fn quotes(&self, schema: Option<&str>, name: &str) -> bool {
        let schemas = self.quoting.get(name);
        schemas.is_some_and(|schemas| schema.is_none_or(|schema| schemas.iter().any(|known| known == schema)))
    }

    /// The hidden columns of every table that a name in a statement may mean.
    pub(crate) fn hidden_in(
        &self,
        schema: Option<&str>,
        name: &str,
    ) -> impl Iterator<Item = (&str, Transform)> {
        let oids = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        oids.iter()
            .filter_map(|oid| self.tables.get(oid))
            .filter(move |table| schema.is_none_or(|schema| table.schema == schema))
            .flat_map(|table| table.hidden.iter().map(|hidden| (hidden.name.as_str(), hidden.transform)))
    }
}

/// The text whose UTF-8 these hexadecimal digits are.
fn unhex(digits: &str) -> Option<String> {
    let nibble = |byte: u8| char::from(byte).to_digit(16);
    let bytes = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from((nibble(*high)? << 4) | nibble(*low)?).ok(),
        _ => None,
    });
    // A name that is no UTF-8 (a database of another encoding) cannot be in a statement that was understood.
    Some(String::from_utf8_lossy(&bytes.collect::<Option<Vec<u8>>>()?).into_owned())
}
