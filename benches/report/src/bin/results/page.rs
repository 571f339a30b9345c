//! The page: a section for each bench.

use std::fmt::{self, Write as _};

use crate::kept::Kept;
use crate::machine::Machine;

const HEAD: &str = "\
<!-- Made by `cargo xtask bench results` of what is kept in `results`; only `results/TRIED.md` is written by hand. -->

# What the benches found

Each section is one run: `cargo xtask bench NAME --save` makes it anew. Contenders take turns within a run, so compare rows of
one table with each other; times of another run, or of another machine, are another matter. A cell with brackets is the middle
of several rounds, with the least and the most of them.
";

/// The whole page, with what was tried and dropped at its end.
pub(crate) fn of(all: &[Kept], tried: &str) -> Result<String, fmt::Error> {
    let mut page = HEAD.to_owned();
    let latest = all.iter().max_by(|one, other| one.date.cmp(&other.date)).map(|kept| &kept.machine);
    if let Some(machine) = latest {
        writeln!(page, "\nMeasured on {machine}, unless a section says otherwise.")?;
    }
    for kept in all {
        section(&mut page, kept, latest)?;
    }
    if !tried.is_empty() {
        writeln!(page, "\n## What was tried and dropped\n\n{}", tried.trim())?;
    }
    Ok(page)
}

fn section(page: &mut String, kept: &Kept, usual: Option<&Machine>) -> fmt::Result {
    let Kept { command, date, machine, report } = kept;
    write!(page, "\n## {}\n\n`{command}`, {date}", report.bench)?;
    if usual != Some(machine) {
        write!(page, ", on {machine}")?;
    }
    page.push('.');
    if !report.versions.is_empty() {
        let versions: Vec<_> =
            report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        write!(page, " With {}.", versions.join(", "))?;
    }
    writeln!(page, "\n\n{}", report.about.trim())?;
    report.tables.iter().try_for_each(|table| writeln!(page, "\n{table}"))?;
    let pictures = report.curves.iter();
    pictures
        .map(|curve| (&curve.title, &curve.file))
        .try_for_each(|(title, file)| writeln!(page, "\n![{title}](results/{file}.svg)"))?;
    if !report.notes.is_empty() {
        page.push('\n');
    }
    report.notes.iter().try_for_each(|note| writeln!(page, "- {note}"))
}

#[cfg(test)]
mod tests {
    use cloakroom_bench_report::{Report, Table};

    use super::*;

    fn kept(bench: &str, date: &str, processor: &str) -> Kept {
        let mut report = Report::new(bench, "About.");
        report.tables.push(Table::new("bytes", &["store", "each"]));
        report.notes.push("A note.".into());
        report.version("peer", "1.0");
        let [memory, kernel, rustc] = ["8 GB", "linux 6", "rustc 1"].map(String::from);
        let machine = Machine { processor: processor.into(), cores: 2, memory, kernel, rustc };
        Kept { command: format!("cargo xtask bench {bench}"), date: date.into(), machine, report }
    }

    #[test]
    fn a_page_has_a_section_for_each_bench_and_what_was_tried_at_its_end() {
        let page = of(&[kept("one", "2026-01-02", "new"), kept("two", "2026-01-01", "old")], "Something.\n")
            .unwrap();
        assert!(page.contains("\nMeasured on new, 2 cores, 8 GB, linux 6, rustc 1, unless"));
        assert!(page.contains(
            "\n## one\n\n`cargo xtask bench one`, 2026-01-02. With peer 1.0.\n\nAbout.\n\n**bytes**"
        ));
        assert!(page.contains("\n## two\n\n`cargo xtask bench two`, 2026-01-01, on old, 2 cores"));
        assert!(page.contains("|\n\n- A note.\n"), "{page}");
        assert!(page.ends_with("\n## What was tried and dropped\n\nSomething.\n"));
    }
}
