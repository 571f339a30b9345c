//! The command line that all benches share.

use std::process::ExitCode;

use crate::Failure;
use crate::report::Report;

/// What to measure, and what to do with the figures.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Options {
    /// Few and short rounds: whether the bench runs, not what anything costs.
    pub quick: bool,
    /// Print JSON instead of Markdown.
    pub json: bool,
    /// Fail if a goal is missed.
    pub check: bool,
    /// Save the report in `benches/results` and make `benches/RESULTS.md` again.
    pub save: bool,
    /// Print only the figures of the bench guard, as one JSON object.
    pub guard: bool,
    /// Numbers of sessions.
    pub sessions: Vec<usize>,
    /// The only store to measure.
    pub only: Option<String>,
    /// Client processes.
    pub processes: Option<usize>,
}

impl Options {
    /// Reads the flags, of which a bench knows those that `known` names.
    pub fn parse(words: &[&str], known: &str) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            if !known.split_whitespace().any(|flag| flag == word) {
                return Err(format!("unknown argument `{word}`; this bench takes: {known}").into());
            }
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word {
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--check" => options.check = true,
                "--save" => options.save = true,
                "--guard" => options.guard = true,
                "--sessions" => {
                    options.sessions =
                        value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--only" => options.only = Some(value()?.into()),
                "--processes" => options.processes = Some(value()?.parse()?),
                _ => return Err(format!("`{word}` is not implemented").into()),
            }
        }
        Ok(options)
    }

    /// Whether this store is to be measured.
    #[must_use]
    pub fn wants(&self, store: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == store)
    }

    /// Prints the report, saves it if asked, and says whether the goals are met (or unchecked).
    pub fn finish(&self, report: &Report, goals: &Goals) -> Result<bool, Failure> {
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

/// The exit code of a bench: 0, 1 if a checked goal was missed, or 2 if it could not measure.
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
    fn a_bench_refuses_flags_that_it_does_not_know() {
        let known = "--quick --sessions";
        assert_eq!(Options::parse(&["--sessions", "1,20"], known).unwrap().sessions, [1, 20]);
        assert!(Options::parse(&["--check"], known).is_err());
        assert!(Options::parse(&["--sessions"], known).is_err());
    }

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
