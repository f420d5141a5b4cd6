//! How the story is shown: in colour on a terminal, plainly elsewhere.

use std::io::{IsTerminal, Write};

/// Speaks to standard output.
#[derive(Debug)]
pub(super) struct Voice {
    coloured: bool,
}

impl Voice {
    pub(super) fn new() -> Self {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { coloured }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub(super) fn title(&self, text: &str) {
        self.line(&format!("\n{}\n", self.paint("1;36", &format!("━━ {text}"))));
    }

    /// What is about to be seen, and why it matters.
    pub(super) fn say(&self, text: &str) {
        self.line(&self.paint("36", &format!("   {text}")));
    }

    /// A command that a person or an agent types into a shell.
    pub(super) fn command(&self, who: &str, text: &str) {
        self.line(&format!("{} {}", self.paint("1;33", &format!("{who}$")), self.paint("1", text)));
    }

    /// What a program printed.
    pub(super) fn output(&self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(&self.line_colour(line));
        }
    }

    /// Output of the live psql, as it comes: without a line's end of its own.
    pub(super) fn live(&self, text: &str) {
        let painted: Vec<String> = text.split_inclusive('\n').map(|line| self.line_colour(line)).collect();
        let mut out = std::io::stdout().lock();
        // Who closes the pipe has seen enough.
        let _ = out.write_all(painted.concat().as_bytes()).and_then(|()| out.flush());
    }

    fn line_colour(&self, line: &str) -> String {
        let code = ["ERROR:", "FATAL:", "psql: error"].iter().any(|word| line.contains(word));
        if code {
            return self.paint("31", line);
        }
        if line.starts_with("NOTICE:") {
            return self.paint("33", line);
        }
        line.to_owned()
    }

    fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}");
    }
}
