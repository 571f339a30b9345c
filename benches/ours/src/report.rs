//! The figures of one run: tables in Markdown for people, JSON for programs.

mod page;
mod saved;
mod table;

use std::fmt;
use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::Failure;

pub use saved::render_page;
pub use table::{Cell, Table};

/// The figures of one run of one bench.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The bench's name, which is also the name of its file in `benches/results`.
    pub bench: String,
    /// What was measured and how, in Markdown.
    pub about: String,
    /// Name and version of each library measured.
    pub versions: Vec<(String, String)>,
    pub tables: Vec<Table>,
    /// What a reader must know to read the figures correctly.
    pub notes: Vec<String>,
}

impl Report {
    #[must_use]
    pub fn new(bench: &str, about: &str, notes: &[&str]) -> Self {
        Self {
            bench: bench.into(),
            about: about.into(),
            versions: Vec::new(),
            tables: Vec::new(),
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
        }
    }

    /// Adds the versions that a `Cargo.lock` has for these packages; missing packages are skipped.
    pub fn versions_in(&mut self, lock: &str, names: &[&str]) {
        for name in names {
            let head = format!("[[package]]\nname = \"{name}\"\nversion = \"");
            let versions = lock.split(&*head).skip(1).filter_map(|rest| rest.split('"').next());
            let versions: Vec<&str> = versions.collect();
            if !versions.is_empty() {
                self.versions.push(((*name).into(), versions.join(" and ")));
            }
        }
    }

    /// Prints the report to stdout, as JSON or as Markdown.
    pub fn print(&self, as_json: bool) -> Result<(), Failure> {
        let text = if as_json { serde_json::to_string_pretty(self)? } else { self.to_string() };
        print_line(&text)
    }

    /// Saves the report in `benches/results` and makes `benches/RESULTS.md` again.
    pub fn save(&self) -> Result<(), Failure> {
        saved::save(self)?;
        render_page()
    }
}

/// Prints one line of figures to stdout.
pub fn print_line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

impl fmt::Display for Report {
    /// Writes Markdown without a heading.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&page::wrapped(&self.about))?;
        self.tables.iter().try_for_each(|table| write!(f, "\n\n{table}"))?;
        if !self.notes.is_empty() {
            f.write_str("\n")?;
        }
        let notes = self.notes.iter().map(|note| page::wrapped(&format!("- {note}")));
        notes.map(|note| note.replace('\n', "\n  ")).try_for_each(|note| write!(f, "\n{note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"one\"\nversion = \"1.2\"\nsource = \"x\"\n\n\
                    [[package]]\nname = \"two\"\nversion = \"1.0\"\n\n\
                    [[package]]\nname = \"two\"\nversion = \"2.0\"\n";
        let mut report = Report::new("bench", "about", &[]);
        report.versions_in(lock, &["two", "one", "none"]);
        let expected = [("two", "1.0 and 2.0"), ("one", "1.2")];
        assert_eq!(report.versions, expected.map(|(name, version)| (name.into(), version.into())));
    }

    #[test]
    fn a_report_shows_its_tables_between_its_introduction_and_its_notes() {
        let mut report = Report::new("bench", "About.", &["A note."]);
        report.tables.push(Table::new("ns", &["case", "ours"]));
        let text = report.to_string();
        assert!(text.starts_with("About.\n\n**ns**\n\n| case |"), "{text}");
        assert!(text.ends_with("\n\n- A note."), "{text}");
    }
}
