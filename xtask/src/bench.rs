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
    /// Writes and reads a second: SQLite, with fsyncs per write if strace is there, then PostgreSQL, Redis and a near cache
    Stores(Args),
    /// Calls and round trips of each operation on each store
    Trips(Args),
    /// The second half of `stores`: what is on servers
    Servers(Args),
    /// Whole servers under load: what a session costs axum and actix-web, by us and by others, beside express
    Http(Args),
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
        Bench::Stores(args) => ("cloakroom-bench-stores", args),
        Bench::Trips(args) => {
            crate::servers::get()?;
            ("cloakroom-bench-trips", args)
        }
        Bench::Servers(args) => return servers(args),
        Bench::Http(args) => return http(args),
    };
    let mut command = shell::cargo(["run", "--profile", "bench", "--locked", "-p", package, "--"]);
    shell::run(command.args(&args.rest))?;
    if let Bench::Stores(args) = bench { servers(args) } else { Ok(()) }
}

fn servers(args: &Args) -> Result<(), Failure> {
    crate::servers::get()?;
    apart("benches/servers/Cargo.toml", args)
}

fn http(args: &Args) -> Result<(), Failure> {
    crate::load::get()?;
    apart("benches/http/Cargo.toml", args)
}

/// A workspace of its own: its peers and our SQLite store can't share a lock file, and other web servers need not.
fn apart(manifest: &str, args: &Args) -> Result<(), Failure> {
    let mut command = shell::cargo(["run", "--release", "--locked"]);
    command.args(["--manifest-path", manifest, "--target-dir", "target/peers", "--"]);
    shell::run(command.args(&args.rest))
}
