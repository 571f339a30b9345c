//! Instructions and allocations per request, counted by valgrind whatever else the machine does.
//!
//! The program runs itself under valgrind with few and with many requests: what the difference costs, the requests
//! cost, and start-up and seeding cancel out. Nothing is compiled in for it, so the measured code is the real one;
//! a counting allocator would make each allocation dearer, and so flatter whoever makes fewer.

use std::process::{Command, Stdio};

use crate::case::Case;
use crate::contender::Contender;
use crate::{Failure, runtime};

/// The argument with which the program serves requests and measures nothing.
pub(crate) const DRIVE: &str = "--drive";

const SESSIONS: usize = 64;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    Instructions,
    Allocations,
}

impl Counter {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Instructions => "instructions per request",
            Self::Allocations => "allocations per request (a reallocation counts as one)",
        }
    }

    /// The count of every contender, in the order of [`Contender::ALL`].
    pub(crate) fn per_request(self, case: Case, quick: bool) -> Result<[f64; Contender::COUNT], Failure> {
        let (few, many): (u32, u32) = if quick { (200, 600) } else { (1000, 4000) };
        let mut counts = [0.0; Contender::COUNT];
        for (contender, count) in Contender::ALL.into_iter().zip(&mut counts) {
            let difference = self.total(contender, case, many)? - self.total(contender, case, few)?;
            *count = difference / f64::from(many - few);
        }
        Ok(counts)
    }

    fn total(self, contender: Contender, case: Case, requests: u32) -> Result<f64, Failure> {
        let output = Command::new("valgrind")
            .args(self.tool())
            .arg(std::env::current_exe()?)
            .args([DRIVE, contender.name(), case.name(), &requests.to_string()])
            .stdin(Stdio::null())
            .output()?;
        let talk = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("valgrind failed for {contender}, {case}:\n{talk}").into());
        }
        number_after(&talk, self.label()).ok_or_else(|| format!("valgrind counted nothing:\n{talk}").into())
    }

    fn tool(self) -> &'static [&'static str] {
        match self {
            Self::Instructions => &["--tool=callgrind", "--callgrind-out-file=/dev/null"],
            Self::Allocations => &["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"],
        }
    }

    /// What valgrind writes before the count.
    fn label(self) -> &'static str {
        match self {
            Self::Instructions => "Collected :",
            Self::Allocations => "total heap usage:",
        }
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
            server.serve(server.request(case, number)).await;
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
        let callgrind = "==7== Events    : Ir\n==7== Collected : 2047301\n==7== \n==7== I   refs: 2,047,301";
        assert_eq!(number_after(callgrind, "Collected :"), Some(2_047_301.0));
        let memcheck = "==7==   total heap usage: 12,345 allocs, 12,300 frees, 99 bytes allocated";
        assert_eq!(number_after(memcheck, "total heap usage:"), Some(12_345.0));
    }

    #[test]
    fn a_missing_count_is_no_zero() {
        assert_eq!(number_after("valgrind: failed", "Collected :"), None);
        assert_eq!(number_after("Collected : none", "Collected :"), None);
    }
}
