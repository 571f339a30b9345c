//! Sessions that are bound to a device: every order of a browser's requests, of what it sends by
//! itself, of losses, and of an attacker with a copied cookie.
//!
//! The steps are the library's. The browser follows the specification's algorithms, the network
//! loses and repeats, and the device signs only for its browser.

mod browser;
mod explore;
mod laws;
mod mutants;
mod request;
mod run;
mod scenarios;

use std::io::{self, Write as _};

use cloakroom::protocol::Protocol;
use serde_json::{Value, json};

pub(crate) use explore::Finding;
pub(crate) use scenarios::ALL;

use explore::search;

/// Searches every scenario under the library's decisions.
pub(crate) fn check_all(only: Option<&str>) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for scenario in ALL.iter().filter(|scenario| only.is_none_or(|name| name == scenario.name)) {
        writeln!(io::stderr(), "searching {}: {}", scenario.name, scenario.about)?;
        let finding = search(scenario, &Protocol);
        writeln!(io::stderr(), "  {} states, {:.1} s", finding.states, finding.time.as_secs_f64())?;
        findings.push(finding);
    }
    Ok(findings)
}

/// Searches with wrong decisions: the decision, and what the search found.
pub(crate) fn check_mutants(only: Option<&str>) -> io::Result<Vec<(&'static str, Finding)>> {
    let mut findings = Vec::new();
    for mutant in mutants::ALL {
        if only.is_some_and(|name| name != mutant.scenario.name) {
            continue;
        }
        writeln!(io::stderr(), "mutant: {}", mutant.name)?;
        findings.push((mutant.name, search(mutant.scenario, mutant.rules)));
    }
    Ok(findings)
}

impl Finding {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "scenario": self.scenario.name,
            "states": self.states,
            "seconds": self.time.as_secs_f64(),
            "law": self.failure.as_ref().map(|failure| failure.law),
            "trace": self.failure.as_ref().map(|failure| &failure.trace),
        })
    }

    pub(crate) fn print(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.scenario.name, self.scenario.about)?;
        writeln!(out, "  {} states, {:.1} s", self.states, self.time.as_secs_f64())?;
        match &self.failure {
            None => writeln!(out, "  holds    {} laws", laws::COUNT)?,
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
    fn a_wrong_decision_about_a_device_is_found_out() {
        let mutant = mutants::ALL.iter().find(|mutant| mutant.name.contains("renews for longer"));
        let mutant = mutant.expect("a mutant of that name");
        assert!(search(mutant.scenario, mutant.rules).failure.is_some());
    }
}
