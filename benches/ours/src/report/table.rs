//! Figures in rows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Rows of figures under one title.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// What the figures are, with their unit.
    pub title: String,
    /// The column heads; the first column names the rows.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

    #[must_use]
    pub const fn whole(value: f64) -> Self {
        Self::number(value, 0)
    }

    /// A number with two decimals.
    #[must_use]
    pub const fn ratio(value: f64) -> Self {
        Self::number(value, 2)
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
        Self::whole(crate::meter::count(count))
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
        let cells = self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect());
        let lines: Vec<Vec<String>> = [self.columns.clone()].into_iter().chain(cells).collect();
        let width = |column: usize| {
            let texts = lines.iter().filter_map(|line| line.get(column));
            texts.map(|text| text.chars().count()).max().unwrap_or_default().max(3)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        writeln!(f, "**{}**", self.title)?;
        for (number, line) in lines.iter().enumerate() {
            f.write_str("\n|")?;
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, " {cell:<width$} |")?;
                } else {
                    write!(f, " {cell:>width$} |")?;
                }
            }
            if number == 0 {
                f.write_str("\n|")?;
                for (column, width) in widths.iter().enumerate() {
                    let end = if column == 0 { '-' } else { ':' };
                    write!(f, "{}{end}|", "-".repeat(width + 1))?;
                }
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
        let lines = [
            "**instructions**",
            "",
            "| case  |           ours |",
            "|-------|---------------:|",
            "| read  | 2.0 (1.0..3.0) |",
            "| write |              - |",
        ];
        assert_eq!(table.to_string(), lines.join("\n"));
    }

    #[test]
    fn a_cell_survives_a_round_trip_through_json() {
        for cell in [Cell::None, Cell::ratio(0.5), Cell::spread(vec![1.0], 0), "text".into()] {
            let json = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&json).unwrap(), cell, "{json}");
        }
    }
}
