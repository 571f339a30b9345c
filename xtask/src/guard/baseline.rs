//! `benches/baseline.json`: what was measured when, and why it was accepted.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::Figures;
use super::facts::Facts;
use crate::shell::{self, Failure};

const FILE: &str = "benches/baseline.json";

/// The last entry counts; those before it are the history.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Baseline(Vec<Entry>);

/// Figures that were accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) date: String,
    pub(super) reason: String,
    /// Where they were measured.
    pub(super) facts: Facts,
    pub(super) figures: Figures,
}

impl Baseline {
    /// As it is kept; empty if there is none yet.
    pub(super) fn read() -> Result<Self, Failure> {
        let text = match fs::read_to_string(path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(|error| broken(&error))?,
        };
        serde_json::from_str(&text).map_err(|error| broken(&error.into()))
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| broken(&error.into()))?;
        fs::write(path(), text + "\n").map_err(|error| broken(&error))?;
        eprintln!("{FILE} is written");
        Ok(())
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.0.last()
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.0.push(entry);
    }
}

fn path() -> PathBuf {
    shell::root().join(FILE)
}

fn broken(error: &io::Error) -> Failure {
    Failure::Step(format!("`{FILE}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_stands_last_and_the_history_stays() {
        let entry = |reason: &str| Entry {
            date: "2000-01-01".into(),
            reason: reason.into(),
            facts: Facts::from([("rustc".to_owned(), "1".to_owned())]),
            figures: Figures::from([("cloakroom, read: instructions".to_owned(), 9.5)]),
        };
        let mut baseline = Baseline::default();
        baseline.add(entry("the first"));
        baseline.add(entry("faster"));
        let text = serde_json::to_string(&baseline).unwrap();
        let again: Baseline = serde_json::from_str(&text).unwrap();
        assert_eq!(again.0, [entry("the first"), entry("faster")]);
        assert_eq!(again.last(), Some(&entry("faster")));
    }

    #[test]
    fn what_is_committed_can_be_read() {
        assert!(Baseline::read().unwrap().last().is_some());
    }
}
