//! A live psql in a terminal of its own (`script` of util-linux lends one), typed into as a person would.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::error::Error;

use super::voice::Voice;

/// How long anything may take that the story waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// psql with a person at the keys.
pub(super) struct Terminal<'a> {
    child: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
    voice: &'a Voice,
}

/// An error of the story.
pub(super) fn wrong(what: impl Into<String>) -> Error {
    Error::Setting(what.into())
}

impl<'a> Terminal<'a> {
    /// Starts the program; its environment is the command's.
    pub(super) fn start(program: &Command, arguments: &str, voice: &'a Voice) -> Result<Self, Error> {
        let line = format!("{} {arguments}", program.get_program().to_string_lossy());
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &line, "/dev/null"]);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("TERM", "dumb").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| wrong(format!("script (util-linux): {error}")))?;
        let (Some(keys), Some(mut out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(wrong("script (util-linux) has no pipes"));
        };
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size) = out.read(&mut buffer) {
                let piece = buffer.get(..size).unwrap_or_default().to_vec();
                if size == 0 || sender.send(piece).is_err() {
                    return;
                }
            }
        });
        let terminal = Self { child, keys, screen, voice };
        terminal.until_prompt()?;
        Ok(terminal)
    }

    /// Types a line and waits for the next prompt. Returns what was shown.
    pub(super) fn run(&mut self, text: &str) -> Result<String, Error> {
        self.type_line(text)?;
        self.until_prompt()
    }

    /// Types a line.
    pub(super) fn type_line(&mut self, text: &str) -> Result<(), Error> {
        let typed = self.keys.write_all(format!("{text}\n").as_bytes()).and_then(|()| self.keys.flush());
        typed.map_err(|error| wrong(format!("psql is gone: {error}")))
    }

    /// Presses Ctrl-C.
    pub(super) fn interrupt(&mut self) -> Result<(), Error> {
        let pressed = self.keys.write_all(&[3]).and_then(|()| self.keys.flush());
        pressed.map_err(|error| wrong(format!("psql is gone: {error}")))
    }

    /// Waits for psql's prompt.
    pub(super) fn until_prompt(&self) -> Result<String, Error> {
        self.until("a prompt", |shown| {
            let last = shown.rsplit('\n').next().unwrap_or_default();
            ["=> ", "=*> ", "=!> ", "=# ", "=*# "].iter().any(|prompt| last.ends_with(prompt))
        })
    }

    /// Shows what comes until it is enough.
    pub(super) fn until(&self, what: &str, enough: impl Fn(&str) -> bool) -> Result<String, Error> {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = String::new();
        while !enough(&shown) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
                    self.voice.live(&text);
                    shown.push_str(&text);
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(wrong(format!("psql did not show {what}: {shown}")));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(wrong(format!("psql ended before {what}: {shown}")));
                }
            }
        }
        Ok(shown)
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.keys.write_all(b"\\q\n");
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
