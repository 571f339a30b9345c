//! The command line that all benches share.

use std::process::ExitCode;

use crate::Failure;
use crate::report::Report;

pub const EXIT_CODES: &str =
    "Exit codes: 0 success, 1 --check finds a missed goal, 2 the bench could not measure.";

/// How to measure, and what to do with the figures.
#[derive(Clone, Copy, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Options {
    /// Few and short rounds: shows that the bench runs, not what anything costs
    #[arg(long)]
    pub quick: bool,
    /// Print JSON instead of Markdown
    #[arg(long)]
    pub json: bool,
    /// Fail if a goal is missed
    #[arg(long)]
    pub check: bool,
    /// Replace the bench's section of benches/RESULTS.md
    #[arg(long)]
    pub save: bool,
}

impl Options {
    /// Prints the report, saves it if asked, and says whether the goals are met (or unchecked).
    pub fn finish(self, report: &Report, goals: &Goals) -> Result<bool, Failure> {
        report.print(self.json)?;
        if self.save {
            report.save()?;
        }
        for missed in &goals.0 {
            say(&format!("missed: {missed}"));
        }
        Ok(!self.check || goals.0.is_empty())
    }
}

/// The goals that were missed, in words.
#[derive(Clone, Debug, Default)]
pub struct Goals(pub Vec<String>);

impl Goals {
    /// Notes a miss unless `found` was measured and is at most `most`.
    pub fn at_most(&mut self, what: &str, found: Option<f64>, most: f64) {
        if !found.is_some_and(|found| found <= most) {
            self.0.push(format!("{what}: {}, at most {most:.3}", shown(found)));
        }
    }

    /// Notes a miss unless `found` was measured and is at least `least`.
    pub fn at_least(&mut self, what: &str, found: Option<f64>, least: f64) {
        if !found.is_some_and(|found| found >= least) {
            self.0.push(format!("{what}: {}, at least {least:.3}", shown(found)));
        }
    }
}

fn shown(found: Option<f64>) -> String {
    found.map_or_else(|| "not measured".to_owned(), |found| format!("{found:.3}"))
}

/// The exit code of a bench, as [`EXIT_CODES`] says.
#[must_use]
pub fn exit(outcome: Result<bool, Failure>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(2)
        }
    }
}

/// Prints progress to stderr; stdout is for figures.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_not_measured_misses_its_goal() {
        let mut goals = Goals::default();
        goals.at_most("read", Some(1.0), 1.0);
        goals.at_least("read", Some(3.0), 3.0);
        assert!(goals.0.is_empty());
        goals.at_most("read", None, 1.0);
        goals.at_least("read", Some(f64::NAN), 3.0);
        assert_eq!(goals.0.len(), 2);
    }
}
