//! Instructions of each case, counted by valgrind whatever else the machine does.
//!
//! The program runs itself under valgrind with few and with many repetitions: what the difference costs, the repetitions cost.

use std::process::{Command, Stdio};

use crate::Failure;
use crate::case::ALL;

/// The argument with which the program does a case and measures nothing.
pub(crate) const DRIVE: &str = "--drive";

const FEW: u32 = 100;
const MANY: u32 = 600;

/// Does the case with this number so many times; called in the child.
pub(crate) fn drive(case: &str, times: &str) -> Result<(), Failure> {
    let case = ALL.get(case.parse::<usize>()?).ok_or("there is no such case")?;
    (case.ready)()?.run(times.parse()?);
    Ok(())
}

pub(crate) fn valgrind_is_installed() -> bool {
    let answer = Command::new("valgrind").arg("--version").output();
    answer.is_ok_and(|output| output.status.success())
}

/// Instructions of one repetition of the case with this number.
pub(crate) fn instructions(case: usize) -> Result<f64, Failure> {
    Ok((total(case, MANY)? - total(case, FEW)?) / f64::from(MANY - FEW))
}

fn total(case: usize, times: u32) -> Result<f64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([DRIVE, &case.to_string(), &times.to_string()])
        .stdin(Stdio::null())
        .output()?;
    let talk = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind failed:\n{talk}").into());
    }
    collected(&talk).ok_or_else(|| format!("valgrind counted nothing:\n{talk}").into())
}

fn collected(talk: &str) -> Option<f64> {
    let (_, rest) = talk.split_once("Collected :")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn a_count_is_read_and_a_missing_one_is_no_zero() {
        let talk = "==7== Events    : Ir\n==7== Collected : 2047301\n==7== \n==7== I   refs: 2,047,301";
        assert_eq!(collected(talk).map(|count| count.to_string()).as_deref(), Some("2047301"));
        assert!(collected("valgrind: failed").is_none());
    }
}
