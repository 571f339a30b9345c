//! Rules for the form of a file.

use std::path::Path;

use super::File;

/// A longer file of a crate holds more than one idea.
const MOST_LINES: usize = 450;

const MOST_COLUMNS: usize = 100;

/// Work left undone, and tests and examples that never run; spelt in halves, as this file is
/// checked too.
const BANNED: [&str; 5] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore"),
    concat!("```", "ignore"),
    concat!("```rust,", "ignore"),
];

/// The lines of code or prose that are too long to read next to one another.
pub(super) fn long_lines(file: &File) -> Vec<String> {
    if !file.is("rs") && !file.is("md") {
        return Vec::new();
    }
    let place = file.path.display();
    let is_long = |line: &str| line.chars().count() > MOST_COLUMNS && can_be_broken(file, line);
    let long = (1..).zip(file.text.lines()).filter(|(_, line)| is_long(line));
    long.map(|(number, _)| format!("{place}:{number}: more than {MOST_COLUMNS} columns")).collect()
}

/// False for rows of tables, addresses, and texts in code.
fn can_be_broken(file: &File, line: &str) -> bool {
    let text = line.trim_start().trim_start_matches("///").trim_start_matches("//!");
    let is_table = text.trim_start().starts_with('|');
    let is_text = file.is("rs") && line.contains('"') && !line.trim_start().starts_with("//");
    !is_table && !is_text && !line.contains("://")
}

/// What is wrong with a Rust file.
pub(super) fn complaints(file: &File) -> Vec<String> {
    let place = file.path.display();
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    if file.path.starts_with("crates") && lines > MOST_LINES {
        found.push(format!("{place}: {lines} lines, more than {MOST_LINES}"));
    }
    if !is_test_or_example(&file.path) && !file.text.trim_start().starts_with("//!") {
        found.push(format!("{place}: does not begin with a `//!` line that says what it is for"));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        let banned = BANNED.iter().filter(|banned| line.contains(**banned));
        found.extend(banned.map(|banned| format!("{place}:{number}: `{banned}`")));
    }
    found
}

/// The names of all functions in a text.
pub(super) fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })
}

fn is_test_or_example(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "examples")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_file_of_a_crate_has_at_most_450_lines() {
        let long = "//! Why.\n".repeat(MOST_LINES + 1);
        assert_eq!(complaints(&file("crates/a/src/b.rs", &long)).len(), 1);
        assert_eq!(complaints(&file("crates/a/src/b.rs", &long[9..])).len(), 0);
    }

    #[test]
    fn a_file_says_what_it_is_for_unless_it_is_a_test_or_an_example() {
        assert_eq!(complaints(&file("crates/a/src/b.rs", "fn f() {}")).len(), 1);
        assert_eq!(complaints(&file("crates/a/examples/b.rs", "fn f() {}")).len(), 0);
    }

    #[test]
    fn nothing_is_left_undone() {
        for banned in BANNED {
            assert_eq!(complaints(&file("tests/b.rs", banned)).len(), 1);
        }
    }

    #[test]
    fn a_line_has_at_most_100_columns_unless_it_cannot_be_broken() {
        let long = "ä ".repeat(51);
        assert_eq!(long_lines(&file("a.md", &long)).len(), 1);
        assert_eq!(long_lines(&file("a.md", &long[..150])).len(), 0);
        assert_eq!(long_lines(&file("a.md", &format!("| {long} |"))).len(), 0);
        assert_eq!(long_lines(&file("a.rs", &format!("// {long}"))).len(), 1);
        assert_eq!(long_lines(&file("a.rs", &format!("let a = \"{long}\";"))).len(), 0);
    }

    #[test]
    fn functions_are_found_by_name() {
        let text = "async fn one() {}\n    fn two<T>(x: T) {}\nlet f: fn (u8) = three;";
        assert_eq!(functions(text).collect::<Vec<_>>(), ["one", "two"]);
    }
}
