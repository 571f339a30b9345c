//! The commonest mistakes are answered with a sentence, not with a wall of bounds.

use std::process::Command;

/// Compilers word what surrounds our sentences differently from release to release, so the whole text is compared on the
/// oldest supported one, which is the one that CI runs.
#[test]
fn the_compiler_explains_the_commonest_mistakes() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.starts_with(concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), ".")) {
        eprintln!("not compared: this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
