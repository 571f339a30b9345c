//! Tables for people, JSON for programs, and progress on a terminal.

use std::io;

use comfy_table::{Table, presets};
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

use crate::terminal;

/// A JSON array, one element per line, written as the elements come.
#[derive(Default)]
pub(super) struct Array {
    count: usize,
}

impl Array {
    pub(super) fn push(&mut self, element: &impl Serialize) -> io::Result<()> {
        let separator = if self.count == 0 { "[\n" } else { ",\n" };
        self.count += 1;
        terminal::print(&format!("{separator}{}", serde_json::to_string(element)?))
    }

    pub(super) fn finish(self) -> io::Result<()> {
        terminal::print_line(if self.count == 0 { "[]" } else { "\n]" })
    }
}

/// One JSON object.
pub(super) fn object(object: &impl Serialize) -> io::Result<()> {
    terminal::print_line(&serde_json::to_string_pretty(object)?)
}

/// A table with headings.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings).add_rows(rows);
    terminal::print_line(&trimmed(&table))
}

/// Names and values, one pair per line.
pub(super) fn facts(facts: Vec<(&str, String)>) -> io::Result<()> {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .add_rows(facts.into_iter().map(|(name, value)| [name.to_owned(), value]));
    terminal::print_line(&trimmed(&table))
}

/// The table without the spaces at the ends of its lines, which would wrap on a narrow terminal.
fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Shows the progress of a long operation, if standard error is a terminal.
pub(super) fn progress(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}: {human_pos} ({rate}/s, {elapsed})");
    let bar = ProgressBar::new_spinner().with_message(what);
    match style {
        Ok(style) => bar.with_style(style.with_key("rate", write_rate)),
        Err(_) => bar,
    }
}

/// Writes how many there are in a second, as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive count")]
fn write_rate(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    // Nothing can be done about a text that cannot be written.
    let _ = write!(text, "{}", HumanCount(state.per_sec().round() as u64));
}
