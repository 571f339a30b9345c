//! A report as it is kept: with how, when and where it was made.

use std::path::{Path, PathBuf};

use cloakroom_bench_report::Report;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::Failure;
use crate::machine::Machine;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What was typed.
    pub(crate) command: String,
    /// Year, month and day, in UTC.
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) report: Report,
}

impl Kept {
    /// Made now, on this machine.
    pub(crate) fn now(command: &str, report: Report) -> Result<Self, Failure> {
        let date = OffsetDateTime::now_utc().date().to_string();
        Ok(Self { command: command.into(), date, machine: Machine::this()?, report })
    }

    /// Writes it where its bench's last one was; the file.
    pub(crate) fn write(&self, results: &Path) -> Result<PathBuf, Failure> {
        let name = &self.report.bench;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(format!("`{name}` is no bench").into());
        }
        std::fs::create_dir_all(results)?;
        let file = results.join(name).with_extension("json");
        std::fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(file)
    }

    /// All that are kept, by the names of their benches.
    pub(crate) fn all(results: &Path) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(results)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let kept = serde_json::from_str(&std::fs::read_to_string(&path)?);
                all.push(kept.map_err(|error| format!("{}: {error}", path.display()))?);
            }
        }
        all.sort_by(|one: &Self, other: &Self| one.report.bench.cmp(&other.report.bench));
        Ok(all)
    }
}
