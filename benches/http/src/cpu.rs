//! What another process has used so far.

use std::process::Command;

use crate::Failure;

/// Seconds of CPU, user and system, of all threads: Linux counts hundredths, and so does `ps` elsewhere.
pub(crate) fn seconds(process: u32) -> Result<f64, Failure> {
    let found = if let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) {
        of_stat(&stat)
    } else {
        let output = Command::new("ps").args(["-o", "time=", "-p", &process.to_string()]).output()?;
        of_ps(&String::from_utf8_lossy(&output.stdout))
    };
    found.ok_or_else(|| format!("what process {process} has used is not to be had").into())
}

/// In `/proc/PID/stat` the name, in parentheses, may contain anything; user and system time are the 14th and 15th field.
fn of_stat(stat: &str) -> Option<f64> {
    let mut ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = ticks.next()?.parse().ok()?;
    let system: f64 = ticks.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

/// `[hours:]minutes:seconds`, the last with hundredths.
fn of_ps(time: &str) -> Option<f64> {
    time.trim().split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_found_behind_any_name() {
        let stat = "4242 (a ) (b 1 2) S 1 4242 4242 0 -1 4194560 917 0 0 0 150 75 7 9 20 0 3 0 812 1 1 1 1 1";
        assert_eq!(of_stat(stat), Some(2.25));
        assert_eq!(of_stat("4242 (a) S 1"), None);
    }

    #[test]
    fn what_ps_prints_is_minutes_and_seconds() {
        assert_eq!(of_ps("  1:02.50\n"), Some(62.5));
        assert_eq!(of_ps("1:00:01.00"), Some(3601.0));
        assert_eq!(of_ps(""), None);
    }

    #[test]
    fn this_process_has_used_some_time_or_none_but_no_less() {
        assert!(seconds(std::process::id()).unwrap() >= 0.0);
    }
}
