//! Benchmarks of cloakroom and of the hand-written baseline: `cargo xtask bench --help`.
//!
//! The bench guard counts with `overhead --guard` and `trips --guard`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cloakroom_bench::options::{EXIT_CODES, Goals, Options, exit};
use cloakroom_bench::report::Report;
use cloakroom_bench::valgrind::DRIVE;
use cloakroom_bench::{Failure, bounds, codec, memory, overhead};
#[cfg(feature = "stores")]
use cloakroom_bench::{hot, scale, servers, store, trips};

/// Benchmarks of cloakroom and of the hand-written baseline
#[derive(Parser)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// What a session costs a request
    Overhead {
        #[command(flatten)]
        options: Options,
        /// Print only the figures of the bench guard, as one JSON object
        #[arg(long)]
        guard: bool,
    },
    /// Records, keys and cookies as bytes
    Codec(Options),
    /// Millions of sessions in memory
    Memory(memory::Args),
    /// A full store in memory
    Bounds(Options),
    /// A million sessions in each store
    #[cfg(feature = "stores")]
    Scale(scale::Args),
    /// Many requests that change one session
    #[cfg(feature = "stores")]
    Hot(Options),
    /// Several servers of an application on one PostgreSQL
    #[cfg(feature = "stores")]
    Servers(Options),
    /// Calls of stores and of their servers
    #[cfg(feature = "stores")]
    Trips {
        #[command(flatten)]
        options: Options,
        /// Print only the figures of the bench guard, as one JSON object
        #[arg(long)]
        guard: bool,
    },
    /// Does the work of a child process
    #[command(name = DRIVE, hide = true)]
    Drive { bench: String, words: Vec<String> },
}

fn main() -> ExitCode {
    exit(run(Cli::parse().bench))
}

fn run(bench: Bench) -> Result<bool, Failure> {
    match bench {
        Bench::Overhead { guard: true, .. } => overhead::guard().map(|()| true),
        Bench::Overhead { options, .. } => {
            let (report, measured) = overhead::bench(
                overhead::NAME,
                &overhead::contender::OURS,
                &[overhead::OURS],
                options,
            )?;
            finish(report, options, &overhead::check(&measured))
        }
        Bench::Codec(options) => {
            let report = codec::bench(codec::NAME, &codec::CASES, options)?;
            finish(report, options, &Goals::default())
        }
        Bench::Memory(args) => {
            let (report, sizes) = memory::bench(memory::NAME, &memory::OURS, &args)?;
            finish(report, args.options, &memory::check(&sizes))
        }
        Bench::Bounds(options) => {
            let (report, goals) = bounds::bench()?;
            finish(report, options, &goals)
        }
        #[cfg(feature = "stores")]
        Bench::Scale(args) => finish(scale::bench(&args)?, args.options, &Goals::default()),
        #[cfg(feature = "stores")]
        Bench::Hot(options) => {
            let (report, goals) = hot::bench(options)?;
            finish(report, options, &goals)
        }
        #[cfg(feature = "stores")]
        Bench::Servers(options) => finish(servers::bench(options)?, options, &Goals::default()),
        #[cfg(feature = "stores")]
        Bench::Trips { guard: true, .. } => trips::guard().map(|()| true),
        #[cfg(feature = "stores")]
        Bench::Trips { options, .. } => finish(trips::bench()?, options, &Goals::default()),
        Bench::Drive { bench, words } => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            drive(&bench, &words).map(|()| true)
        }
    }
}

fn finish(mut report: Report, options: Options, goals: &Goals) -> Result<bool, Failure> {
    report.versions_in(include_str!("../../../Cargo.lock"), &["cloakroom", "axum", "sha2"]);
    options.finish(&report, goals)
}

fn drive(bench: &str, words: &[&str]) -> Result<(), Failure> {
    match bench {
        overhead::NAME => overhead::drive(&overhead::contender::OURS, words),
        codec::NAME => codec::drive(&codec::CASES, words),
        bounds::NAME => bounds::drive(words),
        memory::NAME => memory::drive(&memory::OURS, words),
        #[cfg(feature = "stores")]
        store::NAME => store::drive::<store::Ours>(words),
        _ => Err(format!("no bench is called `{bench}`").into()),
    }
}
