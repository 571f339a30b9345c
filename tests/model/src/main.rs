//! The model checker of Cloakroom's protocol.
//!
//! Runs the operations of `cloakroom::protocol::steps`, the same that the library runs, through
//! every order of requests, answers of the store, losses, cancellations and clock ticks that small
//! [scenarios] allow. It has its own browsers, network and [store]; no decision and no order of an
//! operation's questions is written here. The [laws] must hold in every state. Those that are known
//! to fail in a scenario are listed with the reason, and must fail. Every step of every operation
//! must be [taken](coverage). The [mutants] are wrong decisions, wrong orders and wrong stores that
//! the same search must catch.
//!
//! Requests, responses and faults are limited in number, and every scenario says how late they can
//! be: a claim about the network holds within those bounds. Two things are assumed: the clocks of
//! all nodes agree, and less than a minute passes between a decision and the store operation it
//! leads to.
//!
//! Sessions that are bound to a [device] have a search of their own, with a browser that registers
//! and refreshes, and an attacker with a copied cookie.
//!
//! It also runs the [cache] through every order of calls, store operations, answers and change
//! notifications.
//!
//! ```text
//! cloakroom-model [--mutants] [--json] [SCENARIO]
//! ```
//!
//! Exit code 0: exactly the laws fail that are known to, and every step was taken; or every mutant
//! was caught. 1: not so. 2: invalid arguments.

mod cache;
mod context;
mod coverage;
mod device;
mod entry;
mod flaws;
mod jar;
mod laws;
mod model;
mod model_key;
mod mutants;
mod report;
mod scenarios;
mod shared;
mod state;
mod store;
mod trace;
mod turn;
mod work;

use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut mutants, mut json, mut only) = (false, false, None);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--mutants" => mutants = true,
            "--json" => json = true,
            name if only.is_none() && is_scenario(name) => only = Some(argument),
            _ => {
                // There is nothing to do if the usage message cannot be written.
                let _ = writeln!(
                    io::stderr(),
                    "usage: cloakroom-model [--mutants] [--json] [SCENARIO]"
                );
                return ExitCode::from(2);
            }
        }
    }
    let verdict = if mutants {
        report::check_mutants(only.as_deref(), json)
    } else {
        report::check_all(only.as_deref(), json)
    };
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

fn is_scenario(name: &str) -> bool {
    scenarios::all().iter().any(|scenario| scenario.name == name)
        || cache::ALL.iter().any(|scenario| scenario.name == name)
        || device::ALL.iter().any(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cloakroom::protocol::Protocol;

    use super::{coverage, flaws, mutants, report, scenarios};

    #[test]
    fn the_library_keeps_the_laws_in_a_small_scenario() {
        let coverage = Arc::new(coverage::Coverage::default());
        let finding =
            report::search(scenarios::handles(), &Protocol, flaws::sound, None, &coverage);
        assert!(finding.is_good());
        assert!(coverage.unlisted().is_empty());
    }

    #[test]
    fn a_law_that_is_known_to_fail_must_fail() {
        let known = scenarios::ignores_cookies();
        let coverage = Arc::default();
        assert!(report::search(known.clone(), &Protocol, flaws::sound, None, &coverage).is_good());
        let fixed = scenarios::Scenario { copies: 0, other: &[], ..known };
        assert!(!report::search(fixed, &Protocol, flaws::sound, None, &coverage).is_good());
    }

    #[test]
    fn a_wrong_decision_and_a_wrong_order_are_found_out() {
        for name in ["a wrong secret opens the session", "a lost race counts as won"] {
            let mutant = mutants::all().find(|mutant| mutant.name == name).unwrap();
            assert!(report::hunt(&mutant).caught().is_some(), "{name}");
        }
    }
}
