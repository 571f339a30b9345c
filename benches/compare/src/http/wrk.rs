//! wrk, which makes the load: its script, and its command.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use cloakroom_bench::Failure;
use http::HeaderValue;

/// What wrk does with the requests, and the line that it prints at the end.
const PROGRAM: &str = "\
local turn = 0
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(\"%d %d %d\\n\", summary.requests, summary.duration, failed))
end
";

/// A script that sends each of these `Cookie` headers in turn, or none if there are none.
///
/// The requests are made before the first is sent, so every case costs wrk the same.
pub(super) fn script(path: &str, port: u16, cookies: &[HeaderValue]) -> Result<String, Failure> {
    let head = format!("GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n");
    let line =
        |cookies: &HeaderValue| Ok(format!("\"{head}Cookie: {}\\r\\n\\r\\n\",", cookies.to_str()?));
    let mut lines = cookies.iter().map(line).collect::<Result<Vec<_>, Failure>>()?;
    if lines.is_empty() {
        lines.push(format!("\"{head}\\r\\n\","));
    }
    Ok(format!("local requests = {{\n{}\n}}\n{PROGRAM}", lines.join("\n")))
}

/// Requests, and requests a second. Fails if any response was not a success.
pub(super) fn run(script: &Path, port: u16, seconds: u32) -> Result<(f64, f64), Failure> {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c32", &format!("-d{seconds}s"), "-s"]);
    command.arg(script).arg(format!("http://127.0.0.1:{port}/"));
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| not_installed(&error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    figures(&text).ok_or_else(|| format!("wrk: some requests failed\n{text}").into())
}

fn not_installed(error: &io::Error) -> Failure {
    format!("`wrk` cannot be run (Debian: `apt-get install wrk`): {error}").into()
}

/// The figures of the last line: requests, microseconds, and failures.
fn figures(text: &str) -> Option<(f64, f64)> {
    let numbers = text.lines().last()?.split(' ').map(str::parse);
    match numbers.collect::<Result<Vec<f64>, _>>().ok()?.as_slice() {
        [requests, micros, 0.0] if *requests > 0.0 => Some((*requests, requests * 1e6 / micros)),
        _ => None,
    }
}

/// The version in the first line that wrk prints.
pub(super) fn version() -> Result<String, Failure> {
    let output = Command::new("wrk").arg("-v").output().map_err(|error| not_installed(&error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(1).unwrap_or("unknown");
    let version = version.rsplit('/').next().unwrap_or(version);
    Ok(version.split('-').next().unwrap_or(version).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_a_failure_does_not_count() {
        assert_eq!(figures("Requests/sec: 1\n100 2000000 0\n"), Some((100.0, 50.0)));
        for text in ["100 2000000 1\n", "0 2000000 0\n", "Requests/sec: 1\n", ""] {
            assert_eq!(figures(text), None);
        }
    }

    #[test]
    fn a_script_has_one_request_for_each_cookie_or_one_without() {
        let cookies = ["a=1", "a=2"].map(HeaderValue::from_static);
        let known = script("/read", 80, &cookies).unwrap();
        let head = "HTTP/1.1\\r\\nHost: 127.0.0.1:80\\r\\n";
        assert_eq!(known.matches(&format!("GET /read {head}Cookie: a=")).count(), 2);
        let bot = script("/ignore", 80, &[]).unwrap();
        assert!(bot.contains(&format!("GET /ignore {head}\\r\\n\"")), "{bot}");
    }
}
