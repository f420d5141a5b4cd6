//! One running program of the stack.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;

/// How long a part may take until it is ready, on a slow machine with much else to do.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(300);
/// How long a part may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How long a part lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lifetime {
    /// On its own, until `chaperone-stack down`.
    Background,
    /// As long as this process, however it ends.
    Ours,
}

/// The signal that asks a part to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    /// SIGINT: PostgreSQL's fast shutdown, which ends the sessions, tidies up, and goes.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Stop {
    /// The signal's name, as programs take it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Interrupt, Self::Terminate].into_iter().find(|stop| stop.name() == name)
    }

    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
        }
    }
}

/// What to run, and how.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) name: &'static str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) log: PathBuf,
    pub(crate) stop: Stop,
    /// Words before the program, such as those that give up root.
    pub(crate) prefix: &'static [&'static str],
}

/// One running program of the stack; it ends when this value does.
#[derive(Debug)]
pub(crate) struct Part {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop: Stop,
    left_running: bool,
}

impl Part {
    pub(crate) fn start(launch: Launch<'_>, lifetime: Lifetime) -> Result<Self, Error> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)
            .map_err(Error::file(&launch.log))?;
        let second = log.try_clone().map_err(Error::file(&launch.log))?;
        let mut words: Vec<OsString> = launch.prefix.iter().map(Into::into).collect();
        match lifetime {
            Lifetime::Background => words.push("setsid".into()),
            Lifetime::Ours => {
                // Nobody waits for it any more: what need not tidy up ends at once, whatever it is busy with.
                let signal = if launch.stop == Stop::Interrupt { launch.stop.name() } else { "KILL" };
                words.extend(["setpriv", "--pdeathsig", signal, "--"].into_iter().map(Into::into));
            }
        }
        words.push(launch.program.into());
        let mut words = words.into_iter().chain(launch.arguments);
        let mut command = Command::new(words.next().unwrap_or_default());
        // It holds a password that only Envoy needs, under another name.
        command.args(words).env_remove("CHAPERONE_UPSTREAM_PG").envs(launch.environment);
        command.stdin(Stdio::null()).stdout(log).stderr(second);
        let child = spawn(command).map_err(|error| {
            Error::part(launch.name, format!("could not be started: {error}"), &launch.log)
        })?;
        Ok(Self { name: launch.name, child, log: launch.log, stop: launch.stop, left_running: false })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stop(&self) -> Stop {
        self.stop
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until `ready` says so; an error as soon as the part has ended, or after [`START_LIMIT`].
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), Error> {
        let start = Instant::now();
        while !ready() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Error::part(self.name, format!("ended while starting ({status})"), &self.log));
            }
            if start.elapsed() > START_LIMIT {
                let problem = format!("is not ready after {} seconds", START_LIMIT.as_secs());
                return Err(Error::part(self.name, problem, &self.log));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the part at once, without a chance to tidy up.
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.id(), signal);
    }

    /// Does not end the part when this value goes.
    pub(crate) fn leave_running(mut self) {
        self.left_running = true;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.left_running || !self.is_running() {
            return;
        }
        self.signal(self.stop.signal());
        let start = Instant::now();
        while self.is_running() && start.elapsed() < STOP_LIMIT {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal; nothing happens when the process is gone.
pub(crate) fn send(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Spawns from a thread that lives as long as this process: the kernel's signal on a parent's death is bound to the thread
/// that made the child, and the one that runs a test ends with the test.
fn spawn(command: Command) -> io::Result<Child> {
    type Job = (Command, Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        thread::spawn(move || {
            for (mut command, reply) in jobs {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let gone = |_| io::Error::other("the thread that starts programs is gone");
    let (reply, answer) = channel();
    spawner.lock().unwrap_or_else(PoisonError::into_inner).send((command, reply)).map_err(|_| gone(()))?;
    answer.recv().map_err(|_| gone(()))?
}
