//! What is wrong with a document: every problem found, each with its place.

use std::fmt;

/// Most problems that are reported at once.
pub const MAX_PROBLEMS: usize = 20;
/// Longest place and longest message of a problem, in bytes. What is longer, because the document is, is cut in the middle.
pub const MAX_PROBLEM_BYTES: usize = 600;

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

impl Problem {
    fn shortened(self) -> Self {
        Self { at: self.at, place: shortened(self.place), message: shortened(self.message) }
    }
}

/// A text of at most [`MAX_PROBLEM_BYTES`], of its beginning and its end.
fn shortened(text: String) -> String {
    const CUT: &str = "…";
    if text.len() <= MAX_PROBLEM_BYTES {
        return text;
    }
    let keep = (MAX_PROBLEM_BYTES - CUT.len()) / 2;
    let mut end = keep;
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let mut start = text.len().saturating_sub(keep);
    while !text.is_char_boundary(start) {
        start = start.saturating_add(1);
    }
    [text.get(..end).unwrap_or_default(), CUT, text.get(start..).unwrap_or_default()].concat()
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
        Self { problems: vec![Problem { at, place, message: message.into() }.shortened()] }
    }

    /// The problems as an error, in the order of the text; nothing when there are none.
    pub(crate) fn from_problems(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(|problem| problem.at.map_or((u32::MAX, 0), |at| (at.line, at.column)));
        problems.truncate(MAX_PROBLEMS);
        Err(Self { problems: problems.into_iter().map(Problem::shortened).collect() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_of_a_document_are_cut_between_letters() {
        for pad in ["", "x", "xx", "xxx"] {
            let word = format!("{pad}{}", "é".repeat(2_000));
            let error = Error::one(None, format!("unknown field `{word}`, expected one of `a`"));
            let message = &error.problems()[0].message;
            assert!(message.len() <= MAX_PROBLEM_BYTES && message.len() > MAX_PROBLEM_BYTES - 8, "{message}");
            assert!(message.starts_with("unknown field `") && message.ends_with("expected one of `a`"));
        }
        let text = format!("{{ version: 1, name: x, {}: 1 }}", "k".repeat(5_000));
        let error = crate::Policy::from_text(&text).unwrap_err();
        assert!(error.problems().iter().all(|problem| problem.message.len() <= MAX_PROBLEM_BYTES), "{error}");
        assert_eq!(shortened("x".repeat(MAX_PROBLEM_BYTES)).len(), MAX_PROBLEM_BYTES);
    }
}
