//! What the README shows compiles.

#[test]
fn the_readme_is_true() {
    // The README's program is the one that the crate's front page compiles as a doctest.
    let readme = include_str!("../../../../README.md");
    let front = include_str!("../../src/lib.rs");
    let program = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    let program = program.expect("the README opens with a program");
    assert!(program.lines().count() >= 15);
    for line in program.lines().filter(|line| !line.is_empty()) {
        assert!(front.contains(line.trim()), "not on the front page: {line}");
    }
}
