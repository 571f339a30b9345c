//! Instructions and allocations per repetition, counted by valgrind.
//!
//! The program runs itself under valgrind with few and with many repetitions of some work. The
//! difference is the cost of the repetitions; start-up and preparation cancel out. Counts do not
//! depend on the machine's load. Nothing is compiled in for counting, so the measured code is the
//! real one.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::options::say;

/// The first argument of a program that only does the work it is told, to be counted or measured.
pub const DRIVE: &str = "drive";

/// Instructions per repetition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Instructions {
    /// In SHA-256's compression function. Valgrind's processor has no SHA instructions.
    pub hashing: f64,
    /// In everything else.
    pub others: f64,
}

/// Whether valgrind can be run; says so if it cannot.
pub fn is_installed() -> bool {
    let output = Command::new("valgrind").arg("--version").output();
    let found = output.is_ok_and(|output| output.status.success());
    if !found {
        say("valgrind is not installed (Debian: `apt-get install valgrind`): nothing is counted");
    }
    found
}

/// Counts instructions of `work`, an argument list to which the number of repetitions is added.
pub fn instructions(work: &[&str], (few, many): (u32, u32)) -> Result<Instructions, Failure> {
    let place = tempfile::tempdir()?;
    let file = place.path().join("callgrind.out");
    let out = format!("--callgrind-out-file={}", file.display());
    let count = |repetitions: u32| {
        valgrind(&["--tool=callgrind", &out], work, repetitions)?;
        let profile = std::fs::read_to_string(&file)?;
        read_profile(&profile).ok_or_else(|| Failure::from("callgrind counted nothing"))
    };
    let (before, after) = (count(few)?, count(many)?);
    let each = |before: f64, after: f64| (after - before) / f64::from(many - few);
    Ok(Instructions {
        hashing: each(before.hashing, after.hashing),
        others: each(before.others, after.others),
    })
}

/// Counts allocations of `work`; a reallocation counts as one.
pub fn allocations(work: &[&str], (few, many): (u32, u32)) -> Result<f64, Failure> {
    let tool = ["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"];
    let count = |repetitions: u32| {
        let text = valgrind(&tool, work, repetitions)?;
        let count = number_after(&text, "total heap usage:");
        count.ok_or_else(|| Failure::from(format!("memcheck counted nothing:\n{text}")))
    };
    Ok((count(many)? - count(few)?) / f64::from(many - few))
}

/// Runs this program under valgrind; what valgrind prints.
fn valgrind(tool: &[&str], work: &[&str], repetitions: u32) -> Result<String, Failure> {
    let output = Command::new("valgrind")
        .args(tool)
        .arg(std::env::current_exe()?)
        .arg(DRIVE)
        .args(work)
        .arg(repetitions.to_string())
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("valgrind failed for {}:\n{text}", work.join(", ")).into())
    }
}

/// Functions of the crate with which every contender hashes.
const HASHING: &str = "sha2::sha256::";

/// Adds up the costs of a callgrind profile; `None` if it has none.
///
/// A function is named once, as `(7) name`, and is `(7)` from then on. The line after `calls=` is
/// the cost of the called function, which is listed again there.
fn read_profile(profile: &str) -> Option<Instructions> {
    let mut cost = Instructions::default();
    let mut names: HashMap<&str, bool> = HashMap::new();
    let (mut hashes, mut called) = (false, false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("cfn=") {
            is_hashing(&mut names, name);
        } else if let Some(name) = line.strip_prefix("fn=") {
            hashes = is_hashing(&mut names, name);
        } else if line.starts_with("calls=") {
            called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let count = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
            if let (false, Some(count)) = (std::mem::take(&mut called), count) {
                *(if hashes { &mut cost.hashing } else { &mut cost.others }) += count;
            }
        }
    }
    (cost != Instructions::default()).then_some(cost)
}

/// Whether the function hashes; remembers its name when it is given.
fn is_hashing<'a>(names: &mut HashMap<&'a str, bool>, name: &'a str) -> bool {
    match name.split_once(' ') {
        Some((id, name)) => *names.entry(id).or_insert(name.starts_with(HASHING)),
        None => names.get(name).copied().unwrap_or_default(),
    }
}

/// The number after `label`, which can have commas in it.
fn number_after(text: &str, label: &str) -> Option<f64> {
    let (_, rest) = text.split_once(label)?;
    let digits: String = rest.split_whitespace().next()?.chars().filter(|c| *c != ',').collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "positions: line\nevents: Ir\nsummary: 1111\n\n\
        fl=(1) a.rs\nfn=(1) serve\n10 5\n+3 6\ncfn=(2) sha2::sha256::compress256\ncalls=1 20\n\
        12 100\n* 7\n\nfn=(2)\nfi=(9) core.rs\n20 90\n-5 10\n\nfn=(1)\n14 2\n";

    #[test]
    fn each_instruction_counts_once_where_it_was_executed() {
        let expected = Instructions { hashing: 100.0, others: 20.0 };
        assert_eq!(read_profile(PROFILE), Some(expected));
    }

    #[test]
    fn an_empty_profile_is_not_zero() {
        assert_eq!(read_profile("events: Ir\n"), None);
    }

    #[test]
    fn a_missing_count_is_not_zero() {
        let label = "total heap usage:";
        let memcheck = "==7==   total heap usage: 12,345 allocs, 12,300 frees";
        assert_eq!(number_after(memcheck, label), Some(12_345.0));
        assert_eq!(number_after("valgrind: failed", label), None);
        assert_eq!(number_after("total heap usage: none", label), None);
    }
}
