//! What a bench found: tables and curves, for people (Markdown) and for machines (JSON).
//!
//! Every bench builds one [`Report`] and prints it. `cargo xtask bench NAME --save` keeps its JSON in `benches/results`, from
//! which `benches/RESULTS.md` and its pictures are drawn.

mod curve;
mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use curve::{Curve, Scale, Series};
pub use table::{Cell, Table};

/// All that one run of one bench found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The bench's name, as `cargo xtask bench` knows it.
    pub bench: String,
    /// What was compared and how, in a paragraph or two of Markdown.
    pub about: String,
    /// Name and version of everything that was measured.
    pub versions: Vec<(String, String)>,
    /// The figures.
    pub tables: Vec<Table>,
    /// What is better seen than read.
    pub curves: Vec<Curve>,
    /// What a reader must know to read the figures right.
    pub notes: Vec<String>,
}

impl Report {
    /// A report without figures.
    pub fn new(bench: &str, about: &str) -> Self {
        Self {
            bench: bench.into(),
            about: about.into(),
            versions: Vec::new(),
            tables: Vec::new(),
            curves: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Notes the version of something measured.
    pub fn version(&mut self, name: &str, version: impl Into<String>) {
        self.versions.push((name.into(), version.into()));
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// None that a report can cause.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl fmt::Display for Report {
    /// Markdown, without a heading.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.about)?;
        self.tables.iter().try_for_each(|table| write!(f, "\n\n{table}"))?;
        if !self.notes.is_empty() {
            f.write_str("\n")?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n- {note}"))
    }
}
