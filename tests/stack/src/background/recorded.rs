//! The parts as `up` has written them down, for `status` and `down`.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::Error;
use crate::http;
use crate::options::StackOptions;
use crate::part::{Stop, send};
use crate::programs::Programs;
use crate::psql;
use crate::stack::Stack;

/// In the run directory: a line for each part, `name id start stop port path`.
pub(super) const PARTS: &str = "parts";
/// How long a part may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A part as `up` has recorded it.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) name: String,
    pub(super) id: u32,
    /// When the process began, in the kernel's ticks: another process may get the same id.
    started: String,
    stop: Stop,
    pub(super) port: u16,
    path: String,
}

impl Recorded {
    pub(super) fn is_alive(&self) -> bool {
        started(self.id).is_some_and(|started| started == self.started)
    }

    pub(super) fn health(&self) -> &'static str {
        if !self.is_alive() {
            return "gone";
        }
        match self.path.as_str() {
            "-" => "running",
            "postgres" => {
                let programs = Programs::find(StackOptions::default().postgres_version);
                let accepts = programs.is_ok_and(|programs| psql::accepts(&programs, "127.0.0.1", self.port));
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

/// What is written down in a run directory.
pub(super) fn recorded(run: &Path) -> Vec<Recorded> {
    let text = fs::read_to_string(run.join(PARTS)).unwrap_or_default();
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
pub(super) fn record(stack: &Stack) -> Result<String, Error> {
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

/// Ends the parts that run, in their order.
pub(super) fn end(recorded: &[Recorded]) {
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
}
