//! What a move costs, in lines.

const ORIGINAL: &str = include_str!("../src/bin/original.rs");
const ONE_LINE: &str = include_str!("../src/bin/one_line.rs");
const NATIVE: &str = include_str!("../src/bin/native.rs");

#[test]
fn one_line_of_the_original_changes() {
    assert_eq!(ORIGINAL.lines().count(), ONE_LINE.lines().count());
    let pairs = ORIGINAL.lines().zip(ONE_LINE.lines());
    let changed: Vec<_> = pairs.filter(|(before, after)| before != after).collect();
    let [(before, after)] = changed[..] else { panic!("not one line: {changed:#?}") };
    assert!(before.contains("tower_sessions::MemoryStore"), "{before}");
    assert!(after.contains("cloakroom_tower_sessions::TowerSessionStore"), "{after}");
}

/// Without blank lines and comments.
fn lines_of_code(program: &str) -> usize {
    let lines = program.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn the_native_program_is_shorter_than_the_original() {
    let (native, original) = (lines_of_code(NATIVE), lines_of_code(ORIGINAL));
    assert!(native < original, "native: {native} lines, original: {original}");
    for other in [" axum_login", "axum_messages", "tower_sessions"] {
        assert!(ORIGINAL.contains(other));
        assert!(!NATIVE.contains(other), "the native program uses {other}");
    }
}
