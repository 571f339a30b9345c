//! `cargo xtask tree`: what the library brings into an application.

use std::collections::BTreeSet;

use crate::shell::{self, Failure};

/// The core needs no runtime: a blocking program has none, and an async one keeps its own.
const RUNTIMES: [&str; 4] = ["tokio", "async-std", "smol", "async-executor"];

/// What encrypts, and may be in an application once: with both, rustls refuses to choose.
const PROVIDERS: [&str; 2] = ["rustls feature \"ring\"", "rustls feature \"aws_lc_rs\""];

/// How many crates the feature `axum` may add to an application that uses axum already.
const MOST_ADDED: usize = 25;

pub(crate) fn run() -> Result<(), Failure> {
    let core = crates(&["-e", "normal", "-p", "cloakroom", "--no-default-features"])?;
    let is_runtime =
        |line: &&String| line.split(' ').next().is_some_and(|name| RUNTIMES.contains(&name));
    if let Some(runtime) = core.iter().find(is_runtime) {
        return Err(format!("the core without features depends on a runtime: {runtime}").into());
    }
    println!("core without features: {} crates, no runtime", core.len());

    let features = ["--no-default-features", "--features", "axum"];
    let with_axum = crates(&[&["-e", "normal", "-p", "cloakroom"], &features[..]].concat())?;
    // Only our tests depend on axum itself: without `dev`, cargo would not find it.
    let axum = crates(&["-e", "normal,dev", "-p", "axum"])?;
    let added: Vec<_> = with_axum.difference(&axum).map(String::as_str).collect();
    let count = added.len();
    println!(
        "feature axum: {count} crates more than axum (at most {MOST_ADDED}): {}",
        added.join(", ")
    );
    if count > MOST_ADDED {
        return Err(format!("feature axum adds {count} crates, more than {MOST_ADDED}").into());
    }
    for store in ["cloakroom-postgres", "cloakroom-redis", "cloakroom-any"] {
        brings_no_provider(store)?;
    }
    Ok(())
}

/// A store takes the provider of the process, or that of a feature that is off by default.
fn brings_no_provider(store: &str) -> Result<(), Failure> {
    let args = ["tree", "--locked", "--prefix", "none", "-e", "normal,features", "-p", store];
    let list = shell::output(&mut shell::cargo(args))?;
    if let Some(provider) = PROVIDERS.iter().find(|provider| list.contains(**provider)) {
        return Err(format!("{store} turns on {provider} in every application").into());
    }
    println!("{store}: no provider of cryptography unless a feature asks for it");
    Ok(())
}

/// The crates that `cargo tree` lists, each as "name version".
fn crates(selection: &[&str]) -> Result<BTreeSet<String>, Failure> {
    let mut command = shell::cargo(["tree", "--locked", "--prefix", "none"]);
    let list = shell::output(command.args(selection))?;
    let first_two = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    Ok(list.lines().filter_map(first_two).collect())
}
