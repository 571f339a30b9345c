//! The figures of one run: Markdown for people, JSON for programs, and a section of the page.

mod table;

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use serde::Serialize;

pub use self::table::{Cell, Table};
use crate::Failure;

/// The figures of one run of one bench.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The bench's name, which is also the heading of its section.
    pub bench: &'static str,
    /// What was measured and how, in Markdown.
    pub about: &'static str,
    /// Name and version of each library measured.
    pub versions: Vec<(String, String)>,
    pub tables: Vec<Table>,
    /// What a reader must know to read the figures correctly, in Markdown.
    pub notes: &'static str,
}

impl Report {
    #[must_use]
    pub const fn new(bench: &'static str, about: &'static str, notes: &'static str) -> Self {
        Self { bench, about, versions: Vec::new(), tables: Vec::new(), notes }
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

    /// Replaces the bench's section of `benches/RESULTS.md`.
    pub fn save(&self) -> Result<(), Failure> {
        let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--save").collect();
        let program = std::env::current_exe()?;
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        let date = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
        let origin = format!("`{program} {}`, {date}, on {}.", words.join(" "), machine()?);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../RESULTS.md");
        let page = std::fs::read_to_string(&file)?;
        Ok(std::fs::write(&file, self.put_into(&page, &origin))?)
    }

    /// The page with this report as a section: instead of the bench's last one, or before the
    /// page's last section.
    fn put_into(&self, page: &str, origin: &str) -> String {
        let versions: Vec<String> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let versions: Vec<String> = versions.chunks(3).map(|some| some.join(", ")).collect();
        let versions = versions.join(",\n");
        let section = format!("{}\n\n{origin} With\n{versions}.\n\n{self}\n", self.bench);
        let mut sections: Vec<&str> = page.split("\n## ").collect();
        match sections.iter().position(|section| section.lines().next() == Some(self.bench)) {
            Some(old) => sections[old] = &section,
            None => sections.insert(sections.len() - 1, &section),
        }
        sections.join("\n## ")
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
        f.write_str(self.about)?;
        self.tables.iter().try_for_each(|table| write!(f, "\n\n{table}"))?;
        if self.notes.is_empty() { Ok(()) } else { write!(f, "\n\n{}", self.notes) }
    }
}

fn output(command: &mut Command) -> Result<String, Failure> {
    Ok(String::from_utf8(command.output()?.stdout)?.trim().to_owned())
}

/// What affects the figures of this machine: processor, cores, kernel and compiler.
fn machine() -> Result<String, Failure> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let processor = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let processor = processor.map_or("unknown", |name| name.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism()?;
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim();
    let rustc = output(Command::new("rustc").arg("--version"))?;
    Ok(format!("{processor}, {cores} cores,\nLinux {kernel}, {rustc}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"one\"\nversion = \"1.2\"\nsource = \"x\"\n\n\
                    [[package]]\nname = \"two\"\nversion = \"1.0\"\n\n\
                    [[package]]\nname = \"two\"\nversion = \"2.0\"\n";
        let mut report = Report::new("bench", "about", "");
        report.versions_in(lock, &["two", "one", "none"]);
        let expected = [("two", "1.0 and 2.0"), ("one", "1.2")];
        assert_eq!(report.versions, expected.map(|(name, version)| (name.into(), version.into())));
    }

    #[test]
    fn a_report_replaces_its_section_of_the_page() {
        let mut report = Report::new("two", "About.", "A note.");
        report.tables.push(Table::new("ns", &["case", "ours"]));
        report.versions.push(("peer".into(), "1.0".into()));
        let first = report.put_into("# Page\n\n## one\n\nA\n\n## tried\n\nB\n", "Yesterday.");
        let second = report.put_into(&first, "Today.");
        assert!(first.contains("Yesterday.") && !second.contains("Yesterday."), "{second}");
        let section = "\n\nA\n\n## two\n\nToday. With\npeer 1.0.\n\nAbout.\n\n**ns**\n\n| case |";
        assert!(second.contains(section), "{second}");
        assert!(second.ends_with("\n\nA note.\n\n## tried\n\nB\n"), "{second}");
    }
}
