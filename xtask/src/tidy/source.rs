//! Rules for Rust files.

use std::path::Path;

/// Longer than this, a file holds more than one idea.
const MOST_LINES: usize = 450;

/// Marks of work left undone, and of tests and examples that never run; spelt in two halves, for this file is checked too.
const BANNED: [&str; 5] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore"),
    concat!("```", "ignore"),
    concat!("```rust,", "ignore"),
];

/// What is wrong with the file at `path`, relative to the root.
pub(super) fn complaints(path: &Path, text: &str) -> Vec<String> {
    let place = path.display();
    let mut found = Vec::new();
    let lines = text.lines().count();
    if is_of_a_crate(path) && lines > MOST_LINES {
        found.push(format!("{place}: {lines} lines, more than {MOST_LINES}"));
    }
    if !is_test_or_example(path) && !text.trim_start().starts_with("//!") {
        found.push(format!("{place}: does not begin with a `//!` line that says what it is for"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let banned = BANNED.iter().filter(|banned| line.contains(**banned));
        found.extend(banned.map(|banned| format!("{place}:{number}: `{banned}`")));
    }
    found
}

/// The names of all functions in the text.
pub(super) fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })
}

/// Tests are read as code is.
fn is_of_a_crate(path: &Path) -> bool {
    path.starts_with("crates")
}

fn is_test_or_example(path: &Path) -> bool {
    has_part(path, "tests") || has_part(path, "examples")
}

fn has_part(path: &Path, name: &str) -> bool {
    path.iter().any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        complaints(Path::new(path), text).len()
    }

    #[test]
    fn a_file_of_a_crate_is_short_enough_to_read_also_one_of_tests() {
        let long = "//! Why.\n".repeat(MOST_LINES + 1);
        assert_eq!(count("crates/a/src/b.rs", &long), 1);
        assert_eq!(count("crates/a/tests/b.rs", &long), 1);
        assert_eq!(count("crates/a/src/b.rs", &long[9..]), 0);
    }

    #[test]
    fn a_file_says_what_it_is_for_unless_it_is_a_test_or_an_example() {
        assert_eq!(count("crates/a/src/b.rs", "fn f() {}"), 1);
        assert_eq!(count("crates/a/src/b.rs", ""), 1);
        assert_eq!(count("crates/a/examples/b.rs", "fn f() {}"), 0);
    }

    #[test]
    fn nothing_is_left_undone_anywhere() {
        for banned in BANNED {
            assert_eq!(count("crates/a/tests/b.rs", &format!("\n    {banned}")), 1);
        }
    }

    #[test]
    fn functions_are_found_by_name() {
        let text = "async fn one() {}\n    fn two<T>(x: T) {}\nlet f: fn (u8) = three;";
        assert_eq!(functions(text).collect::<Vec<_>>(), ["one", "two"]);
    }
}
