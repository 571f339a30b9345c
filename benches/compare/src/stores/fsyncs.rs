//! How often a contender waits for the disk, counted by strace.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cloakroom_bench::Failure;
use cloakroom_bench::meter::count;
use cloakroom_bench::options::say;

use super::contender::{Case, Contender};

const CALLS: [&str; 3] = ["fsync", "fdatasync", "sync_file_range"];

/// strace, and the file for its summary.
pub(super) struct Strace {
    summary: PathBuf,
}

impl Strace {
    /// `None` if strace is not installed, which it says.
    pub(super) fn find(directory: &Path) -> Option<Self> {
        let version = Command::new("strace").arg("--version").stdout(Stdio::null()).status();
        let found = version.is_ok_and(|status| status.success());
        if !found {
            say("strace is not installed (Debian: `apt-get install strace`): no fsyncs");
        }
        found.then(|| Self { summary: directory.join("strace.txt") })
    }

    /// Calls per update; includes those of opening and closing the file.
    pub(super) fn per_update(
        &self,
        contender: &Contender,
        case: Case,
        millis: usize,
    ) -> Result<f64, Failure> {
        let trace = format!("trace={}", CALLS.join(","));
        let words = ["strace", "-f", "-c", "-e", &trace, "-o"];
        let mut words = words.map(OsString::from).to_vec();
        words.push(self.summary.clone().into());
        let outcome = contender.run_under(&words, case, millis)?;
        let calls = calls_in(&std::fs::read_to_string(&self.summary)?);
        Ok(count(calls) / count(outcome.in_all))
    }
}

/// Adds up a summary: share, seconds, microseconds a call, calls, errors (if any), name.
fn calls_in(summary: &str) -> usize {
    let lines = summary.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines.filter(|words| words.last().is_some_and(|name| CALLS.contains(name)));
    ours.filter_map(|words| words.get(3)?.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_wait_for_the_disk_are_added_up() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 90.00    0.900000         300      3000         2 fdatasync
 10.00    0.100000         100        10           fsync
  0.00    0.000000           0         7           futex
------ ----------- ----------- --------- --------- ----------------
100.00    1.000000         332      3017         2 total
";
        assert_eq!(calls_in(summary), 3010);
    }
}
