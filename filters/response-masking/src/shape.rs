//! What is done to each column of a result.

use std::cell::Cell;
use std::rc::Rc;

use chaperone_model::Reason;
use chaperone_model::mask::Transform;
use chaperone_pgwire::server::{Column, RowDescription};
use chaperone_redact::Format;

use crate::catalogue::{Known, Place};
use crate::exposure::Exposure;
use crate::lineage::{Origin, origin};
use crate::plan::Plan;
use crate::reading::Reading;

/// What is done to the values of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    /// They are hidden.
    Hide(Transform),
    /// They are shown.
    Pass,
    /// They are searched by the detectors.
    Search,
}

/// One column of a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Treatment {
    pub(crate) deed: Deed,
    pub(crate) type_oid: u32,
    pub(crate) format: Format,
}

/// What is done to the rows of a result; none where they pass as they are.
pub(crate) type Shape = Option<Rc<[Treatment]>>;

/// OIDs below are of what PostgreSQL itself brings.
const FIRST_OF_USERS: u32 = 16_384;

/// Everything that decides about the columns of a result.
#[derive(Debug)]
pub(crate) struct Grounds<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) known: Option<&'a Known>,
    pub(crate) reading: Reading<'a>,
    /// An earlier statement of the session had to do with hidden columns.
    pub(crate) touched: bool,
    /// The session has made something out of hidden columns that the catalogue does not know yet.
    pub(crate) derived: bool,
    /// The session itself has made tables that the catalogue does not know yet.
    pub(crate) made: bool,
    /// Set when the catalogue should be learnt again.
    pub(crate) stale: Cell<bool>,
}

impl Grounds<'_> {
    /// Decides about every column of a RowDescription, or refuses the result.
    pub(crate) fn shape(&self, body: &[u8]) -> Result<Shape, Reason> {
        let description = RowDescription::read(body).map_err(|_| Reason::ProtocolViolation)?;
        let count = description.len();
        let mut treatments = Vec::with_capacity(count);
        for (index, column) in description.columns().enumerate() {
            let origin = match &self.reading {
                Reading::Told(statement, _) => origin(statement.outputs.as_deref(), index, count),
                Reading::Earlier | Reading::Plain(_) | Reading::Untold => Origin::Unknown,
            };
            let deed = match self.deed(&column, origin)? {
                Deed::Search if self.plan.detectors.is_none() || !is_searched(column.type_oid) => Deed::Pass,
                deed => deed,
            };
            let format = match column.format {
                chaperone_pgwire::Format::Binary => Format::Binary,
                chaperone_pgwire::Format::Text => Format::Text,
            };
            treatments.push(Treatment { deed, type_oid: column.type_oid, format });
        }
        let all_pass = treatments.iter().all(|treatment| treatment.deed == Deed::Pass);
        Ok((!all_pass).then(|| treatments.into()))
    }

    fn deed(&self, column: &Column<'_>, origin: Origin<'_>) -> Result<Deed, Reason> {
        if !self.plan.hides_columns() {
            return Ok(Deed::Search);
        }
        if column.table_oid == 0 {
            return self.computed(column, origin);
        }
        // Without the catalogue nothing of any table is shown, but what PostgreSQL brings, statistics excepted.
        let Some(known) = self.known else {
            let statistics = !matches!(&self.reading, Reading::Told(_, exposure) if exposure.is_empty());
            let of_users = column.table_oid >= FIRST_OF_USERS;
            return if of_users || statistics {
                Err(Reason::MaskCatalogueUnavailable)
            } else {
                Ok(Deed::Search)
            };
        };
        match known.place(column.table_oid, column.attnum) {
            Place::Hidden(transform) => Ok(Deed::Hide(transform)),
            Place::Newer => self.newer(column, origin),
            Place::Shown => Ok(Deed::Search),
            Place::WholeRow => Err(Reason::MaskLineageUnknown),
        }
    }

    /// A column of a table that the catalogue does not know yet.
    fn newer(&self, column: &Column<'_>, origin: Origin<'_>) -> Result<Deed, Reason> {
        self.stale.set(true);
        let by_name = |name| self.plan.named(name).map(Deed::Hide);
        let named = match origin {
            Origin::Column(name) => by_name(name),
            Origin::Computed(_) | Origin::Star | Origin::Unknown => None,
        };
        if let Some(hide) = named.or_else(|| by_name(text(column.name)?)) {
            return Ok(hide);
        }
        match &self.reading {
            Reading::Plain(_) => Ok(Deed::Search),
            // Somebody else's may be a view of anything.
            _ if !self.made => Err(Reason::MaskCatalogueUnavailable),
            Reading::Told(_, exposure) if exposure.is_empty() && !self.derived => Ok(Deed::Search),
            Reading::Earlier if !self.touched && !self.derived => Ok(Deed::Search),
            Reading::Earlier | Reading::Told(..) | Reading::Untold => Err(Reason::MaskCatalogueUnavailable),
        }
    }

    /// A column for which the server names no table.
    fn computed(&self, column: &Column<'_>, origin: Origin<'_>) -> Result<Deed, Reason> {
        let name = text(column.name);
        match &self.reading {
            Reading::Plain(_) => Ok(Deed::Search),
            Reading::Earlier if !self.touched => Ok(Deed::Search),
            Reading::Earlier | Reading::Untold => match name.and_then(|name| self.plan.named(name)) {
                Some(_) => redacted(column),
                None => Err(Reason::MaskLineageUnknown),
            },
            Reading::Told(statement, exposure) if exposure.is_empty() => {
                let of_users = statement.relations.iter().any(|relation| !is_of_server(relation));
                if self.derived && of_users {
                    // A view that this transaction made over a hidden column is not in the catalogue yet.
                    return Err(Reason::MaskLineageUnknown);
                }
                if self.known.is_none() && of_users {
                    // A view is told from a table only by the catalogue.
                    return Err(Reason::MaskCatalogueUnavailable);
                }
                // What a function returns is not told; a column that is called as a hidden one may be it.
                let may_return =
                    !statement.functions.is_empty() && (of_users || statement.relations.is_empty());
                let hidden = name.filter(|_| may_return).and_then(|name| self.plan.named(name));
                Ok(hidden.map_or(Deed::Search, Deed::Hide))
            }
            // It may have renamed what is hidden.
            Reading::Told(..) if self.made => Err(Reason::MaskCatalogueUnavailable),
            Reading::Told(statement, exposure) => match origin {
                Origin::Computed(names) if exposure.any(names) => redacted(column),
                // A whole row under the name of its table.
                Origin::Computed(names)
                    if names
                        .iter()
                        .any(|name| statement.relations.iter().any(|table| table.name == *name)) =>
                {
                    redacted(column)
                }
                Origin::Computed(_) => Ok(Deed::Search),
                Origin::Column(name) => Self::plain(exposure, &statement.columns, Some(name)),
                Origin::Star => Self::plain(exposure, &statement.columns, name),
                Origin::Unknown => Err(Reason::MaskLineageUnknown),
            },
        }
    }

    /// A plain column that goes through something (a join by USING, a recursive query) behind which the server
    /// does not see its table. It may have got another name there only if the text names the hidden column.
    fn plain(exposure: &Exposure<'_>, mentioned: &[String], name: Option<&str>) -> Result<Deed, Reason> {
        match name.and_then(|name| exposure.transform(name)) {
            Some(transform) => Ok(Deed::Hide(transform)),
            None if exposure.any(mentioned) => Err(Reason::MaskLineageUnknown),
            None => Ok(Deed::Search),
        }
    }
}

/// Something that is computed from a hidden column: nothing of it is shown. A number in its place would be taken for
/// the result, so only texts are replaced.
fn redacted(column: &Column<'_>) -> Result<Deed, Reason> {
    // text, varchar, bpchar, name, unknown, json, jsonb
    match column.type_oid {
        25 | 1043 | 1042 | 19 | 705 | 114 | 3802 => Ok(Deed::Hide(Transform::Redact)),
        _ => Err(Reason::MaskLineageUnknown),
    }
}

/// Whether a name in a statement is of the server's own catalogue.
pub(crate) fn is_of_server(relation: &chaperone_model::facts::Relation) -> bool {
    match relation.schema.as_deref() {
        Some(schema) => matches!(schema, "information_schema" | "pg_catalog"),
        None => relation.name.starts_with("pg_"),
    }
}

/// Whether detectors look at values of this type: not at numbers (a hidden number would have to be a number, and
/// would be taken for one), truth values, times, and what else cannot hold text.
const fn is_searched(type_oid: u32) -> bool {
    !matches!(
        type_oid,
        // bool, "char", int8, int2, int2vector, int4, regproc, oid, tid, xid, cid, oidvector
        16 | 18 | 20 | 21 | 22 | 23 | 24 | 26 | 27 | 28 | 29 | 30
        // point, lseg, path, box, polygon, line, float4, float8, circle, money, macaddr8, macaddr
        | 600 | 601 | 602 | 603 | 604 | 628 | 700 | 701 | 718 | 774 | 790 | 829
        // date, time, timestamp, timestamptz, interval, timetz, bit, varbit, numeric
        | 1082 | 1083 | 1114 | 1184 | 1186 | 1266 | 1560 | 1562 | 1700
        // regclass and other object names, uuid, pg_lsn, xid8, void
        | 2202 | 2203 | 2204 | 2205 | 2206 | 4096 | 4089 | 2950 | 3220 | 5069 | 2278
        // arrays of bool, int, oid, float, numeric, date, time, timestamp, uuid
        | 1000 | 1005 | 1007 | 1016 | 1028 | 1021 | 1022 | 1231 | 1182 | 1183 | 1115 | 1185 | 1187 | 1270 | 2951
        // ranges and multiranges of numbers and times
        | 3904 | 3906 | 3908 | 3910 | 3912 | 3926 | 4451 | 4532 | 4533 | 4534 | 4535 | 4536
    )
}

fn text(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok()
}
