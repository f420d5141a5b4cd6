//! Kinds of values that only a policy's owner knows: employee numbers, keys of one's own, described by regular expressions.
//!
//! The syntax is that of the `regex` crate (no look-around, no back references), whose search is linear in the text. Letters
//! are bytes: `\d`, `\w` and `(?i)` mean ASCII. A find never goes across a line, a tab or any other control character, so that
//! rows of COPY data stay rows.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A regular expression whose finds are hidden: read and found fit, not yet compiled. A filter that only reads the policy
/// need not carry the engine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern(Arc<str>);

/// Why a text is no pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PatternError {
    /// It matches where nothing is, so that it would hide everything and nothing.
    Empty,
    /// What it finds, or its program, may be too large, in the words of a person.
    Large(String),
    /// It is no regular expression.
    Syntax(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it matches the empty text; say what has to be there"),
            Self::Large(what) => f.write_str(what),
            Self::Syntax(what) => write!(f, "no regular expression: {what}"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Longest pattern, in bytes.
    pub const TEXT_MOST: usize = 1024;
    /// Longest find, in bytes. It bounds the time of a search, and what a stream has to keep back.
    pub const FIND_MOST: usize = 256;
    /// Most steps of its program: letters and classes, as often as they are repeated, each range of a class for itself.
    pub const STEPS_MOST: usize = 4_000;
    /// Most groups inside groups.
    const NESTED_MOST: u32 = 50;

    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no regular expression, matches the empty text, or could find more than [`Self::FIND_MOST`] bytes.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.len() > Self::TEXT_MOST {
            return Err(PatternError::Large(format!("it is longer than {} bytes", Self::TEXT_MOST)));
        }
        let parsed =
            ParserBuilder::new().unicode(false).utf8(false).nest_limit(Self::NESTED_MOST).build().parse(text);
        // The crate's own words draw the pattern over several lines, with the place underlined.
        let syntax = |error: &dyn fmt::Display| PatternError::Syntax(last_line(&error.to_string()));
        let parsed = parsed.map_err(|error| syntax(&error))?;
        match parsed.properties().minimum_len() {
            // None: it can never match anything, such as `[^\s\S]`.
            Some(0) | None => return Err(PatternError::Empty),
            Some(_) => {}
        }
        if parsed.properties().maximum_len().is_none_or(|most| most > Self::FIND_MOST) {
            let most = Self::FIND_MOST;
            return Err(PatternError::Large(format!(
                "what it finds may be longer than {most} bytes; write `{{1,64}}` instead of `+` or `*`"
            )));
        }
        if steps(&parsed) > Self::STEPS_MOST {
            return Err(PatternError::Large("it says too much: make its repetitions smaller".to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Ready to search; never none for a pattern that was read, as a test shows.
    pub(crate) fn compile(&self) -> Option<Search> {
        let mut builder = RegexBuilder::new(&self.0);
        builder
            .unicode(false)
            .nest_limit(Self::NESTED_MOST)
            .size_limit(PROGRAM_MOST)
            .dfa_size_limit(PROGRAM_MOST);
        builder.build().ok().map(Search)
    }
}

/// Largest compiled program in bytes, and largest memory of a search; some 200 bytes for each of [`Pattern::STEPS_MOST`].
const PROGRAM_MOST: usize = 1 << 20;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Search(Regex);

impl Search {
    /// Everything that it finds, in order.
    pub(crate) fn finds<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        lines(text).flat_map(|line| {
            let piece = text.get(line.clone()).unwrap_or_default();
            self.0.find_iter(piece).map(move |find| line.start + find.start()..line.start + find.end())
        })
    }
}

/// The pieces of a text between its control characters.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let rest = text.get(next..)?;
        let length = rest.iter().position(|byte| *byte < b' ').unwrap_or(rest.len());
        let line = next..next + length;
        next = line.end + 1;
        Some(line)
    })
    .filter(|line| !line.is_empty())
}

/// How many steps the program of an expression has at most.
fn steps(expression: &Hir) -> usize {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().saturating_mul(4),
        HirKind::Capture(capture) => steps(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(steps).fold(parts.len(), usize::saturating_add)
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(repetition.min).max(1);
            steps(&repetition.sub)
                .saturating_add(1)
                .saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
    }
}

fn last_line(text: &str) -> String {
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("").trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pattern_is_told_why() {
        for (text, why) in [
            ("EMP-(", "no regular expression: unclosed group"),
            ("a{,3", "no regular expression: repetition quantifier"),
            (r"(\d)\1", "no regular expression: backreferences are not supported"),
            (
                r"(?=a)",
                "no regular expression: look-around, including look-ahead and look-behind, is not supported",
            ),
            (r"\p{Greek}", "no regular expression: Unicode"),
            ("x*", "it matches the empty text"),
            ("", "it matches the empty text"),
            (r"[^\x00-\xff]", "it matches the empty text"),
            ("tok_[a-z0-9]+", "what it finds may be longer than 256 bytes; write `{1,64}`"),
            ("a{257}", "what it finds may be longer than 256 bytes"),
            ("(a{2}|b{3}){100}", "what it finds may be longer than 256 bytes"),
            (&"(".repeat(600), "no regular expression: "),
            (&"a".repeat(1025), "it is longer than 1024 bytes"),
        ] {
            let error = Pattern::new(text).unwrap_err().to_string();
            assert!(error.starts_with(why), "`{text}`: {error}");
        }
    }

    #[test]
    fn a_pattern_that_is_read_compiles() {
        let rich = format!("({}){{1,250}}", "a|b|c|d|e|f|g|h|i|[jlnprtvx]|[kmoq]");
        assert!(matches!(Pattern::new(&rich), Err(PatternError::Large(_))));
        // Just within the limit, of every kind of step.
        let nested = r"((\w{1,9}){1,9}\W){1,2}";
        let ranges = "[acegikmoqsuwy1357]{200}";
        let branches = "ab{30}|".repeat(100);
        let pieces = format!("(?:{}){{9}}", "(?:a|(b)|[ce]){3}".repeat(5));
        for text in [nested, ranges, branches.trim_end_matches('|'), &pieces, "a{256}", r"\bx\b$"] {
            assert!(Pattern::new(text).unwrap().compile().is_some(), "{text}");
        }
    }

    #[test]
    fn finds_lie_within_a_line() {
        let pattern = Pattern::new(r"^a.b|[^,]{3}$").unwrap().compile().unwrap();
        let finds = |text: &[u8]| pattern.finds(text).map(|find| (find.start, find.end)).collect::<Vec<_>>();
        assert_eq!(finds(b"axb\ta\nb\nxyz"), [(0, 3), (8, 11)], "a line's beginning and end are borders");
        assert!(finds(b"\n\n").is_empty());
        assert_eq!(finds(b"a\xffb"), [(0, 3)], "what is no UTF-8 is searched too");
    }
}
