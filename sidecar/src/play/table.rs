//! Rows as psql shows them.

use chaperone_pgwire::Format;
use chaperone_pgwire::server::{DataRow, RowDescription};

use super::value;
use crate::terminal::{cut, one_line};

/// Most rows of one result that are shown; the rest is counted.
pub(crate) const MAX_ROWS: usize = 1000;
/// Most columns that are shown.
pub(crate) const MAX_COLUMNS: usize = 200;

/// A result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    /// How the client asked for the values: for all, or for each.
    formats: Vec<Format>,
    rows: Vec<Vec<String>>,
    count: u64,
    /// The most columns that a row has beyond those that are shown.
    more_columns: usize,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    type_oid: u32,
    format: Format,
}

impl Grid {
    /// A result of these columns, its values in these formats where the description does not know yet.
    pub(super) fn new(description: &RowDescription<'_>, formats: &[Format]) -> Self {
        let format = |index: usize, known: Format| asked_format(formats, index).unwrap_or(known);
        let columns = description.columns().take(MAX_COLUMNS).enumerate().map(|(index, column)| Column {
            name: one_line(&String::from_utf8_lossy(column.name)),
            type_oid: column.type_oid,
            format: format(index, column.format),
        });
        Self { columns: columns.collect(), ..Self::undescribed(formats) }
    }

    /// A result whose columns nobody asked for: they have numbers instead of names.
    pub(super) fn undescribed(formats: &[Format]) -> Self {
        Self { formats: formats.to_vec(), ..Self::default() }
    }

    /// Adds a row of which not all was recorded.
    pub(super) const fn push_cut(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Columns that the row has and no description told.
    fn complete_columns(&mut self, values: usize) {
        while self.columns.len() < values.min(MAX_COLUMNS) {
            let index = self.columns.len();
            let format = asked_format(&self.formats, index).unwrap_or(Format::Text);
            self.columns.push(Column { name: format!("column {}", index + 1), type_oid: 0, format });
        }
        self.more_columns = self.more_columns.max(values.saturating_sub(self.columns.len()));
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &DataRow<'_>) {
        self.count = self.count.saturating_add(1);
        self.complete_columns(row.values().count());
        if self.rows.len() < MAX_ROWS {
            let cells = row.values().zip(&self.columns).map(|(value, column)| {
                value.map_or_else(String::new, |value| {
                    let text = value::text(value, column.type_oid, column.format);
                    cut(
                        &crate::terminal::safe(&text).replace('\n', "⏎").replace('\t', "    "),
                        value::MAX_SHOWN,
                    )
                })
            });
            self.rows.push(cells.collect());
        }
    }

    /// The lines that psql would print.
    pub(super) fn lines(&self) -> Vec<String> {
        let width = |text: &str| text.chars().count();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let cells = self.rows.iter().filter_map(|row| row.get(index));
                cells.map(|cell| width(cell)).chain([width(&column.name)]).max().unwrap_or(0)
            })
            .collect();
        let mut lines = Vec::new();
        if !self.columns.is_empty() {
            let heads =
                self.columns.iter().zip(&widths).map(|(column, wide)| format!(" {:^wide$} ", column.name));
            lines.push(heads.collect::<Vec<_>>().join("|"));
            let rules = widths.iter().map(|wide| "-".repeat(wide + 2));
            lines.push(rules.collect::<Vec<_>>().join("+"));
        }
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).zip(&widths).map(|((cell, column), wide)| {
                if value::is_numeric(column.type_oid) {
                    format!(" {cell:>wide$} ")
                } else {
                    format!(" {cell:<wide$} ")
                }
            });
            lines.push(cells.collect::<Vec<_>>().join("|").trim_end().to_owned());
        }
        if self.more_columns > 0 {
            lines.push(format!("({} more columns are recorded)", self.more_columns));
        }
        let shown = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let more = self.count.saturating_sub(shown);
        if more > 0 {
            lines.push(format!("({more} more rows are recorded)"));
        }
        lines.push(if self.count == 1 { "(1 row)".to_owned() } else { format!("({} rows)", self.count) });
        lines
    }
}

fn asked_format(formats: &[Format], index: usize) -> Option<Format> {
    match formats {
        [one] => Some(*one),
        many => many.get(index).copied(),
    }
}
