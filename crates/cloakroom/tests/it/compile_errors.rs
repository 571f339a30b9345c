//! The most common mistakes are explained by the compiler in a sentence.

use std::process::Command;

/// The release whose messages are in `tests/ui`. Others word the text around our sentences
/// differently.
const COMPARED_ON: &str = "rustc 1.95.";

#[test]
fn the_compiler_explains_the_most_common_mistakes() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout);
    if version.starts_with(COMPARED_ON) {
        trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    } else {
        eprintln!("skipped: the messages are those of {COMPARED_ON}x, and this is {version}");
    }
}
