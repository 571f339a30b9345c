//! The workspace's chores: `cargo xtask --help` lists them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command's face: data on stdout, talk on stderr"
)]

mod api;
mod bench;
mod browser;
mod ci;
mod deny;
mod docs;
mod examples;
mod features;
mod fuzz;
mod guard;
mod install;
mod lint;
mod load;
mod model;
mod msrv;
mod servers;
mod shell;
mod test;
mod tidy;
mod tool;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's chores.
///
/// Data goes to stdout, talk to stderr. Every step prints the commands it runs and how long each took.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Exit codes: 0 all is well, 1 a step failed, 2 wrong usage, 3 a tool is missing and cannot be had."
)]
struct Cli {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// All tests of the workspace; installs Chromium with its driver, Redis and PostgreSQL if they are not there
    Test(test::Args),
    /// All that must hold before a change lands, in order, stopping at the first failure
    ///
    /// fmt, clippy, features, docs, api, msrv, deny, tree, tidy, model, model --mutants, guard, examples, test.
    /// A table of steps comes before the tests, so that the last lines are the tests' own results.
    Ci,
    /// Formatting (part of ci)
    Fmt,
    /// Lints; a warning is an error (part of ci)
    Clippy,
    /// The library under every feature alone (part of ci)
    Features,
    /// Documentation; a broken link is an error (part of ci)
    Docs,
    /// Types of other crates in public interfaces (part of ci)
    Api,
    /// The oldest compiler promised in the manifest (part of ci)
    Msrv,
    /// Licences, sources and duplicates of dependencies (part of ci)
    Deny,
    /// Known vulnerabilities in dependencies; fetches the advisory database, so no part of ci
    Advisories,
    /// What the library may bring into an application (part of ci)
    Tree,
    /// House rules that no compiler checks (part of ci)
    Tidy,
    /// Model-checks the protocol (part of ci); arguments go to the checker, such as --mutants or --json
    Model(model::Args),
    /// What a request costs stays what it was (part of ci); counts under valgrind, which it installs if it is not there
    Guard(guard::Args),
    /// Builds, tests, starts and uses every example (part of ci)
    Examples,
    /// Measurements; arguments after the name go to the bench, such as --json
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Takes the pictures of the demo's pages in docs/screenshots anew
    Screenshots,
    /// Feeds random bytes to what reads hostile input; needs a nightly toolchain
    Fuzz(fuzz::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().step {
        Step::Test(args) => test::run(&args),
        Step::Ci => ci::run(),
        Step::Fmt => lint::fmt(),
        Step::Clippy => lint::clippy(),
        Step::Features => features::run(),
        Step::Docs => docs::run(),
        Step::Api => api::run(),
        Step::Msrv => msrv::run(),
        Step::Deny => deny::run(),
        Step::Advisories => deny::advisories(),
        Step::Tree => tree::run(),
        Step::Tidy => tidy::run(),
        Step::Model(args) => model::run(&args.rest),
        Step::Guard(args) => guard::run(&args),
        Step::Examples => examples::run(),
        Step::Bench(bench) => bench::run(&bench),
        Step::Screenshots => test::screenshots(),
        Step::Fuzz(args) => fuzz::run(&args),
    };
    result.map_or_else(
        |failure| {
            eprintln!("error: {failure}");
            failure.exit_code()
        },
        |()| ExitCode::SUCCESS,
    )
}
