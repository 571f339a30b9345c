//! The library's cache in every order of calls, store operations, answers, change
//! notifications and clock ticks.
//!
//! Only its environment is modelled: a store that can be slow before and after each operation, and
//! a feed that reports late or never. Every order that a small scenario allows is run from the
//! start.

mod explore;
mod faulty;
mod run;
mod scenarios;
mod world;

use std::io::{self, Write as _};

use serde_json::{Value, json};

pub(crate) use explore::Finding;
pub(crate) use scenarios::ALL;

use explore::search;
use faulty::{Flaw, faulty};
use run::sound;

/// Searches every scenario with the library's cache.
pub(crate) fn check_all(only: Option<&str>) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for scenario in ALL.iter().filter(|scenario| only.is_none_or(|name| name == scenario.name)) {
        writeln!(io::stderr(), "searching {}: {}", scenario.name, scenario.about)?;
        let finding = search(scenario, &sound);
        writeln!(io::stderr(), "  {} orders, {:.1} s", finding.orders, finding.time.as_secs_f64())?;
        findings.push(finding);
    }
    Ok(findings)
}

/// Searches with faulty caches: the fault, its scenario, and what the search found.
pub(crate) fn check_mutants(only: Option<&str>) -> io::Result<Vec<(&'static str, Finding)>> {
    let mut findings = Vec::new();
    for flaw in Flaw::ALL {
        let scenario = ALL
            .iter()
            .find(|scenario| scenario.name == flaw.scenario())
            .expect("a scenario of that name");
        if only.is_none_or(|name| name == scenario.name) {
            writeln!(io::stderr(), "mutant: {}", flaw.name())?;
            findings.push((
                flaw.name(),
                search(scenario, &move |remote, clock| faulty(remote, clock, flaw)),
            ));
        }
    }
    Ok(findings)
}

impl Finding {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "scenario": self.scenario.name,
            "orders": self.orders,
            "seconds": self.time.as_secs_f64(),
            "law": self.failure.as_ref().map(|failure| failure.law),
            "trace": self.failure.as_ref().map(|failure| &failure.trace),
        })
    }

    pub(crate) fn print(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.scenario.name, self.scenario.about)?;
        writeln!(out, "  {} orders, {:.1} s", self.orders, self.time.as_secs_f64())?;
        match &self.failure {
            None => writeln!(
                out,
                "  holds    what a node recalls is within the bounds that are stated"
            )?,
            Some(failure) => {
                writeln!(out, "  BROKEN   {}", failure.law)?;
                for line in &failure.trace {
                    writeln!(out, "    {line}")?;
                }
            }
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_cache_keeps_its_staleness_bound_while_its_feed_is_cut() {
        let scenario = ALL.iter().find(|scenario| scenario.name == "cache-cut").unwrap();
        assert!(search(scenario, &sound).failure.is_none());
    }

    #[test]
    fn a_cache_that_fills_over_something_newer_is_found_out() {
        let flaw = Flaw::FillsOverReports;
        let scenario = ALL.iter().find(|scenario| scenario.name == flaw.scenario()).unwrap();
        assert!(
            search(scenario, &move |remote, clock| faulty(remote, clock, flaw)).failure.is_some()
        );
    }
}
