//! Cloakroom next to other session libraries, each measured in the same way and in the same run.
//!
//! ```text
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- BENCH [flags]
//! ```

mod codec;
mod http;
mod memory;
mod overhead;
mod stores;

use std::process::ExitCode;

use cloakroom_bench::Failure;
use cloakroom_bench::options::{Options, exit};
use cloakroom_bench::report::print_line;
use cloakroom_bench::valgrind::DRIVE;

const LOCK: &str = include_str!("../Cargo.lock");

const USAGE: &str = "\
usage: cloakroom-compare BENCH [flags]

  overhead  what a session costs a request      --quick --json --check --save
  codec     records, keys and cookies as bytes  --quick --json --save
  memory    millions of sessions in memory      --sessions N,.. --quick --json --check --save
  http      whole servers under load            --quick --json --check --save
  stores    SQLite, PostgreSQL and Redis        --only STORE --processes N --quick --json --save

exit code: 0, 1 if --check finds a missed goal, 2 if the bench could not measure";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    exit(match words.as_slice() {
        ["--help"] => print_line(USAGE).map(|()| true),
        [DRIVE, bench, words @ ..] => drive(bench, words).map(|()| true),
        [bench, flags @ ..] => run(bench, flags),
        [] => Err(USAGE.into()),
    })
}

fn run(bench: &str, flags: &[&str]) -> Result<bool, Failure> {
    match bench {
        overhead::NAME => overhead::bench(&Options::parse(flags, overhead::FLAGS)?),
        codec::NAME => codec::bench(&Options::parse(flags, codec::FLAGS)?),
        memory::NAME => memory::bench(&Options::parse(flags, memory::FLAGS)?),
        http::NAME => http::bench(&Options::parse(flags, http::FLAGS)?),
        stores::NAME => stores::bench(&Options::parse(flags, stores::FLAGS)?),
        _ => Err(USAGE.into()),
    }
}

/// Does the work of a child process.
fn drive(bench: &str, words: &[&str]) -> Result<(), Failure> {
    match bench {
        overhead::NAME => overhead::drive(words),
        codec::NAME => codec::drive(words),
        memory::NAME => memory::drive(words),
        http::NAME => http::drive(words),
        stores::NAME => stores::drive(words),
        _ => Err(format!("no bench is called `{bench}`").into()),
    }
}
