//! How often a contender waits for the disk: strace counts.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::contender::{Case, Contender};
use crate::drive::Failure;

const CALLS: [&str; 3] = ["fsync", "fdatasync", "sync_file_range"];

pub(crate) fn strace_is_installed() -> bool {
    let version =
        Command::new("strace").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Calls per update that succeeded; the few of opening and closing the file are counted too.
pub(crate) fn per_update(
    contender: &Contender,
    case: Case,
    millis: u32,
    directory: &Path,
) -> Result<f64, Failure> {
    let summary = directory.join("strace.txt");
    let trace = format!("trace={}", CALLS.join(","));
    let words = ["strace", "-f", "-c", "-e", &trace, "-o"].map(OsStr::new);
    let words = [&words[..], &[summary.as_os_str()]].concat();
    let outcome = contender.drive_under(&words, case, millis)?;
    let calls = calls_in(&std::fs::read_to_string(summary)?);
    #[expect(clippy::cast_precision_loss, reason = "neither comes near 2^52")]
    Ok(calls as f64 / outcome.in_all as f64)
}

/// Sums up a summary: share, seconds, microseconds a call, calls, errors (blank if none), name.
fn calls_in(summary: &str) -> u64 {
    let lines = summary.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines.filter(|words| words.last().is_some_and(|name| CALLS.contains(name)));
    ours.filter_map(|words| words.get(3)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_calls_that_wait_for_the_disk_are_summed_up_and_no_others() {
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
