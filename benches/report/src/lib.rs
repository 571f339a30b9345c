//! What a bench found: tables and curves, for people (Markdown) and for machines (JSON).
//!
//! Every bench builds one [`Report`] and prints it. `cargo xtask bench NAME --save` keeps its JSON in `benches/results`, from
//! which `benches/RESULTS.md` and its pictures are drawn.

mod curve;
mod options;
mod table;

use std::fmt;
use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};

pub use curve::{Curve, Scale, Series};
pub use options::{Options, end, say};
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

    /// Notes the versions that a lock file has of these packages; one it has not is left out.
    pub fn versions_in(&mut self, lock: &str, names: &[&str]) {
        for name in names {
            let head = format!("[[package]]\nname = \"{name}\"\nversion = \"");
            let versions = lock.split(&*head).skip(1).filter_map(|rest| rest.split('"').next());
            let versions: Vec<&str> = versions.collect();
            if !versions.is_empty() {
                self.version(name, versions.join(" and "));
            }
        }
    }

    /// Puts the report on standard output: as JSON for machines, or as Markdown.
    ///
    /// # Errors
    /// If nobody reads it.
    pub fn print(&self, as_json: bool) -> io::Result<()> {
        let text = if as_json { self.to_json()? } else { self.to_string() };
        writeln!(io::stdout().lock(), "{text}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_from_a_lock_file() {
        let lock = "[[package]]\nname = \"one\"\nversion = \"1.2\"\nsource = \"x\"\n\n[[package]]\nname = \"two\"\n\
                    version = \"1.0\"\n\n[[package]]\nname = \"two\"\nversion = \"2.0\"\n";
        let mut report = Report::new("bench", "about");
        report.versions_in(lock, &["two", "one", "none"]);
        let expected =
            [("two", "1.0 and 2.0"), ("one", "1.2")].map(|(name, version)| (name.into(), version.into()));
        assert_eq!(report.versions, expected);
    }

    #[test]
    fn a_report_is_its_tables_between_what_it_is_about_and_its_notes() {
        let mut report = Report::new("bench", "About.");
        report.tables.push(Table::new("ns", &["case", "ours"]));
        report.notes.push("A note.".into());
        let text = report.to_string();
        assert!(
            text.starts_with("About.\n\n**ns**\n\n| case |") && text.ends_with("\n\n- A note."),
            "{text}"
        );
    }
}
