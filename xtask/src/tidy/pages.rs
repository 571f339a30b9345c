//! Rules for the pages in `docs`: their programs are compiled, and the tests that they name exist.

use std::collections::BTreeSet;
use std::path::Path;

use super::File;

/// The file that names the pages whose programs are compiled.
const COMPILED: &str = "tests/guides/src/lib.rs";

/// What a program can be: compiled, and no less.
const RUST: [&str; 3] = ["rust", "rust,no_run", "rust,should_panic"];

/// What other blocks can be. rustdoc takes what it does not know for text.
const OTHERS: [&str; 5] = ["json", "sh", "sql", "text", "toml"];

/// What is wrong with the pages, given the names of all functions.
pub(super) fn complaints(files: &[File], functions: &BTreeSet<&str>) -> Vec<String> {
    let compiled = files.iter().find(|file| file.path == Path::new(COMPILED));
    let compiled = compiled.map_or("", |file| &file.text);
    let pages = files.iter().filter(|file| file.path.starts_with("docs") && file.is("md"));
    pages
        .flat_map(|page| {
            let place = page.path.display();
            let unknown =
                tests_named(&page.text).into_iter().filter(|(_, name)| !functions.contains(name));
            let unknown = unknown.map(|(line, name)| format!("{place}:{line}: no test `{name}`"));
            blocks(page, compiled).into_iter().chain(unknown).collect::<Vec<_>>()
        })
        .collect()
}

/// What is wrong with a page's blocks of code.
fn blocks(page: &File, compiled: &str) -> Vec<String> {
    let place = page.path.display();
    let mut found = Vec::new();
    let mut has_programs = false;
    let mut fence: Option<&str> = None;
    for (number, line) in (1..).zip(page.text.lines()) {
        let line = line.trim_start();
        let marks = line.len() - line.trim_start_matches(['`', '~']).len();
        let (mark, language) = line.split_at(marks);
        match fence {
            _ if marks < 3 => {}
            Some(opened) if language.trim().is_empty() && mark.starts_with(opened) => fence = None,
            Some(_) => {}
            None => {
                fence = Some(mark);
                has_programs |= RUST.contains(&language);
                if !RUST.contains(&language) && !OTHERS.contains(&language) {
                    let known = [&RUST[..], &OTHERS[..]].concat().join(", ");
                    found.push(format!("{place}:{number}: a block of `{language}`, not {known}"));
                }
            }
        }
    }
    let name = page.path.strip_prefix("docs").unwrap_or(&page.path).display().to_string();
    if has_programs && !compiled.contains(&format!("\"{name}\"")) {
        found.push(format!("{place}: its programs are not compiled: name it in {COMPILED}"));
    }
    found
}

/// The names in columns headed "test" or "tests", each with its line; the last part of a path.
fn tests_named(page: &str) -> Vec<(usize, &str)> {
    let mut named = Vec::new();
    let mut column = None;
    let mut in_table = false;
    for (number, line) in (1..).zip(page.lines()) {
        let is_row = line.trim().starts_with('|');
        let mut cells = line.trim().trim_matches('|').split('|').map(str::trim);
        if is_row && in_table {
            let cell = column.and_then(|column| cells.nth(column)).unwrap_or_default();
            let spans = cell.split('`').skip(1).step_by(2);
            named.extend(spans.map(|span| (number, span.rsplit("::").next().unwrap_or(span))));
        } else if is_row {
            column = cells.position(|cell| ["test", "tests"].contains(&&*cell.to_lowercase()));
        }
        in_table = is_row;
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, page: &str) -> usize {
        blocks(&File { path: path.into(), text: page.into() }, "pages! { a: \"a.md\", }").len()
    }

    #[test]
    fn a_page_with_a_program_is_compiled() {
        assert_eq!(count("docs/a.md", "```rust\nlet a = 1;\n```"), 0);
        assert_eq!(count("docs/b.md", "```rust,no_run\nlet a = 1;\n```"), 1);
        assert_eq!(count("docs/b.md", "```sh\nls\n```\n\n```toml\n```"), 0);
    }

    #[test]
    fn every_block_says_what_it_is_and_no_program_is_left_out() {
        for language in ["rust,ignore", "ignore", "", "Rust", "rs", "rust,compile_fail"] {
            assert_eq!(count("docs/a.md", &format!("```{language}\n..\n```")), 1, "{language}");
        }
    }

    #[test]
    fn a_block_ends_with_the_marks_that_it_began_with() {
        assert_eq!(count("docs/b.md", "````text\n```rust\n```\n````\n\n~~~\n~~~"), 1);
    }

    #[test]
    fn only_names_in_a_column_of_tests_count() {
        let page = "`no` | x\n\n| item | Test | note |\n|---|---|---|\n\
                    | a | `laws::one_writer_wins`, `two` | `three` |\n\n| item | proof |\n| `x` | `y` |\n";
        assert_eq!(tests_named(page), [(5, "one_writer_wins"), (5, "two")]);
    }
}
