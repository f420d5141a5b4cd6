//! Records in SQLite.

use std::collections::BTreeMap;
use std::path::Path;

use chaperone_model::{Digest, SessionId};
use chaperone_proto::Record;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::database::{Database, to_i64, to_u64};
use super::{Appended, Batch, Conflict, Error, Find, Found, Incoming, RecordStore, Session, Summary};
use crate::chain::{self, Hole, Link};
use crate::clock::Millis;

const SCHEMA: &str = "
    CREATE TABLE sessions (
        no INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        first_ns INTEGER NOT NULL,
        last_ns INTEGER NOT NULL,
        records INTEGER NOT NULL,
        head BLOB NOT NULL,
        summary TEXT NOT NULL
    ) STRICT;
    CREATE INDEX sessions_by_time ON sessions (first_ns);
    CREATE TABLE records (
        session INTEGER NOT NULL REFERENCES sessions (no),
        position INTEGER NOT NULL,
        source INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        hash BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX records_by_position ON records (session, position);
    CREATE UNIQUE INDEX records_by_seq ON records (session, source, seq);
";

/// How many ids an ambiguous prefix is answered with.
const MAX_CANDIDATES: usize = 5;

/// Records in one SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteRecords {
    database: Database,
}

/// A session's row while a transaction adds to it.
struct Open {
    no: i64,
    first: u64,
    last: u64,
    records: u64,
    head: Digest,
    summary: Summary,
    touched: bool,
}

// === impl SqliteRecords ===

impl SqliteRecords {
    /// Opens or makes the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { database: Database::open(path, 1, SCHEMA)? })
    }
}

impl RecordStore for SqliteRecords {
    fn append(&self, batches: &[Batch]) -> Result<Vec<Appended>, Error> {
        let mut connection = self.database.writer();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut sessions = BTreeMap::new();
        let mut outcomes = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut outcome = Appended::default();
            for incoming in &batch.records {
                let session = add(&transaction, &mut sessions, incoming, &mut outcome)?;
                session.recorded_by(batch.recorder.as_deref(), false);
            }
            for ended in &batch.ended {
                // Of a session without records there is nothing to end.
                if let Some(session) = known(&transaction, &mut sessions, ended)? {
                    session.recorded_by(batch.recorder.as_deref(), true);
                }
            }
            outcomes.push(outcome);
        }
        for session in sessions.values().filter(|session| session.touched) {
            session.save(&transaction)?;
        }
        transaction.commit()?;
        Ok(outcomes)
    }

    fn sessions(&self, limit: u32) -> Result<Vec<Session>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM sessions ORDER BY first_ns DESC, no DESC LIMIT ?1"
            ))?;
            let rows = query.query_and_then([limit], session)?;
            rows.collect()
        })
    }

    fn find(&self, find: &Find) -> Result<Found, Error> {
        let mut fitting = match find {
            Find::Last => self.sessions(1)?,
            Find::Prefix(prefix) => self.database.read(|reader| by_prefix(reader, prefix))?,
        };
        if fitting.len() > 1 {
            return Ok(Found::Many(fitting.into_iter().map(|session| session.id).collect()));
        }
        Ok(fitting.pop().map_or(Found::None, |session| Found::One(Box::new(session))))
    }

    fn page(&self, session: &SessionId, after: u64, bytes: usize) -> Result<Vec<Link>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached(
                "SELECT position, source, seq, hash, body FROM records
                 WHERE session = (SELECT no FROM sessions WHERE id = ?1) AND position > ?2
                 ORDER BY position",
            )?;
            let mut rows = query.query(params![session.as_str(), to_i64(after)])?;
            let (mut links, mut size) = (Vec::new(), 0_usize);
            while let Some(row) = rows.next()? {
                let link = link(row)?;
                size = size.saturating_add(link.body.len()).saturating_add(128);
                if size > bytes && !links.is_empty() {
                    break;
                }
                links.push(link);
            }
            Ok(links)
        })
    }

    fn holes(&self, session: &SessionId) -> Result<Vec<Hole>, Error> {
        self.database.read(|reader| {
            let mut query = reader.prepare_cached(
                "SELECT source, seq FROM records
                 WHERE session = (SELECT no FROM sessions WHERE id = ?1) ORDER BY source, seq",
            )?;
            let mut rows = query.query([session.as_str()])?;
            let mut numbers: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                numbers.entry(row.get(0)?).or_default().push(to_u64(row.get(1)?));
            }
            Ok(numbers.iter().flat_map(|(source, seqs)| chain::holes(*source, seqs)).collect())
        })
    }

    fn count(&self) -> Result<(u64, u64), Error> {
        self.database.read(|reader| {
            // Rows are never deleted, so that the highest number is the count, and found without counting.
            let query = "SELECT (SELECT coalesce(max(no), 0) FROM sessions),
                                (SELECT coalesce(max(rowid), 0) FROM records)";
            Ok(reader.query_row(query, [], |row| Ok((to_u64(row.get(0)?), to_u64(row.get(1)?))))?)
        })
    }
}

const COLUMNS: &str = "id, first_ns, last_ns, records, head, summary";

fn session(row: &Row<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId(row.get(0)?),
        first_ms: Millis::from_nanos(to_u64(row.get(1)?)),
        last_ms: Millis::from_nanos(to_u64(row.get(2)?)),
        records: to_u64(row.get(3)?),
        head: Digest(row.get(4)?).to_hex(),
        silent_since_ms: None,
        summary: read_summary(&row.get::<_, String>(5)?)?,
    })
}

fn read_summary(text: &str) -> Result<Summary, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("a session's summary: {error}")))
}

fn link(row: &Row<'_>) -> Result<Link, Error> {
    Ok(Link {
        position: to_u64(row.get(0)?),
        source: row.get(1)?,
        seq: to_u64(row.get(2)?),
        hash: Digest(row.get(3)?),
        body: row.get(4)?,
    })
}

fn by_prefix(reader: &Connection, prefix: &str) -> Result<Vec<Session>, Error> {
    let exact = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
    let mut query = reader.prepare_cached(&exact)?;
    let found: Vec<_> = query.query_and_then([prefix], session)?.collect::<Result<_, _>>()?;
    if !found.is_empty() {
        return Ok(found);
    }
    let prefix = if prefix.starts_with("s-") { prefix.to_owned() } else { format!("s-{prefix}") };
    // A range, not LIKE: ids are compared byte for byte and `%` means nothing.
    let range = format!("SELECT {COLUMNS} FROM sessions WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3");
    let mut query = reader.prepare_cached(&range)?;
    let beyond = format!("{prefix}\u{10ffff}");
    let rows = query.query_and_then(params![prefix, beyond, MAX_CANDIDATES], session)?;
    rows.collect()
}

/// A session that is there already.
fn known<'a>(
    transaction: &Transaction<'_>,
    sessions: &'a mut BTreeMap<String, Open>,
    id: &str,
) -> Result<Option<&'a mut Open>, Error> {
    if !sessions.contains_key(id) {
        let Some(open) = Open::find(transaction, id)? else { return Ok(None) };
        sessions.insert(id.to_owned(), open);
    }
    Ok(sessions.get_mut(id))
}

fn add<'a>(
    transaction: &Transaction<'_>,
    sessions: &'a mut BTreeMap<String, Open>,
    incoming: &Incoming,
    outcome: &mut Appended,
) -> Result<&'a mut Open, Error> {
    let Incoming { bytes, record } = incoming;
    let session = match sessions.entry(record.session.clone()) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => entry.insert(Open::load(transaction, record)?),
    };
    let seq = to_i64(record.seq);
    let mut stored = transaction
        .prepare_cached("SELECT body FROM records WHERE session = ?1 AND source = ?2 AND seq = ?3")?;
    let stored: Option<Vec<u8>> =
        stored.query_row(params![session.no, record.source, seq], |row| row.get(0)).optional()?;
    match stored {
        Some(stored) if stored == *bytes => outcome.replayed = outcome.replayed.saturating_add(1),
        Some(_) => outcome.conflicts.push(Conflict {
            session: record.session.clone(),
            source: record.source,
            seq: record.seq,
        }),
        None => {
            let hash = chain::next(session.head, bytes);
            let position = session.records.saturating_add(1);
            let mut insert = transaction.prepare_cached(
                "INSERT INTO records (session, position, source, seq, hash, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            insert.execute(params![session.no, to_i64(position), record.source, seq, hash.0, bytes])?;
            session.take(record, hash);
            outcome.added = outcome.added.saturating_add(1);
        }
    }
    Ok(session)
}

// === impl Open ===

impl Open {
    fn find(transaction: &Transaction<'_>, id: &str) -> Result<Option<Self>, Error> {
        let mut query = transaction.prepare_cached(
            "SELECT no, first_ns, last_ns, records, head, summary FROM sessions WHERE id = ?1",
        )?;
        let read = |row: &Row<'_>| -> Result<Self, Error> {
            Ok(Self {
                no: row.get(0)?,
                first: to_u64(row.get(1)?),
                last: to_u64(row.get(2)?),
                records: to_u64(row.get(3)?),
                head: Digest(row.get(4)?),
                summary: read_summary(&row.get::<_, String>(5)?)?,
                touched: false,
            })
        };
        query.query_and_then([id], read)?.next().transpose()
    }

    fn load(transaction: &Transaction<'_>, record: &Record) -> Result<Self, Error> {
        if let Some(known) = Self::find(transaction, &record.session)? {
            return Ok(known);
        }
        let head = chain::genesis(&SessionId(record.session.clone()));
        let time = to_i64(record.time);
        let mut insert = transaction.prepare_cached(
            "INSERT INTO sessions (id, first_ns, last_ns, records, head, summary)
             VALUES (?1, ?2, ?2, 0, ?3, '{}')",
        )?;
        let no = insert.insert(params![record.session, time, head.0])?;
        let (first, last) = (record.time, record.time);
        Ok(Self { no, first, last, records: 0, head, summary: Summary::default(), touched: true })
    }

    fn recorded_by(&mut self, recorder: Option<&str>, ended: bool) {
        let new = recorder.is_some_and(|recorder| self.summary.recorded_by(recorder, ended));
        self.touched |= new;
    }

    fn take(&mut self, record: &Record, hash: Digest) {
        self.first = self.first.min(record.time);
        self.last = self.last.max(record.time);
        self.records = self.records.saturating_add(1);
        self.head = hash;
        self.summary.add(record);
        self.touched = true;
    }

    fn save(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let summary = serde_json::to_string(&self.summary)
            .map_err(|error| Error::Corrupt(format!("a session's summary: {error}")))?;
        let mut update = transaction.prepare_cached(
            "UPDATE sessions SET first_ns = ?2, last_ns = ?3, records = ?4, head = ?5, summary = ?6
             WHERE no = ?1",
        )?;
        let (first, last) = (to_i64(self.first), to_i64(self.last));
        update.execute(params![self.no, first, last, to_i64(self.records), self.head.0, summary])?;
        Ok(())
    }
}
