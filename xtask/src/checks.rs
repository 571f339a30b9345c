//! Steps that run a tool over the workspace.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::shell::{self, Failure};
use crate::{clients, programs, sqlite, valkey, workspace};

/// Workspaces of their own, which `cargo fmt --all` does not visit.
const APART: [&str; 4] = [
    "benches/compare/Cargo.toml",
    "examples/Cargo.toml",
    "examples/import/Cargo.toml",
    "fuzz/Cargo.toml",
];

pub(crate) fn fmt() -> Result<(), Failure> {
    shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))?;
    APART.iter().try_for_each(|manifest| {
        // A workspace without a package at its root has nothing to format but `--all`, which visits
        // the crates that it depends on by path, too.
        let args = ["fmt", "--all", "--check", "--manifest-path", manifest];
        shell::run(&mut shell::cargo(args))
    })
}

pub(crate) fn clippy() -> Result<(), Failure> {
    let args = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked"];
    shell::run(shell::cargo(args).args(["--", "-D", "warnings"]))
}

/// Each product without its features, and with each of them alone.
///
/// Uses clippy instead of `cargo check`: code that only some feature uses is a warning without it.
pub(crate) fn features() -> Result<(), Failure> {
    for package in workspace::products()?.iter().filter(|package| !package.features.is_empty()) {
        let none = String::new();
        let alone = package.features.keys().filter(|feature| *feature != "default");
        for feature in [&none].into_iter().chain(alone) {
            let args = ["clippy", "-p", &package.name, "--locked", "--no-default-features"];
            let mut command = shell::cargo(args);
            command.args(["--features", feature, "--", "-D", "warnings"]);
            shell::run(&mut command)?;
        }
    }
    Ok(())
}

/// The documentation of each product alone, as docs.rs builds it.
pub(crate) fn docs() -> Result<(), Failure> {
    for package in workspace::products()?.iter().filter(|package| package.is_library()) {
        let mut command = shell::cargo(["doc", "-p", &package.name, "--no-deps", "--locked"]);
        if package.metadata["docs"]["rs"]["all-features"] == true {
            command.arg("--all-features");
        }
        shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}

/// Builds each example, and runs its tests, which start it and use it over HTTP.
pub(crate) fn examples() -> Result<(), Failure> {
    programs::provide(&[programs::REDIS])?;
    // The second has a lock file of its own.
    for workspace in ["examples", "examples/import"] {
        let cargo = |args: &[&str]| {
            let mut command = shell::cargo(args.iter().copied());
            command.current_dir(shell::root().join(workspace));
            command.env("CARGO_TARGET_DIR", shell::target("examples"));
            command
        };
        let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        shell::run(&mut cargo(&clippy))?;
        shell::run(&mut cargo(&["test", "--workspace", "--locked"]))?;
    }
    Ok(())
}

/// Licences and sources of dependencies, and duplicates among them.
pub(crate) fn deny() -> Result<(), Failure> {
    cargo_deny(&["bans", "licenses", "sources"])
}

/// Known vulnerabilities. The database is fetched, and a new entry fails what passed yesterday.
pub(crate) fn advisories() -> Result<(), Failure> {
    cargo_deny(&["advisories"])
}

fn cargo_deny(what: &[&str]) -> Result<(), Failure> {
    provide("cargo-deny", "=0.20.2")?;
    shell::run(shell::cargo(["deny", "--locked", "check"]).args(what))
}

pub(crate) fn model(args: &[String]) -> Result<(), Failure> {
    let run = ["run", "--release", "--locked", "-p", "cloakroom-model", "--"];
    shell::run(shell::cargo(run).args(args))
}

/// Walks over browsers, a network and two nodes at random.
pub(crate) fn walk(args: &[String]) -> Result<(), Failure> {
    let run = ["run", "--release", "--locked", "-p", "cloakroom-walk", "--"];
    shell::run(shell::cargo(run).args(args))
}

/// Checks the history of four processes under faults.
///
/// With the checks of a debug build: the disk and the faults take most of the time.
pub(crate) fn chaos(args: &[String]) -> Result<(), Failure> {
    programs::provide(&[programs::REDIS, programs::POSTGRES, programs::PGBOUNCER])?;
    let run = ["run", "--locked", "-p", "cloakroom-chaos", "--"];
    shell::run(shell::cargo(run).args(args))
}

/// Checks the model with one rule, order or store broken at a time: it must notice each.
pub(crate) fn mutants() -> Result<(), Failure> {
    model(&["--mutants".to_owned()])
}

/// Feeds random bytes to one target, or to each. Finds stay in `fuzz/corpus`.
pub(crate) fn fuzz(target: Option<&str>, seconds: u64) -> Result<(), Failure> {
    let list = workspace::files()?;
    let targets: BTreeSet<_> = list
        .iter()
        .filter_map(|file| file.strip_prefix("fuzz/seeds").ok()?.iter().next()?.to_str())
        .filter(|name| target.is_none_or(|target| target == *name))
        .collect();
    if targets.is_empty() {
        return Err(Failure::Check("no such fuzz target: each has seeds in `fuzz/seeds`".into()));
    }
    provide("cargo-fuzz", "=0.13.2")?;
    for target in targets {
        let corpus = format!("fuzz/corpus/{target}");
        fs::create_dir_all(shell::root().join(&corpus))?;
        let seeds = format!("fuzz/seeds/{target}");
        // The sanitizer and its coverage are options of unstable compilers.
        let mut command =
            shell::cargo(["fuzz", "run", "--fuzz-dir", "fuzz", target, &corpus, &seeds]);
        command.env("RUSTC_BOOTSTRAP", "1");
        command.args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"]);
        shell::run(&mut command)?;
    }
    Ok(())
}

/// Builds a subcommand of cargo below `target/tools` if there is none. The version is exact, as
/// tools change between releases.
fn provide(tool: &str, version: &str) -> Result<(), Failure> {
    if shell::works(tool) {
        return Ok(());
    }
    let mut install = shell::cargo(["install", tool, "--locked", "--version", version]);
    install.args(["--root", "target/tools", "--debug"]);
    programs::agree(&format!("{tool} (built in a few minutes, once)"), &install)?;
    shell::run(&mut install)
}

/// All tests of the workspace; `quick` leaves out the examples in the documentation, and SQLite's
/// tests with the oldest SQLite.
pub(crate) fn test(quick: bool) -> Result<(), Failure> {
    let mut command = with_browser()?;
    programs::provide(&[programs::REDIS, programs::POSTGRES, programs::PGBOUNCER])?;
    valkey::provide()?;
    clients::provide()?;
    command.args(["--workspace", "--all-features", "--locked"]);
    if quick {
        command.args(["--lib", "--bins", "--tests"]);
    }
    shell::run(&mut command)?;
    if quick { Ok(()) } else { sqlite::test_oldest() }
}

#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Run it next to other libraries (`benches/compare`) instead of alone (`benches/ours`)
    #[arg(long)]
    compare: bool,
    /// The bench, and arguments for it; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, default_value = "--help")]
    rest: Vec<String>,
}

pub(crate) fn bench(args: &Bench) -> Result<(), Failure> {
    programs::provide(&[programs::VALGRIND, programs::REDIS, programs::POSTGRES])?;
    valkey::provide()?;
    let mut command = if args.compare {
        // A workspace of its own: a peer links another SQLite, which one lock file does not permit.
        let mut command = shell::cargo(["run", "--release", "--locked"]);
        command.args(["--manifest-path", "benches/compare/Cargo.toml"]);
        command.args(["--target-dir", "target/compare"]);
        command
    } else {
        shell::cargo(["run", "--profile", "bench", "--locked", "-p", "cloakroom-bench"])
    };
    shell::run(command.arg("--").args(&args.rest))
}

/// Takes the pictures of the demo's pages again, in the browser that the tests drive.
pub(crate) fn screenshots() -> Result<(), Failure> {
    let place = shell::root().join("docs/screenshots");
    fs::create_dir_all(&place)?;
    let mut command = with_browser()?;
    command.args(["--locked", "-p", "cloakroom-cli", "--test", "it"]);
    command.args(["--", "chromium::screenshots"]);
    shell::run(command.env("CLOAKROOM_SCREENSHOTS", &place))
}

/// `cargo test`, which is told where the browser and its driver are.
fn with_browser() -> Result<Command, Failure> {
    programs::provide(&[programs::CHROMIUM])?;
    let mut command = shell::cargo(["test"]);
    if let Some(driver) = programs::driver() {
        command.env("CLOAKROOM_CHROMEDRIVER", driver);
    }
    // A bare name is left to the driver, which knows more names than we do.
    if let Some(browser) = programs::browser().filter(|browser| browser.is_absolute()) {
        command.env("CLOAKROOM_CHROMIUM", browser);
    }
    Ok(command)
}
