//! The stack in the background: `make up`, `make status`, `make down`.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::Error;
use crate::http;
use crate::options::{Chain, Policy, StackOptions};
use crate::part::{Lifetime, Stop, send};
use crate::programs::Programs;
use crate::psql::{self, Login};
use crate::rundir::replace;
use crate::stack::Stack;

/// The stack's name, hence its run directory.
const NAME: &str = "up";
/// In the run directory: a line for each part, `name id start stop port path`.
const PARTS: &str = "parts";
/// How long a part may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Starts the stack in the background and writes `target/run/env`. What runs already goes on.
///
/// # Errors
/// When a part cannot be started, or `CHAPERONE_UPSTREAM_PG` cannot be read.
pub fn up() -> Result<(), Error> {
    let mut options =
        StackOptions { name: NAME.to_owned(), known_ports: true, progress: true, ..StackOptions::default() };
    let runs = runs(&options)?;
    let policy = setting("CHAPERONE_POLICY").map(PathBuf::from).filter(|path| !is_our_copy(path, &runs));
    let upstream = setting("CHAPERONE_UPSTREAM_PG");

    let recorded = recorded(&runs);
    if !recorded.is_empty() && recorded.iter().all(Recorded::is_alive) {
        if policy.is_some() || upstream.is_some() {
            return Err(Error::Setting(
                "the stack is up with other settings; end it with `make down` first".to_owned(),
            ));
        }
        eprintln!("==> up already; `make status` shows it, `make down` ends it");
        return Ok(());
    }
    options.policy = policy.map_or(Policy::Shop, Policy::File);
    if let Some(workers) = setting("CHAPERONE_ENVOY_WORKERS") {
        let unread =
            |_| Error::Setting(format!("CHAPERONE_ENVOY_WORKERS cannot be read: `{workers}` is no number"));
        options.concurrency = workers.parse().map_err(unread)?;
    }
    if let Some(text) = upstream {
        let place = |error| Error::Setting(format!("CHAPERONE_UPSTREAM_PG cannot be read: {error}"));
        options.upstream = Some(text.parse().map_err(place)?);
    }
    end(&recorded);

    let stack = Stack::start_for(options, Lifetime::Background)?;
    let parts = record(&stack)?;
    replace(&runs.join(NAME).join(PARTS), &parts)?;
    let env = runs.join("env");
    replace(&env, &environment(&stack))?;
    eprintln!("==> up: the settings for clients are in {}", short(&env, &stack.programs.root));
    eprintln!("      . {}", short(&env, &stack.programs.root));
    eprintln!("      export PGPASSWORD=$(chaperone dev token --subject alice --group analysts)");
    let login = stack.target_login();
    eprintln!("      psql -h $CHAPERONE_PG_HOST -p $CHAPERONE_PG_PORT -U analyst {}", login.database);
    stack.leave_running();
    Ok(())
}

/// Prints each part with its health; false when one is not well.
///
/// # Errors
/// When the programs' places cannot be found.
pub fn status() -> Result<bool, Error> {
    let recorded = recorded(&runs(&StackOptions::default())?);
    if recorded.is_empty() {
        println!("nothing is up; `make up` starts it");
        return Ok(false);
    }
    let mut well = true;
    for part in &recorded {
        let health = part.health();
        well &= health == "ready" || health == "running";
        let port = if part.port == 0 { String::new() } else { format!("127.0.0.1:{}", part.port) };
        println!("{:<10} {:<10} pid {:<8} {port}", part.name, health, part.id);
    }
    Ok(well)
}

/// Ends the stack in the background.
///
/// # Errors
/// When the programs' places cannot be found, or what the stack left cannot be removed.
pub fn down() -> Result<(), Error> {
    let runs = runs(&StackOptions::default())?;
    let recorded = recorded(&runs);
    let alive = recorded.iter().filter(|part| part.is_alive()).count();
    end(&recorded);
    for path in [runs.join("env"), runs.join(NAME).join(PARTS)] {
        if path.exists() {
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
    }
    if alive == 0 {
        println!("nothing was up");
    } else {
        println!("down: {alive} parts ended; their logs stay in target/run/{NAME}");
    }
    Ok(())
}

/// Whether a policy is the copy that an earlier `up` made: `target/run/env` names it, and it goes with that run.
fn is_our_copy(policy: &Path, runs: &Path) -> bool {
    policy.starts_with(runs.join(NAME))
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn runs(options: &StackOptions) -> Result<PathBuf, Error> {
    Ok(Programs::find(options.postgres_version)?.root.join("target/run"))
}

fn short(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// A part as `up` has recorded it.
#[derive(Debug)]
struct Recorded {
    name: String,
    id: u32,
    /// When the process began, in the kernel's ticks: another process may get the same id.
    started: String,
    stop: Stop,
    port: u16,
    path: String,
}

impl Recorded {
    fn is_alive(&self) -> bool {
        started(self.id).is_some_and(|started| started == self.started)
    }

    fn health(&self) -> &'static str {
        if !self.is_alive() {
            return "gone";
        }
        match self.path.as_str() {
            "-" => "running",
            "postgres" => {
                let accepts =
                    Programs::find(StackOptions::default().postgres_version).ok().is_some_and(|programs| {
                        let login = Login::new("postgres", "", "postgres");
                        psql::client(&programs, "pg_isready", "127.0.0.1", self.port, &login)
                            .output()
                            .is_ok_and(|output| output.status.success())
                    });
                if accepts { "ready" } else { "not ready" }
            }
            path => match http::get(self.port, path) {
                Some(response) if response.status == 200 => "ready",
                Some(_) => "not ready",
                None => "silent",
            },
        }
    }
}

fn recorded(runs: &Path) -> Vec<Recorded> {
    let text = fs::read_to_string(runs.join(NAME).join(PARTS)).unwrap_or_default();
    text.lines().filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<Recorded> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    Some(Recorded {
        name: next()?.to_owned(),
        id: next()?.parse().ok()?,
        started: next()?.to_owned(),
        stop: Stop::named(next()?)?,
        port: next()?.parse().ok()?,
        path: next()?.to_owned(),
    })
}

/// The lines of [`PARTS`], in the order in which the parts should end.
fn record(stack: &Stack) -> Result<String, Error> {
    let database = stack.postgres.as_ref().and_then(|own| own.part.as_ref());
    let ports = stack.ports;
    let parts = [
        (stack.envoy.as_ref(), ports.admin, "/ready"),
        (stack.delivery.as_ref(), 0, "-"),
        (stack.sidecar.as_ref(), ports.sidecar, "/readyz"),
        (stack.idp.as_ref(), ports.idp, "/.well-known/openid-configuration"),
        (database, ports.postgres, "postgres"),
    ];
    let mut text = String::new();
    for (part, port, path) in parts {
        let Some(part) = part else { continue };
        let started =
            started(part.id()).ok_or_else(|| Error::part(part.name(), "ended just now", part.log()))?;
        text.push_str(&format!(
            "{} {} {started} {} {port} {path}\n",
            part.name(),
            part.id(),
            part.stop().name()
        ));
    }
    Ok(text)
}

/// When a process began, in the kernel's ticks; nothing when it is gone.
fn started(id: u32) -> Option<String> {
    const STATE: usize = 0;
    const START_TIME: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    if *fields.get(STATE)? == "Z" {
        return None;
    }
    fields.get(START_TIME).map(|&field| field.to_owned())
}

fn end(recorded: &[Recorded]) {
    for part in recorded.iter().filter(|part| part.is_alive()) {
        send(part.id, part.stop.signal());
        let start = Instant::now();
        while part.is_alive() && start.elapsed() < STOP_LIMIT {
            thread::sleep(Duration::from_millis(10));
        }
        if part.is_alive() {
            send(part.id, Signal::KILL);
        }
    }
}

/// What `target/run/env` says.
fn environment(stack: &Stack) -> String {
    let programs = stack.programs();
    let bin = programs.chaperone.parent().unwrap_or(&programs.root);
    let values = [
        ("CHAPERONE_PG_HOST", stack.pg_host(Chain::Fused).to_owned()),
        ("CHAPERONE_PG_PORT", stack.pg_port(Chain::Fused).to_string()),
        ("CHAPERONE_PG_PORT_SEPARATE", stack.pg_port(Chain::Separate).to_string()),
        ("CHAPERONE_PG_PORT_PLAIN", stack.pg_port(Chain::Plain).to_string()),
        ("CHAPERONE_PG_PORT_DIRECT", stack.pg_port(Chain::Direct).to_string()),
        ("CHAPERONE_SIDECAR_URL", stack.sidecar_url()),
        ("CHAPERONE_ENVOY_ADMIN", format!("http://127.0.0.1:{}", stack.ports.admin)),
        ("CHAPERONE_POLICY", stack.policy_path().display().to_string()),
        ("CHAPERONE_OPERATOR_TOKEN", stack.operator_token().to_owned()),
        ("CHAPERONE_DEV_IDP", stack.issuer().to_owned()),
        ("CHAPERONE_DEV_KEYS", stack.dev_keys().display().to_string()),
    ];
    let mut text = "# written by `make up`; read it with `. target/run/env`\n".to_owned();
    for (name, value) in values {
        text.push_str(&format!("export {name}={}\n", quoted(&value)));
    }
    // Behind the user's own programs: psql from the stack only where there is no other.
    text.push_str(&format!(
        "export PATH={}:\"$PATH\":{}\n",
        quoted(&bin.display().to_string()),
        quoted(&programs.postgres.display().to_string()),
    ));
    text
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_start_is_known_and_a_dead_process_has_none() {
        assert!(started(std::process::id()).is_some());
        assert_eq!(started(u32::MAX), None);
    }

    #[test]
    fn a_line_is_read_back() {
        let part = read_line("envoy 12 345 TERM 9901 /ready").unwrap();
        assert_eq!((part.name.as_str(), part.id, part.stop, part.port), ("envoy", 12, Stop::Terminate, 9901));
        assert!(read_line("envoy twelve 345 TERM 9901 /ready").is_none());
    }

    #[test]
    fn words_for_the_shell_are_quoted() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
