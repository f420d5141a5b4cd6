//! A fresh PostgreSQL with the example's database.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::options::StackOptions;
use crate::part::{Launch, Lifetime, Part, Stop};
use crate::programs::Programs;
use crate::psql::{self, Login};
use crate::rundir::RunDir;
use crate::secret::secret;
use crate::unprivileged::Unprivileged;

/// The database that `examples/shop/schema.sql` makes.
pub(crate) const DATABASE: &str = "shop";
/// The user that Chaperone logs in as.
pub(crate) const APP_USER: &str = "shop_app";

/// Fast rather than safe from power cuts: the data goes with the stack.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
    ("shared_buffers", "64MB"),
    ("log_connections", "on"),
];

/// A PostgreSQL of our own.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// Empty while it is stopped.
    pub(crate) part: Option<Part>,
    way: Unprivileged,
    /// The password of `postgres`.
    pub(crate) superuser_password: String,
    /// The password of [`APP_USER`].
    pub(crate) app_password: String,
}

/// Makes the data directory, starts the server, and fills it.
pub(crate) fn start(
    programs: &Programs,
    run: &RunDir,
    port: u16,
    options: &StackOptions,
    lifetime: Lifetime,
) -> Result<Postgres, Error> {
    let home = run.create("postgres")?;
    let way = Unprivileged::choose(&programs.postgres_program("postgres"), run.path())?;
    way.own(&home)?;
    let mut postgres = Postgres { part: None, way, superuser_password: secret()?, app_password: secret()? };
    initialise(&postgres, programs, run, &home, &options.postgres_hba)?;
    launch(&mut postgres, programs, run, port, options, lifetime)?;

    let schema = programs.root.join("examples/shop/schema.sql");
    let schema = fs::read_to_string(&schema).map_err(Error::file(&schema))?;
    // The checkpoint keeps all of it when a test ends the server the hard way.
    let text = format!(
        "\\set app_password '{}'\n{schema}\n{}\n;RESET ROLE;CHECKPOINT;",
        postgres.app_password, options.postgres_sql
    );
    let login = Login::new("postgres", &postgres.superuser_password, "postgres");
    let client = psql::client(programs, "psql", "127.0.0.1", port, &login);
    psql::script(client, &text, &run.join("postgres.log"))?;
    Ok(postgres)
}

/// Starts the server over the data that is there.
pub(crate) fn launch(
    postgres: &mut Postgres,
    programs: &Programs,
    run: &RunDir,
    port: u16,
    options: &StackOptions,
    lifetime: Lifetime,
) -> Result<(), Error> {
    let mut arguments =
        vec!["-D".into(), run.join("postgres/data").into(), "-p".into(), port.to_string().into()];
    let settings = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    for (name, value) in settings.chain(options.postgres_settings.iter().cloned()) {
        arguments.extend(["-c".into(), format!("{name}={value}").into()]);
    }
    let program = programs.postgres_program("postgres");
    let launch = Launch {
        name: "postgres",
        program: &program,
        arguments,
        environment: Vec::new(),
        log: run.join("postgres.log"),
        stop: Stop::Interrupt,
        prefix: postgres.way.prefix(),
    };
    let mut part = Part::start(launch, lifetime)?;
    let login = Login::new("postgres", &postgres.superuser_password, "postgres");
    part.wait_until(|| {
        psql::client(programs, "pg_isready", "127.0.0.1", port, &login)
            .output()
            .is_ok_and(|output| output.status.success())
    })?;
    postgres.part = Some(part);
    Ok(())
}

fn initialise(
    postgres: &Postgres,
    programs: &Programs,
    run: &RunDir,
    home: &Path,
    hba: &[String],
) -> Result<(), Error> {
    let data = home.join("data");
    let password_file = run.write("postgres/password", &postgres.superuser_password)?;
    postgres.way.own(&password_file)?;
    let log = run.join("postgres.log");
    let output = postgres
        .way
        .command(programs.postgres_program("initdb").as_os_str())
        .arg("-D")
        .arg(&data)
        .arg(format!("--pwfile={}", password_file.display()))
        .args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"])
        .output()
        .map_err(|error| Error::part("initdb", error.to_string(), &log))?;
    psql::succeeded(&output).map_err(|problem| Error::part("initdb", problem, &log))?;
    fs::remove_file(&password_file).map_err(Error::file(&password_file))?;

    // Only TCP, and only SCRAM, except for what a test asks for.
    let rules = data.join("pg_hba.conf");
    let mut text = hba.join("\n");
    text.push_str(
        "\nhost all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n",
    );
    fs::write(&rules, text).map_err(Error::file(&rules))
}
