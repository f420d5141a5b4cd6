//! What is wrong with a document: every problem found, each with its place.

use std::fmt;

/// Most problems that are reported at once.
pub const MAX_PROBLEMS: usize = 20;

/// Where in a text something begins, counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where in the text; none when the document did not come as YAML text.
    pub at: Option<Position>,
    /// Which part: ``rule `no-drop`: match.verbs[0]``; empty for the document as a whole.
    pub place: String,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// Why a document is not a policy. Shows one problem a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    problems: Vec<Problem>,
}

impl Error {
    pub(crate) fn one(at: Option<Position>, message: impl Into<String>) -> Self {
        Self::in_place(at, String::new(), message)
    }

    pub(crate) fn in_place(at: Option<Position>, place: String, message: impl Into<String>) -> Self {
        Self { problems: vec![Problem { at, place, message: message.into() }] }
    }

    /// The problems as an error, in the order of the text; nothing when there are none.
    pub(crate) fn from_problems(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(|problem| problem.at.map_or((u32::MAX, 0), |at| (at.line, at.column)));
        problems.truncate(MAX_PROBLEMS);
        Err(Self { problems })
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The line of the first problem, where known.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.problems.iter().find_map(|problem| problem.at).map(|at| at.line)
    }

    /// Every problem found, at most [`MAX_PROBLEMS`].
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
