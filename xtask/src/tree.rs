//! `cargo xtask tree`: what the library brings into an application.

use std::collections::BTreeSet;

use crate::shell::{self, Failure};

/// The core needs no runtime: a blocking program pays for none, an async one keeps its own.
const RUNTIMES: [&str; 4] = ["tokio", "async-std", "smol", "async-executor"];

/// How many crates the extractors may add to an application that uses axum already.
const MOST_ADDED: usize = 25;

pub(crate) fn run() -> Result<(), Failure> {
    let core = crates("normal", &["-p", "cloakroom", "--no-default-features"])?;
    let runtimes: Vec<_> = core.iter().filter(|line| RUNTIMES.contains(&name(line))).collect();
    if !runtimes.is_empty() {
        return Err(Failure::Step(format!("the core brings a runtime: {runtimes:?}")));
    }
    println!("core without features: {} crates, no runtime", core.len());

    let with_axum = crates("normal", &["-p", "cloakroom", "--no-default-features", "--features", "axum"])?;
    // Only our own tests and tools depend on axum itself: without `dev` cargo would not find the way to it.
    let axum = crates("normal,dev", &["-p", "axum"])?;
    let added: Vec<_> = with_axum.difference(&axum).map(String::as_str).collect();
    println!(
        "with feature axum: {} crates, of which {} are not axum's own (at most {MOST_ADDED}): {}",
        with_axum.len(),
        added.len(),
        added.join(", ")
    );
    if added.len() > MOST_ADDED {
        return Err(Failure::Step(format!(
            "{} crates added to axum's own, more than {MOST_ADDED}",
            added.len()
        )));
    }
    Ok(())
}

/// All crates reached over `edges` from what `selection` selects, itself included, each as "name version".
fn crates(edges: &str, selection: &[&str]) -> Result<BTreeSet<String>, Failure> {
    let mut command = shell::cargo(["tree", "--locked", "-e", edges, "--prefix", "none"]);
    Ok(parse(&shell::output(command.args(selection))?))
}

/// Lines such as `serde v1.0.229 (proc-macro) (*)`: the first two words name the crate.
fn parse(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect()
}

fn name(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_per_version_however_often_it_is_listed() {
        let tree = "a v1.0.0 (here)\nb v2.1.0 (proc-macro)\nb v2.1.0 (proc-macro) (*)\n\nb v3.0.0\n";
        let found: Vec<_> = parse(tree).into_iter().collect();
        assert_eq!(found, ["a v1.0.0", "b v2.1.0", "b v3.0.0"]);
        assert_eq!(name(&found[1]), "b");
    }
}
