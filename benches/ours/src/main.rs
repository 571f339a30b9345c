//! Benchmarks of cloakroom and of the hand-written baseline.
//!
//! ```text
//! cargo run --profile bench -p cloakroom-bench -- BENCH [flags]
//! ```
//!
//! The bench guard counts with `overhead --guard` and `trips --guard`.

use std::process::ExitCode;

use cloakroom_bench::options::{Goals, Options, exit};
use cloakroom_bench::report::{Report, print_line, render_page};
use cloakroom_bench::valgrind::DRIVE;
use cloakroom_bench::{Failure, codec, memory, overhead};
#[cfg(feature = "stores")]
use cloakroom_bench::{index, scale, store, trips};

const USAGE: &str = "\
usage: cloakroom-bench BENCH [flags]

  overhead  what a session costs a request        --quick --json --check --save --guard
  codec     records, keys and cookies as bytes    --quick --json --save
  memory    millions of sessions in memory        --sessions N,.. --quick --json --check --save
  scale     a million sessions in each store      --sessions N --only STORE --json --save
  index     listing and revoking by principal     --json --save
  trips     calls of stores and of their servers  --json --save --guard
  results   writes benches/RESULTS.md from benches/results

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
        overhead::NAME => {
            let options = Options::parse(flags, &format!("{} --guard", overhead::FLAGS))?;
            if options.guard {
                return overhead::guard().map(|()| true);
            }
            let (report, measured) =
                overhead::bench(bench, &overhead::contender::OURS, &overhead::GROUPS, &options)?;
            finish(report, &options, &overhead::check(&measured))
        }
        codec::NAME => {
            let options = Options::parse(flags, codec::FLAGS)?;
            finish(codec::bench(bench, &codec::CASES, &options)?, &options, &Goals::default())
        }
        memory::NAME => {
            let options = Options::parse(flags, memory::FLAGS)?;
            let (report, measured) = memory::bench(bench, &memory::OURS, &options)?;
            finish(report, &options, &memory::check(&measured))
        }
        #[cfg(feature = "stores")]
        scale::NAME => {
            let options = Options::parse(flags, scale::FLAGS)?;
            finish(scale::bench(&options)?, &options, &Goals::default())
        }
        #[cfg(feature = "stores")]
        index::NAME => {
            let options = Options::parse(flags, index::FLAGS)?;
            finish(index::bench()?, &options, &Goals::default())
        }
        #[cfg(feature = "stores")]
        trips::NAME => {
            let options = Options::parse(flags, trips::FLAGS)?;
            if options.guard {
                return trips::guard().map(|()| true);
            }
            finish(trips::bench()?, &options, &Goals::default())
        }
        "results" => render_page().map(|()| true),
        _ => Err(USAGE.into()),
    }
}

fn finish(mut report: Report, options: &Options, goals: &Goals) -> Result<bool, Failure> {
    let names = ["cloakroom", "axum", "hashbrown", "sha2"];
    report.versions_in(include_str!("../../../Cargo.lock"), &names);
    options.finish(&report, goals)
}

/// Does the work of a child process.
fn drive(bench: &str, words: &[&str]) -> Result<(), Failure> {
    match bench {
        overhead::NAME => overhead::drive(&overhead::contender::OURS, words),
        codec::NAME => codec::drive(&codec::CASES, words),
        memory::NAME => memory::drive(&memory::OURS, words),
        #[cfg(feature = "stores")]
        store::NAME => store::drive(&store::OURS, words),
        _ => Err(format!("no bench is called `{bench}`").into()),
    }
}
