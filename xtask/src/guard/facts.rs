//! What instruction counts depend on beside the code: where it was compiled, and on what processor libraries think they are.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::fs;
use std::process::Command;

use crate::shell::{self, Failure};

/// Facts by name: the compiler, valgrind, the C library, the processor.
pub(super) type Facts = BTreeMap<String, String>;

/// Features by which the C library chooses how it copies memory, and others how they search it.
const DISPATCH: [&str; 7] = ["avx", "avx2", "avx512vl", "bmi2", "erms", "fsrm", "asimd"];

/// The facts of this machine.
pub(super) fn here() -> Result<Facts, Failure> {
    let line = |command: &mut Command| shell::output(command).map(|text| first_line(&text).to_owned());
    let rustc = line(Command::new("rustc").current_dir(shell::root()).arg("--version"))?;
    let valgrind = line(Command::new("valgrind").arg("--version"))?;
    // Other libraries than GNU's have no such name for themselves.
    let libc = line(Command::new("getconf").arg("GNU_LIBC_VERSION")).unwrap_or_else(|_| "another".to_owned());
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    Ok(Facts::from(
        [
            ("rustc", rustc),
            ("valgrind", valgrind),
            ("libc", libc),
            ("target", format!("{ARCH} {OS}")),
            ("processor", dispatch(&cpu)),
        ]
        .map(|(name, fact)| (name.to_owned(), fact)),
    ))
}

/// What is not the same there and here, a line each.
pub(super) fn differences(there: &Facts, here: &Facts) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = there.keys().chain(here.keys()).collect();
    let of = |facts: &Facts, name: &str| facts.get(name).map_or("unknown", String::as_str).to_owned();
    names
        .into_iter()
        .filter(|name| there.get(*name) != here.get(*name))
        .map(|name| format!("{name}: {} there, {} here", of(there, name), of(here, name)))
        .collect()
}

/// The features that matter, of those that `/proc/cpuinfo` lists.
fn dispatch(cpuinfo: &str) -> String {
    let listed = cpuinfo.lines().find(|line| line.starts_with("flags") || line.starts_with("Features"));
    let listed: Vec<&str> = listed.unwrap_or_default().split_whitespace().collect();
    DISPATCH.into_iter().filter(|feature| listed.contains(feature)).collect::<Vec<_>>().join(" ")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_features_that_matter_are_noted() {
        let cpuinfo = "processor : 0\nflags\t\t: fpu avx avx2 erms sha_ni\nprocessor : 1\nflags\t: fpu\n";
        assert_eq!(dispatch(cpuinfo), "avx avx2 erms");
        assert_eq!(dispatch(""), "");
    }

    #[test]
    fn differences_are_told_and_nothing_else() {
        let facts =
            |rustc: &str| Facts::from([("rustc", rustc), ("libc", "2")].map(|(n, f)| (n.into(), f.into())));
        assert!(differences(&facts("1"), &facts("1")).is_empty());
        assert_eq!(differences(&facts("1"), &facts("2")), ["rustc: 1 there, 2 here"]);
        assert_eq!(differences(&facts("1"), &Facts::new()).len(), 2);
    }
}
