//! What every bench is asked on its command line.

use std::error::Error;
use std::process::ExitCode;

/// How to measure, and what to print.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Few and short rounds: whether it runs, not what it costs.
    pub quick: bool,
    /// For machines.
    pub json: bool,
    /// Whether to fail where a bound is missed.
    pub check: bool,
}

impl Options {
    /// Reads flags, of which `usage` names those that the bench knows.
    ///
    /// # Errors
    /// The usage, for anything else.
    pub fn parse(flags: &[&str], usage: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut options = Self::default();
        for flag in flags {
            let known = usage.contains(&format!("[{flag}]"));
            match *flag {
                "--quick" if known => options.quick = true,
                "--json" if known => options.json = true,
                "--check" if known => options.check = true,
                other => return Err(format!("unknown argument `{other}`\n{usage}").into()),
            }
        }
        Ok(options)
    }
}

/// How a bench ends: 0, or 1 if a check that was asked for failed, or 2 and why it could not measure.
pub fn end(outcome: Result<bool, Box<dyn Error + Send + Sync>>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(2)
        }
    }
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_usage_names_is_known() {
        let usage = "usage: bench [--quick] [--json]";
        assert!(Options::parse(&["--quick"], usage).unwrap().quick);
        assert!(Options::parse(&["--check"], usage).is_err());
        assert!(Options::parse(&["quick"], usage).is_err());
    }
}
