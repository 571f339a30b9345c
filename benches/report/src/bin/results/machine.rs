//! Where something was measured.

use std::fmt;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Failure;

/// A machine, by what moves its figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
}

impl Machine {
    /// This one, as `/proc` tells.
    pub(crate) fn this() -> Result<Self, Failure> {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let rustc = Command::new("rustc").arg("--version").output()?;
        Ok(Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism()?.get(),
            memory: field(&read("/proc/meminfo"), "MemTotal")
                .map_or_else(|| "unknown".into(), |text| gigabytes(&text)),
            kernel: format!("{} {}", std::env::consts::OS, release(&read("/proc/sys/kernel/osrelease"))),
            rustc: String::from_utf8_lossy(&rustc.stdout).trim().into(),
        })
    }
}

/// Major and minor: what a distribution or a host appends says nothing of speed.
fn release(kernel: &str) -> String {
    kernel.trim().splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory, kernel, rustc } = self;
        write!(f, "{processor}, {cores} cores, {memory}, {kernel}, {rustc}")
    }
}

/// What follows a name and a colon.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// `24638312 kB` in gigabytes.
fn gigabytes(text: &str) -> String {
    let kilobytes: u64 = text.trim_end_matches(" kB").parse().unwrap_or_default();
    format!("{} GB", (kilobytes * 1024).div_ceil(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_known_by_its_first_two_numbers() {
        assert_eq!(release("6.1.0-9-amd64\n"), "6.1");
        assert_eq!(release(""), "");
    }

    #[test]
    fn a_machine_is_read_from_what_the_system_tells() {
        let info = "processor\t: 0\nmodel name\t: A Processor 2.0\nflags\t: a b\nmodel name\t: Another\n";
        assert_eq!(field(info, "model name").as_deref(), Some("A Processor 2.0"));
        assert_eq!(field(info, "bogomips"), None);
        assert_eq!(gigabytes("24638312 kB"), "26 GB");
    }
}
