//! Reading patterns as PostgreSQL reads names, and matching them.
//!
//! A name in a statement without a schema could mean a table of any schema. A deny or hold rule takes the
//! suspicious side ([`NamePattern::may_mean`]), an allow rule the sure side ([`NamePattern::surely_means`]).

use super::catalogue;

/// PostgreSQL cuts longer names off, so a longer pattern could never match.
const MAX_NAME_BYTES: usize = 63;

/// One part of a pattern: `customers`, `audit_*`, `*` or `"Quoted"`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Any,
    Exact(Box<str>),
    /// The pieces between the stars.
    Glob(Box<[Box<str>]>),
}

impl Part {
    fn plain(text: &str) -> Self {
        if text == "*" {
            return Self::Any;
        }
        if text.contains('*') {
            return Self::Glob(text.split('*').map(Into::into).collect());
        }
        Self::Exact(text.into())
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => **exact == *name,
            Self::Glob(pieces) => glob(pieces, name),
        }
    }

    /// The name itself, where the part is one name.
    pub(crate) fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(name) => Some(name),
            Self::Any | Self::Glob(_) => None,
        }
    }
}

/// Leftmost matches suffice: a later match of a piece never helps the pieces behind it.
fn glob(pieces: &[Box<str>], name: &str) -> bool {
    let [first, middle @ .., last] = pieces else { return false };
    let Some(mut rest) = name.strip_prefix(&**first) else { return false };
    for piece in middle {
        let Some((_, after)) = rest.split_once(&**piece) else { return false };
        rest = after;
    }
    rest.ends_with(&**last)
}

/// Splits at the dots outside of double quotes and folds what is not quoted, as PostgreSQL does.
fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(pattern, quoted)?,
            None => plain_part(pattern, rest)?,
        };
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(parts),
            None => return Err(format!("`{pattern}`: expected a dot after a quoted name")),
        }
    }
}

fn quoted_part<'t>(pattern: &str, text: &'t str) -> Result<(Part, &'t str), String> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once('"') else {
            return Err(format!("`{pattern}`: a quoted name does not end"));
        };
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => {
                check_length(pattern, &name)?;
                return Ok((Part::Exact(name.into()), after));
            }
        }
    }
}

fn plain_part<'t>(pattern: &str, text: &'t str) -> Result<(Part, &'t str), String> {
    let end = text.find('.').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '"' | '\'' | ',' | ';')
    };
    if name.contains(odd) {
        return Err(format!("`{pattern}`: names with such letters must be in double quotes"));
    }
    check_length(pattern, name)?;
    Ok((Part::plain(&name.to_ascii_lowercase()), rest))
}

fn check_length(pattern: &str, name: &str) -> Result<(), String> {
    match name.len() {
        0 => Err(format!("`{pattern}`: a name is empty")),
        length if length > MAX_NAME_BYTES => {
            Err(format!("`{pattern}`: a name is longer than {MAX_NAME_BYTES} bytes"))
        }
        _ => Ok(()),
    }
}

/// `schema.name` or `name`, for tables and functions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NamePattern {
    /// [`Part::Any`] where the pattern has none.
    pub(crate) schema: Part,
    pub(crate) name: Part,
}

impl NamePattern {
    pub(crate) fn read(pattern: &str) -> Result<Self, String> {
        match <[Part; 2]>::try_from(parts(pattern)?) {
            Ok([schema, name]) => Ok(Self { schema, name }),
            Err(parts) => match <[Part; 1]>::try_from(parts) {
                Ok([name]) => Ok(Self { schema: Part::Any, name }),
                Err(_) => Err(format!("`{pattern}`: expected `name` or `schema.name`")),
            },
        }
    }

    /// Whether it stands for every name of every schema.
    pub(crate) fn is_all(&self) -> bool {
        self.schema == Part::Any && self.name == Part::Any
    }

    /// Whether a name in a statement could be one of these.
    pub(crate) fn may_mean(&self, schema: Option<&str>, name: &str) -> bool {
        self.name.matches(name) && schema.is_none_or(|schema| self.schema.matches(schema))
    }

    fn matches(&self, schema: &str, name: &str) -> bool {
        self.name.matches(name) && self.schema.matches(schema)
    }

    /// Whether a name in a statement is one of these for sure, wherever on the search path it is found.
    pub(crate) fn surely_means(
        patterns: &[Self],
        schema: Option<&str>,
        name: &str,
        search: &[String],
    ) -> bool {
        let covered = |schema: &str| patterns.iter().any(|pattern| pattern.matches(schema, name));
        match schema {
            Some(schema) => covered(schema),
            // PostgreSQL looks into pg_catalog before the search path.
            None if catalogue::has(name) => covered("pg_catalog"),
            None => !search.is_empty() && search.iter().all(|schema| covered(schema)),
        }
    }
}

/// `schema.table.column`, `table.column` or `column`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ColumnPattern {
    /// None: the column of any table.
    pub(crate) table: Option<NamePattern>,
    pub(crate) column: Part,
}

impl ColumnPattern {
    pub(crate) fn read(pattern: &str) -> Result<Self, String> {
        let mut parts = parts(pattern)?;
        let column = parts.pop();
        let name = parts.pop();
        let schema = parts.pop();
        match (parts.is_empty(), column) {
            (true, Some(column)) => {
                let table = name.map(|name| NamePattern { schema: schema.unwrap_or(Part::Any), name });
                Ok(Self { table, column })
            }
            _ => Err(format!("`{pattern}`: expected `column`, `table.column` or `schema.table.column`")),
        }
    }
}

/// Plain text with `*` for any letters, case sensitive: subjects, groups, databases.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Text(Part);

impl Text {
    pub(crate) fn read(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("the text is empty".to_owned());
        }
        Ok(Self(Part::plain(pattern)))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }

    /// The only text that it matches, where it is no pattern.
    pub(crate) fn exact(&self) -> Option<&str> {
        match &self.0 {
            Part::Exact(text) => Some(text),
            Part::Any | Part::Glob(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
