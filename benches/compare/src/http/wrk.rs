//! wrk, which makes the load: its script, its command, and what it prints.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use cloakroom_bench::Failure;
use http::HeaderValue;

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
    let requests = lines.join("\n");
    Ok(format!(
        "local requests = {{\n{requests}\n}}\nlocal turn = 0\nfunction request()\n  \
         turn = turn % #requests + 1\n  return requests[turn]\nend\n"
    ))
}

/// Requests, and requests a second. Fails if any response was not a success.
pub(super) fn run(script: &Path, port: u16, seconds: u32) -> Result<(f64, f64), Failure> {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c32", &format!("-d{seconds}s"), "-s"]);
    command.arg(script).arg(format!("http://127.0.0.1:{port}/"));
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| not_installed(&error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("wrk: {}", output.status).into());
    }
    parse(&text).map_err(|wrong| format!("wrk: {wrong}\n{text}").into())
}

fn not_installed(error: &io::Error) -> Failure {
    format!("`wrk` cannot be run (Debian: `apt-get install wrk`): {error}").into()
}

fn parse(text: &str) -> Result<(f64, f64), &'static str> {
    if text.contains("Non-2xx") {
        return Err("some responses were errors");
    }
    if text.contains("Socket errors") {
        return Err("some connections failed");
    }
    let number = |word: &str| word.parse::<f64>().ok();
    let mut lines = text.lines();
    let requests = lines.find_map(|line| number(line.trim().split_once(" requests in ")?.0));
    let rate = text.lines().find_map(|line| number(line.strip_prefix("Requests/sec:")?.trim()));
    match (requests, rate) {
        (Some(requests), Some(rate)) if requests > 0.0 => Ok((requests, rate)),
        _ => Err("no figures"),
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

    const PRINTED: &str = "Running 2s test @ http://127.0.0.1:8000/\n  \
        1 threads and 32 connections\n    Latency   541.00us   96.00us\n  \
        115803 requests in 2.00s, 13.80MB read\n\
        Requests/sec:  57894.12\nTransfer/sec:   6.90MB\n";

    #[test]
    fn wrk_prints_its_figures_in_two_lines() {
        assert_eq!(parse(PRINTED), Ok((115_803.0, 57_894.12)));
    }

    #[test]
    fn a_run_with_a_failure_does_not_count() {
        assert!(parse(&format!("{PRINTED}  Non-2xx or 3xx responses: 3\n")).is_err());
        assert!(parse(&format!("{PRINTED}  Socket errors: connect 0, read 1\n")).is_err());
        assert!(parse("  0 requests in 2.00s, 0.00B read\nRequests/sec:      0.00\n").is_err());
        assert!(parse("").is_err());
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
