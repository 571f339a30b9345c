//! Tables for people, JSON for programs, progress for who waits.

use std::io;

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::terminal;

/// A JSON array, an element to a line, written as they come.
#[derive(Default)]
pub(super) struct Array {
    count: usize,
}

impl Array {
    pub(super) fn push(&mut self, element: &impl Serialize) -> io::Result<()> {
        let opening = if self.count == 0 { "[\n" } else { ",\n" };
        self.count += 1;
        terminal::part(&format!("{opening}{}", serde_json::to_string(element)?))
    }

    pub(super) fn finish(self) -> io::Result<()> {
        terminal::data(if self.count == 0 { "[]" } else { "\n]" })
    }
}

/// One JSON object.
pub(super) fn object(object: &impl Serialize) -> io::Result<()> {
    terminal::data(&serde_json::to_string_pretty(object)?)
}

/// Lines of a table under headings.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    lines: Vec<[String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings).add_rows(lines);
    terminal::data(&trimmed(&table))
}

/// Facts, each with its name.
pub(super) fn facts(facts: Vec<(&str, String)>) -> io::Result<()> {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .add_rows(facts.into_iter().map(|(name, fact)| [name.to_owned(), fact]));
    terminal::data(&trimmed(&table))
}

/// No blanks at the ends of lines, which would only make them wrap.
fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Shows how far a long walk has come, if a person is watching.
pub(super) fn progress(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}: {human_pos} ({per_sec}, {elapsed})");
    let bar = ProgressBar::new_spinner().with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
