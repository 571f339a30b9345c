//! Instructions and allocations per request, counted by valgrind whatever else the machine does.
//!
//! The program runs itself under valgrind with few and with many requests: what the difference costs, the requests
//! cost, and start-up and seeding cancel out. Nothing is compiled in for it, so the measured code is the real one;
//! a counting allocator would make each allocation dearer, and so flatter whoever makes fewer.

mod profile;

use std::process::{Command, Stdio};

use crate::case::Case;
use crate::contender::Contender;
use crate::{Failure, runtime};

/// The argument with which the program serves requests and measures nothing.
pub(crate) const DRIVE: &str = "--drive";

const SESSIONS: usize = 64;

/// What a request costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Without those of hashing.
    pub(crate) instructions: f64,
    pub(crate) hashing: f64,
    pub(crate) allocations: f64,
}

/// Counts what requests of `case` cost.
pub(crate) fn per_request(contender: Contender, case: Case, quick: bool) -> Result<Counts, Failure> {
    let (few, many): (u32, u32) = if quick { (200, 600) } else { (1000, 4000) };
    let each = |few: f64, many: f64, requests: u32| (many - few) / f64::from(requests);
    let (before, after) = (instructions(contender, case, few)?, instructions(contender, case, many)?);
    let (none, some) = (allocations(contender, case, few)?, allocations(contender, case, many)?);
    Ok(Counts {
        instructions: each(before.others, after.others, many - few),
        hashing: each(before.hashing, after.hashing, many - few),
        allocations: each(none, some, many - few),
    })
}

fn instructions(contender: Contender, case: Case, requests: u32) -> Result<profile::Cost, Failure> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("callgrind.out");
    let out = format!("--callgrind-out-file={}", file.display());
    valgrind(&["--tool=callgrind", &out], contender, case, requests)?;
    profile::read(&std::fs::read_to_string(file)?).ok_or_else(|| "valgrind counted nothing".into())
}

fn allocations(contender: Contender, case: Case, requests: u32) -> Result<f64, Failure> {
    let tool = ["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"];
    let talk = valgrind(&tool, contender, case, requests)?;
    let count = number_after(&talk, "total heap usage:");
    count.ok_or_else(|| format!("valgrind counted nothing:\n{talk}").into())
}

/// Runs this program under valgrind, and returns what that says.
fn valgrind(tool: &[&str], contender: Contender, case: Case, requests: u32) -> Result<String, Failure> {
    let output = Command::new("valgrind")
        .args(tool)
        .arg(std::env::current_exe()?)
        .args([DRIVE, contender.name(), case.name(), &requests.to_string()])
        .stdin(Stdio::null())
        .output()?;
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(talk)
    } else {
        Err(format!("valgrind failed for {contender}, {case}:\n{talk}").into())
    }
}

pub(crate) fn valgrind_is_installed() -> bool {
    let answer = Command::new("valgrind").arg("--version").output();
    answer.is_ok_and(|output| output.status.success())
}

/// Serves `requests` requests; called in the child.
pub(crate) fn drive(contender: &str, case: &str, requests: &str) -> Result<(), Failure> {
    let (contender, case) = (Contender::parse(contender)?, Case::parse(case)?);
    let requests: usize = requests.parse()?;
    runtime()?.block_on(async {
        let server = contender.server(SESSIONS).await?;
        for number in 0..requests {
            server.request(case, number).await;
        }
        Ok(())
    })
}

/// The number that follows `label`, which may have commas in it.
fn number_after(text: &str, label: &str) -> Option<f64> {
    let (_, rest) = text.split_once(label)?;
    let digits: String = rest.split_whitespace().next()?.chars().filter(|c| *c != ',').collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn a_count_is_read_with_and_without_commas() {
        let memcheck = "==7==   total heap usage: 12,345 allocs, 12,300 frees, 99 bytes allocated";
        assert_eq!(number_after(memcheck, "total heap usage:"), Some(12_345.0));
        assert_eq!(number_after("total heap usage: 7 allocs", "total heap usage:"), Some(7.0));
    }

    #[test]
    fn a_missing_count_is_no_zero() {
        assert_eq!(number_after("valgrind: failed", "total heap usage:"), None);
        assert_eq!(number_after("total heap usage: none", "total heap usage:"), None);
    }
}
