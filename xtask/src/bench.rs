//! `cargo xtask bench`: measurements, outside the default members so that nobody else builds them.

use crate::shell::{self, Failure};

#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// What a session costs a request
    Overhead(Args),
    /// What listing, limiting and revoking cost with 100,000 sessions, beside the same with 1,000
    Directory(Args),
    /// A million sessions in each store: bytes, listing, and a sweep while others read
    Scale(Args),
    /// Millions of sessions in memory beside peers and a limit: bytes, throughput, expiry, floods; takes 13 GB unless --quick
    Memory(Args),
    /// Writes and reads a second: SQLite, with fsyncs per write if strace is there, then PostgreSQL, Redis and a near cache
    Stores(Args),
    /// The second half of `stores`: what is on servers
    Servers(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For the bench: --json, and --quick, --sessions or --help where it has them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    let (package, args) = match bench {
        Bench::Overhead(args) => ("cloakroom-bench-overhead", args),
        Bench::Directory(args) => ("cloakroom-bench-directory", args),
        Bench::Scale(args) => {
            crate::servers::get()?;
            ("cloakroom-bench-scale", args)
        }
        Bench::Memory(args) => ("cloakroom-bench-memory", args),
        Bench::Stores(args) => ("cloakroom-bench-stores", args),
        Bench::Servers(args) => return servers(args),
    };
    let mut command = shell::cargo(["run", "--profile", "bench", "--locked", "-p", package, "--"]);
    shell::run(command.args(&args.rest))?;
    if let Bench::Stores(args) = bench { servers(args) } else { Ok(()) }
}

/// A workspace of its own: its peers and our SQLite store can't share a lock file.
fn servers(args: &Args) -> Result<(), Failure> {
    crate::servers::get()?;
    let mut command = shell::cargo(["run", "--release", "--locked"]);
    command.args(["--manifest-path", "benches/servers/Cargo.toml", "--target-dir", "target/peers", "--"]);
    shell::run(command.args(&args.rest))
}
