//! What callgrind writes of a run, as far as it matters here: which functions its instructions were in.

use std::collections::HashMap;

/// Instructions of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// In SHA-256's compression.
    pub(crate) hashing: f64,
    /// In everything else.
    pub(crate) others: f64,
}

/// The crate that everybody hashes by has its functions there.
const HASHING: &str = "sha2::sha256::";

/// Sums the costs of a profile; none if there are none.
///
/// A function is named once, as `(7) name`, and is `(7)` from then on; what follows `calls=` was spent in the function
/// called, and is listed there again.
pub(crate) fn read(profile: &str) -> Option<Cost> {
    let mut cost = Cost::default();
    let mut names: HashMap<&str, bool> = HashMap::new();
    let (mut hashes, mut called) = (false, false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("cfn=") {
            hashing(&mut names, name);
        } else if let Some(name) = line.strip_prefix("fn=") {
            hashes = hashing(&mut names, name);
        } else if line.starts_with("calls=") {
            called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let instructions = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
            if let (false, Some(instructions)) = (std::mem::take(&mut called), instructions) {
                *(if hashes { &mut cost.hashing } else { &mut cost.others }) += instructions;
            }
        }
    }
    (cost != Cost::default()).then_some(cost)
}

/// Whether the function hashes; notes its name if it is told.
fn hashing<'a>(names: &mut HashMap<&'a str, bool>, name: &'a str) -> bool {
    match name.split_once(' ') {
        Some((id, name)) => *names.entry(id).or_insert(name.starts_with(HASHING)),
        None => names.get(name).copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "positions: line\nevents: Ir\nsummary: 1111\n\n\
        fl=(1) a.rs\nfn=(1) serve\n10 5\n+3 6\ncfn=(2) sha2::sha256::compress256\ncalls=1 20\n12 100\n* 7\n\n\
        fn=(2)\nfi=(9) core.rs\n20 90\n-5 10\n\nfn=(1)\n14 2\n";

    #[test]
    fn each_instruction_counts_once_where_it_was_executed() {
        assert_eq!(read(PROFILE), Some(Cost { hashing: 100.0, others: 20.0 }));
    }

    #[test]
    fn an_empty_profile_is_no_zero() {
        assert_eq!(read("events: Ir\n"), None);
    }
}
