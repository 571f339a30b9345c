//! `cargo xtask guard`: what a request costs stays what it was.
//!
//! Counted, not timed, so that a busy machine changes nothing: instructions and allocations under valgrind, calls of the store,
//! and round trips on the wire. `benches/baseline.json` says what they were, and why they were allowed to grow when they did.

mod baseline;
mod compare;
mod facts;

use std::collections::BTreeMap;
use std::process::Command;

use crate::install::{self, Way};
use crate::servers;
use crate::shell::{self, Failure};
use baseline::{Baseline, Entry};
use compare::{Comparison, Scale};

/// Figures by name: `cloakroom, read: instructions`.
type Figures = BTreeMap<String, f64>;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Takes today's figures for the measure from now on, for this reason
    #[arg(long, value_name = "REASON")]
    update: Option<String>,
}

const VALGRIND: [Way; 2] = [
    (
        "apt-get",
        &[
            &["apt-get", "update", "-q"],
            &["apt-get", "install", "-y", "-q", "--no-install-recommends", "valgrind"],
        ],
    ),
    ("brew", &[&["brew", "install", "valgrind"]]),
];

/// As a part of ci.
pub(crate) fn check() -> Result<(), Failure> {
    run(&Args { update: None })
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    get_valgrind()?;
    servers::get()?;
    let figures = measure()?;
    let facts = facts::here()?;
    let mut baseline = Baseline::read()?;
    let mut outcome = Ok(());
    if let Some(last) = baseline.last() {
        let scale = Scale::between(&last.facts, &facts);
        let comparison = Comparison::of(&last.figures, &figures, scale);
        println!("{comparison}");
        eprintln!("measured against {}: {}", last.date, last.reason);
        if scale == Scale::OverTheLimit {
            for difference in facts::differences(&last.facts, &facts) {
                eprintln!("  {difference}");
            }
            eprintln!("instructions here are others than there, so theirs over the limit's are compared");
        }
        outcome = comparison.outcome();
    } else if args.update.is_none() {
        outcome = Err(Failure::Step("nothing to compare with: `cargo xtask guard --update REASON`".into()));
    }
    match &args.update {
        None => outcome,
        Some(reason) => {
            baseline.add(Entry { date: today()?, reason: reason.clone(), facts, figures });
            baseline.write()
        }
    }
}

/// Both programs print their figures as one object.
fn measure() -> Result<Figures, Failure> {
    let mut figures = Figures::new();
    for (package, profile) in [("cloakroom-bench-overhead", "bench"), ("cloakroom-bench-trips", "dev")] {
        let mut command =
            shell::cargo(["run", "--profile", profile, "--locked", "-p", package, "--", "--guard"]);
        let text = shell::output(&mut command)?;
        let found: Figures = serde_json::from_str(&text)
            .map_err(|error| Failure::Step(format!("`{package}` prints no figures: {error}")))?;
        figures.extend(found.into_iter().map(|(name, figure)| (name, rounded(figure))));
    }
    Ok(figures)
}

/// To what is worth keeping in a file.
fn rounded(figure: f64) -> f64 {
    if figure < 100.0 { (figure * 1000.0).round() / 1000.0 } else { figure.round() }
}

fn get_valgrind() -> Result<(), Failure> {
    let find = || shell::works(Command::new("valgrind").arg("--version")).then_some(());
    if find().is_some() {
        return Ok(());
    }
    if cfg!(windows) || cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        let missing = "the guard counts instructions under valgrind, which does not run on this system: use a Linux machine";
        return Err(Failure::Missing(missing.into()));
    }
    eprintln!("no valgrind here: installing it");
    install::until(&VALGRIND, find)
        .ok_or_else(|| Failure::Missing("the guard counts instructions under `valgrind`: install it".into()))
}

fn today() -> Result<String, Failure> {
    let date = shell::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    Ok(date.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_kept_to_what_is_no_noise() {
        assert_eq!(
            [2434.445, 7.000_666_7, 0.0].map(|figure| rounded(figure).to_string()),
            ["2434", "7.001", "0"]
        );
    }
}
