//! The real psql.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::Error;
use crate::programs::Programs;
use crate::upstream::Upstream;

/// Who logs in, with what, to which database.
#[derive(Clone, Debug)]
pub struct Login {
    /// The role that the client asks for.
    pub user: String,
    /// The token, or for the direct way the password.
    pub password: String,
    /// The database.
    pub database: String,
}

impl Login {
    /// A login.
    #[must_use]
    pub fn new(user: &str, password: &str, database: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned(), database: database.to_owned() }
    }
}

/// A program of PostgreSQL's that finds its server and its login in the environment, as every client does.
pub(crate) fn client(programs: &Programs, name: &str, host: &str, port: u16, login: &Login) -> Command {
    let mut command = Command::new(programs.postgres_program(name));
    command
        .env("PGHOST", host)
        .env("PGPORT", port.to_string())
        .env("PGUSER", &login.user)
        .env("PGPASSWORD", &login.password)
        .env("PGDATABASE", &login.database)
        .env("PGCONNECT_TIMEOUT", "20")
        // Not the settings of whoever runs the tests.
        .env_remove("PGOPTIONS")
        .env_remove("PGSERVICE")
        .env_remove("PGSSLMODE")
        .env("PSQLRC", "/dev/null")
        .env("PSQL_HISTORY", "/dev/null")
        .env("PGPASSFILE", "/dev/null")
        .env("PSQL_PAGER", "");
    command
}

/// Whether a server takes connections there.
pub(crate) fn accepts(programs: &Programs, host: &str, port: u16) -> bool {
    let login = Login::new("postgres", "", "postgres");
    let output = client(programs, "pg_isready", host, port, &login).args(["-t", "5"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// What a policy's `upstream` must say of a target that lets us in.
pub(crate) fn authentication(programs: &Programs, upstream: &Upstream) -> Result<&'static str, String> {
    let ways = [
        ("scram-sha-256", "auth: scram-sha-256, password_env: CHAPERONE_UPSTREAM_PASSWORD"),
        ("md5", "auth: md5, password_env: CHAPERONE_UPSTREAM_PASSWORD"),
        ("password", "auth: password, password_env: CHAPERONE_UPSTREAM_PASSWORD"),
        ("none", "auth: trust"),
    ];
    if let Some((_, said)) = ways.iter().find(|(way, _)| log_in(programs, upstream, Some(way)).is_ok()) {
        return Ok(said);
    }
    log_in(programs, upstream, None)?;
    Err("the target asks for a kind of authentication that Chaperone does not know".to_owned())
}

/// Logs in as Envoy will, without encryption, in any way or in this one; what psql says where it fails.
pub(crate) fn log_in(programs: &Programs, upstream: &Upstream, way: Option<&str>) -> Result<(), String> {
    let login = Login::new(&upstream.user, &upstream.password, &upstream.database);
    let mut psql = client(programs, "psql", &upstream.host, upstream.port, &login);
    psql.env("PGSSLMODE", "disable")
        .env("PGCONNECT_TIMEOUT", "10")
        .args(["-X", "-w", "-q", "-A", "-t", "-c", "SELECT"]);
    if let Some(way) = way {
        psql.env("PGREQUIREAUTH", way);
    }
    let output = psql.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Runs a script as it would be typed, but stops at the first error.
pub(crate) fn script(mut psql: Command, text: &str, log: &Path) -> Result<(), Error> {
    let failed = |problem: String| Error::part("psql", problem, log);
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
    psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = psql.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    succeeded(&output).map_err(failed)
}

/// Nothing, or what the program wrote to standard error.
pub(crate) fn succeeded(output: &Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}
