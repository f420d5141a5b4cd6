//! Texts of agents and databases, made safe to show to people.
//!
//! What an agent wrote may hold escape sequences that repaint a terminal, or letters that reverse the reading
//! order, so that a person approves something else than what they see. None of that gets through.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

/// Headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What needs somebody.
pub(crate) const WAITING: Style = AnsiColor::Yellow.on_default();
/// What is not well.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// `text` in a style. The stream that it is written to takes the colours out where they do not belong.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` with everything that is not plainly visible spelled out. Line breaks and tabs stay.
pub(crate) fn safe(text: &str) -> String {
    spelled(text, |c| matches!(c, '\n' | '\t'))
}

/// `text` in one line: the same, and white space runs together.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    spelled(&words.join(" "), |_| false)
}

/// At most `limit` letters, with a mark where something is missing.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

fn spelled(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if keep(c) || !(c.is_control() || misleads(c)) {
            safe.push(c);
        } else if c.is_ascii() {
            safe.push_str(&format!("\\x{:02x}", u32::from(c)));
        } else {
            safe.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        }
    }
    safe
}

/// Invisible letters, and those that change the direction of writing.
fn misleads(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A table: columns two spaces apart, as wide as they need to be. Cells must be safe and without style.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<&'static str>,
    /// Columns that give way on a narrow terminal, the first of them first.
    shrinking: Vec<&'static str>,
    rows: Vec<Vec<(Style, String)>>,
}

impl Table {
    /// With these column heads.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), shrinking: Vec::new(), rows: Vec::new() }
    }

    /// These columns may be cut where the terminal is too narrow, the first of them first.
    pub(crate) fn shrinking(self, heads: &[&'static str]) -> Self {
        Self { shrinking: heads.to_vec(), ..self }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<(Style, String)>) {
        self.rows.push(cells);
    }

    /// Writes it, as wide as the terminal at most where the columns that may shrink allow it.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        self.print_within(out, terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
    }

    fn widths(&self, most: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| width(head)).collect();
        for row in &self.rows {
            for (wide, (_, cell)) in widths.iter_mut().zip(row) {
                *wide = width(cell).max(*wide);
            }
        }
        let gaps = 2 * widths.len().saturating_sub(1);
        let total = widths.iter().sum::<usize>() + gaps;
        let mut over = most.map_or(0, |most| total.saturating_sub(most));
        for name in &self.shrinking {
            let place = self.heads.iter().position(|head| head == name);
            if let Some(wide) = place.and_then(|place| widths.get_mut(place)) {
                let gives = over.min(wide.saturating_sub(NARROWEST.max(width(name))));
                *wide -= gives;
                over -= gives;
            }
        }
        widths
    }

    fn print_within(&self, out: &mut impl Write, most: Option<usize>) -> io::Result<()> {
        let widths = self.widths(most);
        let heads = self.heads.iter().map(|head| (STRONG, (*head).to_owned())).collect();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            let last = row.len().saturating_sub(1);
            for (index, ((style, cell), wide)) in row.iter().zip(&widths).enumerate() {
                let cell = cut(cell, *wide);
                // The last column is not padded: nobody wants trailing spaces.
                let space = if index == last { 0 } else { wide.saturating_sub(width(&cell)) + 2 };
                line.push_str(&styled(*style, cell));
                line.push_str(&" ".repeat(space));
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// What a column that shrinks keeps, in letters.
const NARROWEST: usize = 8;

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_way_to_a_narrow_terminal_where_it_may() {
        let mut table = Table::new(&["ID", "STATEMENT"]).shrinking(&["STATEMENT"]);
        table.row(vec![
            (Style::new(), "ap-1".to_owned()),
            (Style::new(), "update customers set a = 1".to_owned()),
        ]);
        let print = |most| {
            let mut out = Vec::new();
            table.print_within(&mut out, most).unwrap();
            anstream::adapter::strip_bytes(&out).into_vec()
        };
        let wide = b"ID    STATEMENT\nap-1  update customers set a = 1\n";
        assert_eq!(print(None), wide, "no terminal: nothing is cut");
        assert_eq!(print(Some(32)), wide);
        assert_eq!(print(Some(20)), "ID    STATEMENT\nap-1  update custom…\n".as_bytes());
        assert_eq!(print(Some(5)), "ID    STATEMENT\nap-1  update c…\n".as_bytes(), "a head is never cut");
    }

    #[test]
    fn nothing_that_drives_a_terminal_or_misleads_a_reader_gets_through() {
        assert_eq!(safe("a\u{1b}[2Jb\r\nc\td"), "a\\x1b[2Jb\\x0d\nc\td");
        assert_eq!(safe("x\u{9b}31m\u{202e}y\u{200b}\u{7f}"), "x\\u{9b}31m\\u{202e}y\\u{200b}\\x7f");
        assert_eq!(one_line("delete\n\tfrom\u{1b} t "), "delete from\\x1b t");
        assert_eq!(safe("żółw 龜 '1'"), "żółw 龜 '1'");
    }

    #[test]
    fn cutting_keeps_the_limit() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("ab", 0), "…");
    }
}
