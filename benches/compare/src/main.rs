//! Cloakroom next to other session libraries, each measured in the same way and in the same run:
//! `cargo xtask bench --compare --help`.

mod codec;
mod http;
mod memory;
mod overhead;
mod stores;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cloakroom_bench::Failure;
use cloakroom_bench::options::{EXIT_CODES, Options, exit};
use cloakroom_bench::valgrind::DRIVE;

const LOCK: &str = include_str!("../Cargo.lock");

/// Cloakroom next to other session libraries
#[derive(Parser)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// What a session costs a request
    Overhead(Options),
    /// Records, keys and cookies as bytes
    Codec(Options),
    /// Millions of sessions in memory
    Memory(cloakroom_bench::memory::Args),
    /// Whole servers under load
    Http(Options),
    /// Sessions on SQLite, PostgreSQL and Redis
    Stores(stores::Args),
    /// Does the work of a child process
    #[command(name = DRIVE, hide = true)]
    Drive { bench: String, words: Vec<String> },
}

fn main() -> ExitCode {
    exit(match Cli::parse().bench {
        Bench::Overhead(options) => overhead::bench(options),
        Bench::Codec(options) => codec::bench(options),
        Bench::Memory(args) => memory::bench(&args),
        Bench::Http(options) => http::bench(options),
        Bench::Stores(args) => stores::bench(&args),
        Bench::Drive { bench, words } => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            drive(&bench, &words).map(|()| true)
        }
    })
}

fn drive(bench: &str, words: &[&str]) -> Result<(), Failure> {
    match bench {
        cloakroom_bench::overhead::NAME => overhead::drive(words),
        cloakroom_bench::codec::NAME => codec::drive(words),
        cloakroom_bench::memory::NAME => memory::drive(words),
        cloakroom_bench::store::NAME => cloakroom_bench::store::drive::<stores::Peer>(words),
        http::NAME => http::drive(words),
        _ => Err(format!("no bench is called `{bench}`").into()),
    }
}
