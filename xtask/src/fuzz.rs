//! `cargo xtask fuzz`: random bytes for whatever reads hostile input. Its own workspace, for it needs nightly.

use std::fs;

use crate::shell::{self, Failure};
use crate::tool::Tool;

const FUZZ: Tool = Tool { subcommand: "fuzz", version: "=0.13.2" };

const NIGHTLY: &str = "+nightly";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// One target; all of them if none is named
    target: Option<Target>,
    /// How long to run each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Target {
    /// Cookie headers
    Cookie,
    /// The text of a key
    Key,
    /// A stored record
    Record,
    /// A sealed session
    Sealed,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Key => "key",
            Self::Record => "record",
            Self::Sealed => "sealed",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if !shell::works(shell::cargo([NIGHTLY, "--version"]).env("RUSTUP_AUTO_INSTALL", "0")) {
        return Err(Failure::Missing(
            "fuzzing needs a nightly toolchain: `rustup toolchain install nightly --profile minimal`"
                .to_owned(),
        ));
    }
    FUZZ.provide()?;
    let all = <Target as clap::ValueEnum>::value_variants();
    let targets = args.target.as_ref().map_or(all, std::slice::from_ref);
    targets.iter().try_for_each(|target| fuzz(target.name(), args.seconds))
}

/// New finds go to the corpus, which is nobody's but this machine's; the seeds are read only.
fn fuzz(target: &str, seconds: u64) -> Result<(), Failure> {
    let corpus = format!("fuzz/corpus/{target}");
    fs::create_dir_all(shell::root().join(&corpus))
        .map_err(|error| Failure::Step(format!("cannot create {corpus}: {error}")))?;
    let mut command = FUZZ.command(Some(NIGHTLY));
    command.args(["run", "--fuzz-dir", "fuzz", target, &corpus, &format!("fuzz/seeds/{target}")]);
    shell::run(command.args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"]))
}
