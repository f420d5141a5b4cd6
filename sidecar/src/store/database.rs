//! Opening SQLite files as this program wants them.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Error;

/// How long to wait for another process's lock.
const BUSY: Duration = Duration::from_secs(5);
/// How many idle connections for reading are kept.
const MAX_IDLE_READERS: usize = 4;

/// One file: a connection that writes, and some that read beside it.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    // Dropped in this order: SQLite tidies up with the last connection, and only one that writes can.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
}

impl Database {
    /// Opens `path`, making it if need be, and brings its tables to `version` with `schema`.
    pub(super) fn open(path: &Path, version: i64, schema: &str) -> Result<Self, Error> {
        let writer = Connection::open(path)?;
        writer.busy_timeout(BUSY)?;
        // WAL lets readers go on while somebody writes; FULL makes a commit survive a power cut.
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        let found: i64 = writer.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                writer.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {schema} PRAGMA user_version = {version}; COMMIT;"
                ))?;
            }
            same if same == version => {}
            other => {
                let path = path.display();
                return Err(Error::Corrupt(format!("`{path}` has version {other}, this is {version}")));
            }
        }
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::default() })
    }

    /// The connection that writes; one at a time.
    pub(super) fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held has rolled its transaction back: the connection is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `query` on a connection that only reads.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let reader = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                reader.busy_timeout(BUSY)?;
                reader
            }
        };
        let answer = query(&reader)?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(reader);
        }
        Ok(answer)
    }
}

/// SQLite's integers are signed. Numbers beyond that are refused at the door, so this never saturates there.
pub(super) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The other way: nothing negative is ever written.
pub(super) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
