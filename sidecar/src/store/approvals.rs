//! Approvals in SQLite.

use std::path::Path;

use chaperone_model::ApprovalId;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::database::{Database, to_i64, to_u64};
use super::{ApprovalStore, Error, Inserted, Version};
use crate::approval::{Approval, StateName};
use crate::clock::Millis;

const SCHEMA: &str = "
    CREATE TABLE approvals (
        no INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,
        deadline INTEGER,
        cancel_key TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX approvals_by_state ON approvals (state, no);
    CREATE INDEX approvals_by_deadline ON approvals (deadline) WHERE deadline IS NOT NULL;
    CREATE INDEX approvals_by_cancel_key ON approvals (cancel_key) WHERE deadline IS NOT NULL;
";

/// How many overdue approvals one sweep ends, and how many of one cancel key a cancel does.
const MAX_AT_ONCE: u32 = 1000;

/// Approvals in one SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteApprovals {
    database: Database,
}

impl SqliteApprovals {
    /// Opens or makes the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { database: Database::open(path, 1, SCHEMA)? })
    }
}

impl ApprovalStore for SqliteApprovals {
    fn insert(&self, approval: &Approval, limit: u64) -> Result<Inserted, Error> {
        let mut connection = self.database.writer();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = transaction
            .query_row("SELECT body FROM approvals WHERE id = ?1", [approval.id.as_str()], |row| {
                row.get::<_, String>(0)
            })
            .optional()?;
        if let Some(body) = known {
            return Ok(Inserted::Exists(Box::new(read(&body)?)));
        }
        let pending: i64 =
            transaction
                .query_row("SELECT count(*) FROM approvals WHERE state = 'pending'", [], |row| row.get(0))?;
        if to_u64(pending) >= limit {
            return Ok(Inserted::Full);
        }
        transaction.execute(
            "INSERT INTO approvals (id, version, state, deadline, cancel_key, body)
             VALUES (?1, 1, ?2, ?3, ?4, ?5)",
            params![
                approval.id.as_str(),
                approval.state.name().as_str(),
                approval.deadline().map(|time| to_i64(time.0)),
                approval.request.cancel_key,
                write(approval)?
            ],
        )?;
        transaction.commit()?;
        Ok(Inserted::New)
    }

    fn lookup(&self, id: &ApprovalId) -> Result<Option<(Approval, Version)>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached("SELECT body, version FROM approvals WHERE id = ?1")?;
            let both = |row: &Row<'_>| -> Result<_, Error> {
                Ok((read(&row.get::<_, String>(0)?)?, Version(to_u64(row.get(1)?))))
            };
            query.query_and_then([id.as_str()], both)?.next().transpose()
        })
    }

    fn replace(&self, new: &Approval, old: Version) -> Result<bool, Error> {
        let changed = self.database.writer().execute(
            "UPDATE approvals SET version = version + 1, state = ?3, deadline = ?4, body = ?5
             WHERE id = ?1 AND version = ?2",
            params![
                new.id.as_str(),
                to_i64(old.0),
                new.state.name().as_str(),
                new.deadline().map(|time| to_i64(time.0)),
                write(new)?
            ],
        )?;
        Ok(changed == 1)
    }

    fn list(&self, state: Option<StateName>, limit: u32) -> Result<Vec<Approval>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached(
                "SELECT body FROM approvals WHERE ?1 IS NULL OR state = ?1 ORDER BY no DESC LIMIT ?2",
            )?;
            let state = state.map(StateName::as_str);
            let rows = query.query_and_then(params![state, limit], |row| read(&row.get::<_, String>(0)?))?;
            rows.collect()
        })
    }

    fn by_cancel_key(&self, key: &str) -> Result<Vec<ApprovalId>, Error> {
        self.ids("SELECT id FROM approvals WHERE deadline IS NOT NULL AND cancel_key = ?1 LIMIT ?2", key)
    }

    fn due(&self, now: Millis) -> Result<Vec<ApprovalId>, Error> {
        self.ids("SELECT id FROM approvals WHERE deadline <= ?1 LIMIT ?2", to_i64(now.0))
    }

    fn count(&self) -> Result<Vec<(StateName, u64)>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached("SELECT count(*) FROM approvals WHERE state = ?1")?;
            let mut counts = Vec::new();
            for state in StateName::ALL {
                let count: i64 = query.query_row([state.as_str()], |row| row.get(0))?;
                counts.push((state, to_u64(count)));
            }
            Ok(counts)
        })
    }
}

impl SqliteApprovals {
    fn ids(&self, query: &str, value: impl rusqlite::ToSql) -> Result<Vec<ApprovalId>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached(query)?;
            let rows = query.query_map(params![value, MAX_AT_ONCE], |row| row.get(0).map(ApprovalId))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn read(body: &str) -> Result<Approval, Error> {
    serde_json::from_str(body).map_err(|error| Error::Corrupt(format!("an approval: {error}")))
}

fn write(approval: &Approval) -> Result<String, Error> {
    serde_json::to_string(approval).map_err(|error| Error::Corrupt(format!("an approval: {error}")))
}
