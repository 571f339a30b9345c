//! Programs in `docs/`: every block of code says what it is, and what is Rust is compiled.

use std::path::Path;

/// The file that names the pages whose programs are compiled.
pub(super) const COMPILED: &str = "crates/cloakroom-guides/src/lib.rs";

/// What else a block may be. Anything that rustdoc does not know it takes for text.
const OTHERS: [&str; 5] = ["json", "sh", "sql", "text", "toml"];

/// What may be said of a program: that it is compiled, and no more.
const RUST: [&str; 3] = ["rust", "rust,no_run", "rust,should_panic"];

/// What is wrong with the blocks of the page at `path`; `compiled` is the text of [`COMPILED`].
pub(super) fn complaints(path: &Path, page: &str, compiled: &str) -> Vec<String> {
    let place = path.display();
    let mut found = Vec::new();
    let mut has_programs = false;
    let mut fence: Option<&str> = None;
    for (number, line) in (1..).zip(page.lines()) {
        let line = line.trim_start();
        let marks = line.len() - line.trim_start_matches(['`', '~']).len();
        if marks < 3 {
            continue;
        }
        let (mark, language) = line.split_at(marks);
        match fence {
            Some(opened) if language.trim().is_empty() && mark.starts_with(opened) => fence = None,
            Some(_) => {}
            None => {
                fence = Some(mark);
                has_programs |= RUST.contains(&language);
                if !RUST.contains(&language) && !OTHERS.contains(&language) {
                    found.push(format!(
                        "{place}:{number}: a block of `{language}`: {} or {}",
                        RUST.join(", "),
                        OTHERS.join(", ")
                    ));
                }
            }
        }
    }
    let name = path.strip_prefix("docs").unwrap_or(path).display().to_string();
    if has_programs && !compiled.contains(&format!("\"{name}\"")) {
        found.push(format!("{place}: its programs are not compiled: name it in {COMPILED}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: &str = r#"pages! { a: "a.md", }"#;

    fn count(path: &str, page: &str) -> usize {
        complaints(Path::new(path), page, PAGES).len()
    }

    #[test]
    fn a_page_with_a_program_is_compiled() {
        assert_eq!(count("docs/a.md", "```rust\nlet a = 1;\n```"), 0);
        assert_eq!(count("docs/b.md", "```rust\nlet a = 1;\n```"), 1);
        assert_eq!(count("docs/b.md", "```rust,no_run\nlet a = 1;\n```"), 1);
        assert_eq!(count("docs/b.md", "```sh\nls\n```\n\n```toml\n```"), 0);
    }

    #[test]
    fn no_program_is_passed_over_and_no_block_is_unmarked() {
        for language in ["rust,ignore", "ignore", "", "Rust", "rs", "rust,compile_fail"] {
            assert_eq!(count("docs/a.md", &format!("```{language}\n..\n```")), 1, "{language}");
        }
    }

    #[test]
    fn a_block_ends_with_the_marks_that_it_began_with() {
        assert_eq!(count("docs/b.md", "````text\n```rust\n```\n````\n\n~~~\n~~~"), 1);
    }
}
