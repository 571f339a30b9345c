//! Reports in `benches/results`, each with when, where and by which command it was made.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::{Report, page};
use crate::Failure;
use crate::options::say;

/// A report as it is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) command: String,
    /// Year, month and day in UTC.
    pub(super) date: String,
    /// Processor, cores, memory, kernel and compiler.
    pub(super) machine: String,
    pub(super) report: Report,
}

/// Replaces the last report of this bench.
pub(super) fn save(report: &Report) -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--save").collect();
    let program = std::env::current_exe()?;
    let program = program.file_name().unwrap_or_default().to_string_lossy();
    let saved = Saved {
        command: format!("{program} {}", words.join(" ")),
        date: output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?,
        machine: machine()?,
        report: report.clone(),
    };
    let file = benches().join("results").join(&report.bench).with_extension("json");
    std::fs::write(&file, serde_json::to_string_pretty(&saved)? + "\n")?;
    say(&format!("saved {}", file.display()));
    Ok(())
}

/// Makes `benches/RESULTS.md` from all saved reports and `benches/results/TRIED.md`.
pub fn render_page() -> Result<(), Failure> {
    let results = benches().join("results");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&results)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let saved = serde_json::from_str::<Saved>(&std::fs::read_to_string(&path)?);
            all.push(saved.map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    all.sort_by(|one, other| one.report.bench.cmp(&other.report.bench));
    let tried = std::fs::read_to_string(results.join("TRIED.md"))?;
    let file = benches().join("RESULTS.md");
    std::fs::write(&file, page::of(&all, &tried))?;
    say(&format!("wrote {}", file.display()));
    Ok(())
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn output(command: &mut Command) -> Result<String, Failure> {
    Ok(String::from_utf8(command.output()?.stdout)?.trim().to_owned())
}

/// What moves the figures of this machine.
fn machine() -> Result<String, Failure> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let unknown = || "unknown".to_owned();
    let processor = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown);
    let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_else(unknown);
    let cores = std::thread::available_parallelism()?;
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim().splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let rustc = output(Command::new("rustc").arg("--version"))?;
    Ok(format!("{processor}, {cores} cores, {memory}, Linux {kernel}, {rustc}"))
}

/// The value after a name and a colon.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_the_value_of_its_first_line() {
        let info = "processor\t: 0\nmodel name\t: A Processor 2.0\nmodel name\t: Another\n";
        assert_eq!(field(info, "model name").as_deref(), Some("A Processor 2.0"));
        assert_eq!(field(info, "bogomips"), None);
    }
}
