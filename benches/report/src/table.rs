//! Figures in rows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Rows of figures under one title.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// What the figures are, with their unit: "instructions per request, over the bare router".
    pub title: String,
    /// The columns' heads; the first is the rows' names.
    pub columns: Vec<String>,
    /// As many cells in each row as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell: a text, or a number with the places that are worth showing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Not measured, or not to be had.
    None,
    /// A number, shown with this many decimals.
    Number {
        /// The number itself.
        value: f64,
        /// Decimals shown.
        places: usize,
    },
    /// A middle one of several rounds, with the least and the most.
    Spread {
        /// The median.
        median: f64,
        /// The least of the rounds.
        least: f64,
        /// The most.
        most: f64,
        /// Decimals shown.
        places: usize,
    },
    /// Words.
    Text(String),
}

impl Cell {
    /// A whole number.
    pub const fn whole(value: f64) -> Self {
        Self::Number { value, places: 0 }
    }

    /// A ratio, with two decimals.
    pub const fn ratio(value: f64) -> Self {
        Self::Number { value, places: 2 }
    }

    /// The middle, the least and the most of these, of which there must be one.
    pub fn spread(mut values: Vec<f64>, places: usize) -> Self {
        values.sort_by(f64::total_cmp);
        match (values.first(), values.last()) {
            (Some(least), Some(most)) => {
                Self::Spread { median: values[values.len() / 2], least: *least, most: *most, places }
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

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::None, Self::whole)
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
    /// A table without rows.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(column, head)| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.chain([head]).map(|cell| cell.chars().count()).max().unwrap_or_default().max(3)
            })
            .collect();
        write!(f, "**{}**\n\n|", self.title)?;
        for (column, (head, width)) in self.columns.iter().zip(&widths).enumerate() {
            if column == 0 { write!(f, " {head:<width$} |")? } else { write!(f, " {head:>width$} |")? }
        }
        f.write_str("\n|")?;
        for (column, width) in widths.iter().enumerate() {
            let dashes = "-".repeat(width + 1);
            if column == 0 { write!(f, "{dashes}-|")? } else { write!(f, "{dashes}:|")? }
        }
        for row in &rows {
            f.write_str("\n|")?;
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 { write!(f, " {cell:<width$} |")? } else { write!(f, " {cell:>width$} |")? }
            }
        }
        Ok(())
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
        let text = "**instructions**\n\n| case  |         ours |\n|-------|-------------:|\n\
                    | read  | 2.0 (1.0..3.0) |\n| write |            - |";
        let squeezed = |text: &str| text.replace([' ', '-'], "");
        assert_eq!(squeezed(&table.to_string()), squeezed(text));
    }

    #[test]
    fn a_cell_survives_its_json() {
        let cells = [Cell::None, Cell::ratio(0.5), Cell::spread(vec![1.0], 0), "text".into()];
        for cell in cells {
            let json = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&json).unwrap(), cell, "{json}");
        }
    }
}
