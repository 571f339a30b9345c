//! Figures in rows.

use std::fmt;

use serde::Serialize;

/// Rows of figures under one title.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// What the figures are, with their unit.
    pub title: String,
    /// The column heads; the first column names the rows.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Not measured.
    None,
    /// A number and the decimals to show.
    Number {
        value: f64,
        places: usize,
    },
    /// The median of several rounds, with the least and the most.
    Spread {
        median: f64,
        least: f64,
        most: f64,
        places: usize,
    },
    Text(String),
}

impl Cell {
    #[must_use]
    pub const fn number(value: f64, places: usize) -> Self {
        Self::Number { value, places }
    }

    /// The median, the least and the most of these values.
    #[must_use]
    pub fn spread(mut values: Vec<f64>, places: usize) -> Self {
        values.sort_by(f64::total_cmp);
        match (values.first(), values.last()) {
            (Some(least), Some(most)) => {
                let median = values[values.len() / 2];
                Self::Spread { median, least: *least, most: *most, places }
            }
            _ => Self::None,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::number(crate::meter::count(count), 0)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("-"),
            Self::Number { value, places } => write!(f, "{value:.places$}"),
            Self::Spread { median, least, most, places } => {
                write!(f, "{median:.places$} ({least:.places$}..{most:.places$})")
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Table {
    #[must_use]
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    /// Writes a Markdown table with its title in bold; numbers are aligned to the right.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = (0..self.columns.len()).map(|column| if column == 0 { "---" } else { "--:" });
        let mut lines = vec![self.columns.clone(), rule.map(str::to_owned).collect()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()));
        writeln!(f, "**{}**", self.title)?;
        lines.iter().try_for_each(|line| write!(f, "\n| {} |", line.join(" | ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown_with_its_numbers_to_the_right() {
        let mut table = Table::new("instructions", &["case", "ours"]);
        table.row(["read".into(), Cell::spread(vec![3.0, 1.0, 2.0], 1)]);
        table.row(["write".into(), Cell::None]);
        let lines = [
            "**instructions**",
            "",
            "| case | ours |",
            "| --- | --: |",
            "| read | 2.0 (1.0..3.0) |",
            "| write | - |",
        ];
        assert_eq!(table.to_string(), lines.join("\n"));
    }
}
