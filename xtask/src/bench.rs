//! `cargo xtask bench`: measurements, outside the default members so that nobody else builds them.

use std::process::Command;

use crate::shell::{self, Failure};

/// The word that a bench never sees: what it finds is kept in benches/results, and shown in benches/RESULTS.md.
const SAVE: &str = "--save";

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
    /// Records, keys and cookies as bytes and back, beside a limit and peers
    Codec(Args),
    /// Writes and reads a second: SQLite, with fsyncs per write if strace is there, then PostgreSQL, Redis and a near cache
    Stores(Args),
    /// Calls and round trips of each operation on each store
    Trips(Args),
    /// The second half of `stores`: what is on servers
    Servers(Args),
    /// Whole servers under load: what a session costs axum and actix-web, by us and by others, beside express
    Http(Args),
    /// Makes benches/RESULTS.md and its pictures anew, of what was kept
    Results,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// --save keeps what is found; all else is for the bench: --json, and --quick, --sessions or --help where it has them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    match bench {
        Bench::Overhead(args) => here("overhead", args),
        Bench::Directory(args) => here("directory", args),
        Bench::Scale(args) => {
            crate::servers::get()?;
            here("scale", args)
        }
        Bench::Memory(args) => here("memory", args),
        Bench::Codec(args) => here("codec", args),
        Bench::Stores(args) => here("stores", args).and_then(|()| servers(args)),
        Bench::Trips(args) => {
            crate::servers::get()?;
            here("trips", args)
        }
        Bench::Servers(args) => servers(args),
        Bench::Http(args) => http(args),
        Bench::Results => shell::run(&mut results()),
    }
}

/// A member of this workspace.
fn here(name: &str, args: &Args) -> Result<(), Failure> {
    let package = format!("cloakroom-bench-{name}");
    measure(name, shell::cargo(["run", "--profile", "bench", "--locked", "-p", &package, "--"]), args)
}

fn servers(args: &Args) -> Result<(), Failure> {
    crate::servers::get()?;
    apart("servers", args)
}

fn http(args: &Args) -> Result<(), Failure> {
    crate::load::get()?;
    apart("http", args)
}

/// A workspace of its own: its peers and our SQLite store can't share a lock file, and other web servers need not.
fn apart(name: &str, args: &Args) -> Result<(), Failure> {
    let manifest = format!("benches/{name}/Cargo.toml");
    let mut command = shell::cargo(["run", "--release", "--locked", "--manifest-path", &manifest]);
    command.args(["--target-dir", "target/peers", "--"]);
    measure(name, command, args)
}

/// Runs a bench; what it found is shown, or kept and shown in the results.
fn measure(name: &str, mut command: Command, args: &Args) -> Result<(), Failure> {
    let Some(words) = saving(&args.rest) else {
        return shell::run(command.args(&args.rest));
    };
    let json = shell::output(command.args(&words).arg("--json"))?;
    let typed = [&["cargo", "xtask", "bench", name].map(String::from)[..], &words].concat().join(" ");
    shell::feed(results().args(["--", "keep", &typed]), &json)
}

/// The bench's own arguments, if what it finds is to be kept.
fn saving(words: &[String]) -> Option<Vec<String>> {
    let own = words.iter().filter(|word| ![SAVE, "--json"].contains(&word.as_str()));
    words.iter().any(|word| word == SAVE).then(|| own.cloned().collect())
}

/// What keeps and draws.
fn results() -> Command {
    shell::cargo(["run", "--quiet", "--locked", "-p", "cloakroom-bench-report", "--features", "pictures"])
}

#[cfg(test)]
mod tests {
    use super::saving;

    #[test]
    fn the_word_to_save_is_no_word_of_the_bench() {
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        assert_eq!(saving(&words("--sessions 5 --save --json")), Some(words("--sessions 5")));
        assert_eq!(saving(&words("--quick --json")), None);
    }
}
