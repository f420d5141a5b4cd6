//! How the driver connects, and what it gives to the log.

use std::env;
use std::sync::Mutex;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection};

/// Keeps the target's notices, which the driver gives to the log.
pub(crate) struct Notices(Mutex<Vec<String>>);

pub(crate) static NOTICES: Notices = Notices(Mutex::new(Vec::new()));

impl Notices {
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default()
    }
}

impl log::Log for Notices {
    fn enabled(&self, about: &log::Metadata<'_>) -> bool {
        about.target() == "sqlx::postgres::notice"
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if let Ok(mut seen) = self.0.lock() {
            seen.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

pub(crate) fn masked() -> bool {
    setting("CLIENTS_MASKED") == "1"
}

pub(crate) fn governed() -> bool {
    setting("CLIENTS_GOVERNED") == "1"
}

pub(crate) fn options() -> Result<PgConnectOptions, Box<dyn std::error::Error>> {
    Ok(PgConnectOptions::new_without_pgpass()
        .host(&setting("PGHOST"))
        .port(setting("PGPORT").parse()?)
        .username(&setting("PGUSER"))
        .password(&setting("PGPASSWORD"))
        .database(&setting("PGDATABASE"))
        .ssl_mode(PgSslMode::Disable))
}

pub(crate) async fn session() -> Result<PgConnection, Box<dyn std::error::Error>> {
    Ok(options()?.connect().await?)
}
