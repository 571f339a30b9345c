//! The model checker of Cloakroom's protocol.
//!
//! Runs the functions of `cloakroom::protocol` through every order of requests, store operations,
//! losses, cancellations and clock ticks that small [scenarios] allow. The [laws] must hold in
//! every state. The [mutants] are wrong decisions that the same search must catch.
//!
//! Requests, responses and faults are limited in number, and every scenario says how late they can
//! be: a claim about the network holds within those bounds. Two things are assumed: the clocks of
//! all nodes agree, and less than a minute passes between a decision and the store operation it
//! leads to. The principal index is left to the store suite.
//!
//! It also runs the [cache] through every order of calls, store operations, answers and change
//! notifications.
//!
//! ```text
//! cloakroom-model [--mutants] [--json] [SCENARIO]
//! ```
//!
//! Exit code 0: all laws hold; 1: a law is broken, a situation was never reached, or a mutant
//! survived; 2: invalid arguments.

mod cache;
mod decisions;
mod events;
mod laws;
mod model;
mod model_key;
mod mutants;
mod report;
mod scenarios;
mod state;
mod step;
mod trace;

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
}

#[cfg(test)]
mod tests {
    use super::{decisions::Real, mutants, report, scenarios};

    #[test]
    fn the_library_keeps_the_laws_through_double_clicks() {
        let finding = report::search(scenarios::double_click(), &Real);
        assert!(finding.failure.is_none() && finding.missed.is_empty());
    }

    #[test]
    fn a_wrong_secret_that_counts_as_right_is_found_out() {
        let mutant =
            mutants::ALL.iter().find(|mutant| mutant.name.starts_with("a wrong secret")).unwrap();
        assert!(report::hunt(mutant).failure.is_some());
    }
}
