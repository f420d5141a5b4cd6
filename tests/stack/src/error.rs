//! Why the stack could not do what it was asked, with the end of the log of the part it is about.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the stack could not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// A file or directory could not be used.
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program is not installed or not built.
    Missing {
        /// What is missing.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// An option or a setting cannot be used.
    Setting(String),
    /// A part of the stack did not do what it should.
    Part {
        /// The part's name.
        part: String,
        /// What went wrong.
        problem: String,
        /// The last lines of its log.
        log: String,
    },
}

impl Error {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }

    pub(crate) fn part(part: &str, problem: impl Into<String>, log: &Path) -> Self {
        Self::Part { part: part.to_owned(), problem: problem.into(), log: tail(log) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "`{}`: {source}", path.display()),
            Self::Missing { what, hint } => write!(f, "{what} is missing: {hint}"),
            Self::Setting(problem) => f.write_str(problem),
            Self::Part { part, problem, log } if log.is_empty() => write!(f, "{part}: {problem}"),
            Self::Part { part, problem, log } => write!(f, "{part}: {problem}; its log ends with\n{log}"),
        }
    }
}

impl std::error::Error for Error {}

/// The last lines of a log, indented; empty when there is none.
fn tail(log: &Path) -> String {
    const LINES: usize = 15;
    let Ok(bytes) = std::fs::read(log) else { return String::new() };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.lines().rev().take(LINES).collect();
    lines.reverse();
    lines.iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}
