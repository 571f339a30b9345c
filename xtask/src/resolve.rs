//! `cargo xtask msrv` and `oldest`: the products with dependencies other than the locked ones.
//!
//! Both check a copy of the workspace below `target`, which gets a lock file of its own.

use std::path::Path;
use std::process::Command;

use crate::programs;
use crate::shell::{self, Failure};
use crate::workspace;

/// The compiler that the products' `rust-version` promises.
const OLDEST: &str = "1.85";

/// Features whose dependencies need a newer compiler: their documentation says which.
const NEWER: [&str; 1] = ["actix"];

/// Checks what promises Rust 1.85 with Rust 1.85, and the newest dependencies that permit it.
pub(crate) fn msrv() -> Result<(), Failure> {
    let toolchain = format!("+{OLDEST}");
    let has_rustup =
        shell::succeeds(shell::cargo([&*toolchain, "--version"]).env("RUSTUP_AUTO_INSTALL", "0"));
    if !has_rustup {
        programs::provide(&[programs::OLD_RUST])?;
    }
    let copy = shell::target("msrv/workspace");
    let cargo = |args: &[&str]| {
        let mut command = if has_rustup {
            let mut command = Command::new("cargo");
            command.arg(&toolchain);
            command
        } else {
            let mut command = Command::new(format!("cargo-{OLDEST}"));
            command.env("RUSTC", format!("rustc-{OLDEST}"));
            command
        };
        in_copy(&mut command, &copy, "target/msrv");
        command.args(args);
        command
    };
    workspace::copy_unlocked(&copy)?;
    shell::run(&mut cargo(&["generate-lockfile", "--quiet"]))?;
    let mut products = workspace::products()?;
    products.retain(|package| package.rust_version.as_deref() == Some(OLDEST));
    if products.is_empty() {
        return Err(format!("no product promises Rust {OLDEST}").into());
    }
    for package in products {
        let is_old = |feature: &&str| !NEWER.contains(feature);
        let features: Vec<_> = package.features.keys().map(String::as_str).filter(is_old).collect();
        let features = features.join(",");
        shell::run(&mut cargo(&["check", "-p", &package.name, "--features", &features]))?;
    }
    Ok(())
}

/// Checks each product with the oldest dependencies that its manifest permits.
pub(crate) fn oldest() -> Result<(), Failure> {
    let copy = shell::target("oldest/workspace");
    workspace::copy_unlocked(&copy)?;
    let cargo = |args: &[&str]| {
        let mut command = Command::new("cargo");
        in_copy(&mut command, &copy, "target/oldest");
        command.args(args);
        command
    };
    // The option is unstable; the stable compiler accepts it with this variable.
    let mut resolve = cargo(&["generate-lockfile", "-Z", "direct-minimal-versions"]);
    shell::run(resolve.env("RUSTC_BOOTSTRAP", "1"))?;
    for package in workspace::products()? {
        shell::run(&mut cargo(&["check", "-p", &package.name, "--all-features"]))?;
    }
    Ok(())
}

fn in_copy(command: &mut Command, copy: &Path, target: &str) {
    command.current_dir(copy).env("PATH", shell::path());
    command.env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback");
    command.env("CARGO_TARGET_DIR", shell::root().join(target).join("build"));
}
