//! wrk, which makes the load: its script, its command, and what it prints.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::case::Case;

/// How hard it asks, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    /// wrk knows no parts of a second.
    pub(crate) seconds: u32,
}

/// What it got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Got {
    pub(crate) requests: f64,
    pub(crate) a_second: f64,
}

/// The script that asks for `case` with each of these `Cookie` headers in turn, or without one if there is none.
///
/// The requests are made before the first is sent, and every case has them made like this, so that all cost wrk the same.
pub(crate) fn script(case: Case, port: u16, cookies: &[String]) -> String {
    let head = format!("GET {} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n", case.path());
    let mut lines: Vec<String> =
        cookies.iter().map(|cookies| format!("\"{head}Cookie: {cookies}\\r\\n\\r\\n\",")).collect();
    if lines.is_empty() {
        lines.push(format!("\"{head}\\r\\n\","));
    }
    let requests = lines.join("\n");
    format!(
        "local requests = {{\n{requests}\n}}\nlocal turn = 0\nfunction request()\n  turn = turn % #requests + 1\n  \
         return requests[turn]\nend\n"
    )
}

/// Runs it, and fails if any answer was not what was asked for.
pub(crate) fn run(script: &Path, port: u16, load: Load) -> Result<Got, Failure> {
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{}", load.connections), &format!("-d{}s", load.seconds), "-s"]);
    command.arg(script).arg(format!("http://127.0.0.1:{port}/"));
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("wrk: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("wrk: {}", output.status).into());
    }
    parse(&text).map_err(|wrong| format!("wrk: {wrong}\n{text}").into())
}

fn parse(text: &str) -> Result<Got, &'static str> {
    if text.contains("Non-2xx") {
        return Err("some answers were refusals");
    }
    if text.contains("Socket errors") {
        return Err("some connections broke");
    }
    let number = |word: &str| word.parse::<f64>().ok();
    let requests = text.lines().find_map(|line| number(line.trim().split_once(" requests in ")?.0));
    let a_second = text.lines().find_map(|line| number(line.strip_prefix("Requests/sec:")?.trim()));
    match (requests, a_second) {
        (Some(requests), Some(a_second)) if requests > 0.0 => Ok(Got { requests, a_second }),
        _ => Err("it did not say what it got"),
    }
}

/// Its version, from the first line it prints.
pub(crate) fn version() -> Result<String, Failure> {
    let output = Command::new("wrk").arg("-v").output().map_err(|error| format!("wrk: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(1).unwrap_or("unknown");
    let version = version.rsplit('/').next().unwrap_or(version);
    Ok(version.split('-').next().unwrap_or(version).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 2s test @ http://127.0.0.1:8000/\n  1 threads and 32 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   541.00us   96.00us   3.12ms   91.00%\n    \
        Req/Sec    58.21k     2.40k   61.00k    70.00%\n  115803 requests in 2.00s, 13.80MB read\n\
        Requests/sec:  57894.12\nTransfer/sec:      6.90MB\n";

    #[test]
    fn what_wrk_got_is_in_two_of_its_lines() {
        assert_eq!(parse(PRINTED), Ok(Got { requests: 115_803.0, a_second: 57_894.12 }));
    }

    #[test]
    fn a_run_in_which_anything_failed_does_not_count() {
        assert!(parse(&format!("{PRINTED}  Non-2xx or 3xx responses: 3\n")).is_err());
        assert!(
            parse(&format!("{PRINTED}  Socket errors: connect 0, read 1, write 0, timeout 0\n")).is_err()
        );
        assert!(parse("  0 requests in 2.00s, 0.00B read\nRequests/sec:      0.00\n").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn a_script_has_a_request_for_each_cookie_and_one_for_who_has_none() {
        let known = script(Case::Read, 80, &["a=1".into(), "a=2".into()]);
        assert_eq!(known.matches("GET /read HTTP/1.1\\r\\nHost: 127.0.0.1:80\\r\\nCookie: a=").count(), 2);
        let bot = script(Case::Bot, 80, &[]);
        assert!(bot.contains("GET /ignore HTTP/1.1\\r\\nHost: 127.0.0.1:80\\r\\n\\r\\n\""), "{bot}");
    }
}
