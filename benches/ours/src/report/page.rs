//! `benches/RESULTS.md`: a section for each saved report.

use super::saved::Saved;

const HEAD: &str = "\
<!-- Made by `cloakroom-bench results` from `results`. Edit `results/TRIED.md` only. -->

# Benchmark results

Each section is one run, saved with `--save`. Contenders take turns within a run, so compare rows of
one table with each other; times from another run or another machine are not comparable. A cell with
brackets is the median of several rounds, with the least and the most.
";

/// Prose ends by this column, indented notes by 100; tables do not.
const WIDTH: usize = 98;

/// The whole page; `tried` is its last section.
pub(super) fn of(all: &[Saved], tried: &str) -> String {
    let mut page = HEAD.to_owned();
    let latest = all.iter().max_by(|one, other| one.date.cmp(&other.date));
    let latest = latest.map(|saved| &saved.machine);
    if let Some(machine) = latest {
        let line = format!("Measured on {machine}, except where a section names another machine.");
        page = [&*page, "\n", &wrapped(&line), "\n"].concat();
    }
    for saved in all {
        page += &section(saved, latest);
    }
    [&*page, "\n## What was tried and dropped\n\n", &wrapped(tried), "\n"].concat()
}

fn section(saved: &Saved, usual: Option<&String>) -> String {
    let Saved { command, date, machine, report } = saved;
    let machine = Some(machine).filter(|machine| usual != Some(machine));
    let place = machine.map_or_else(String::new, |machine| format!(", on {machine}"));
    let versions = report.versions.iter().map(|(name, version)| format!("{name} {version}"));
    let versions = versions.collect::<Vec<_>>().join(", ");
    let origin = format!("`{command}`, {date}{place}. With {versions}.");
    format!("\n## {}\n\n{}\n\n{report}\n", report.bench, wrapped(&origin))
}

/// The text with each paragraph broken at the page's width.
pub(super) fn wrapped(text: &str) -> String {
    let paragraphs = text.trim().split("\n\n").map(|paragraph| {
        let mut lines = String::new();
        let mut column = 0;
        for word in paragraph.split_whitespace() {
            let width = word.chars().count();
            if column > 0 {
                let fits = column + 1 + width <= WIDTH;
                lines.push(if fits { ' ' } else { '\n' });
                column = if fits { column + 1 } else { 0 };
            }
            lines += word;
            column += width;
        }
        lines
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Report, Table};

    fn saved(bench: &str, date: &str, processor: &str) -> Saved {
        let mut report = Report::new(bench, "About.", &["A note."]);
        report.tables.push(Table::new("bytes", &["store", "each"]));
        report.versions.push(("peer".into(), "1.0".into()));
        let machine = format!("{processor}, 2 cores");
        Saved { command: format!("cloakroom-bench {bench}"), date: date.into(), machine, report }
    }

    #[test]
    fn a_page_has_a_section_for_each_bench_and_ends_with_what_was_tried() {
        let all = [saved("one", "2026-01-02", "new"), saved("two", "2026-01-01", "old")];
        let page = of(&all, "Something.\n");
        assert!(page.contains("\nMeasured on new, 2 cores, except"));
        let one =
            "\n## one\n\n`cloakroom-bench one`, 2026-01-02. With peer 1.0.\n\nAbout.\n\n**bytes**";
        assert!(page.contains(one), "{page}");
        let two = "\n## two\n\n`cloakroom-bench two`, 2026-01-01, on old, 2 cores";
        assert!(page.contains(two), "{page}");
        assert!(page.ends_with("\n\n- A note.\n\n## What was tried and dropped\n\nSomething.\n"));
    }

    #[test]
    fn prose_is_broken_before_column_100() {
        let text = wrapped(&"word ".repeat(50));
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [94, 94, 59]);
    }
}
