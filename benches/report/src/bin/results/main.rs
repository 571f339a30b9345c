//! Keeps what benches found in `benches/results`, and makes `benches/RESULTS.md` and its pictures of all that is kept there.
//!
//! ```text
//! cargo xtask bench NAME [arguments] --save     # runs a bench and keeps what it found
//! cargo xtask bench results                     # makes the page anew
//! ```

mod kept;
mod machine;
mod page;
mod picture;

use std::error::Error;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use cloakroom_bench_report::Report;

use crate::kept::Kept;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cloakroom-bench-results [keep COMMAND]   (a bench's JSON on standard input)";

/// What was tried and dropped, in words; written by hand.
const TRIED: &str = "TRIED.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let benches = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let outcome = match arguments.as_slice() {
        [] => render(benches),
        ["keep", command] => keep(benches, command).and_then(|()| render(benches)),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Keeps the report on standard input.
fn keep(benches: &Path, command: &str) -> Result<(), Failure> {
    let mut json = String::new();
    std::io::stdin().lock().read_to_string(&mut json)?;
    let report: Report =
        serde_json::from_str(&json).map_err(|error| format!("this is no report: {error}"))?;
    let kept = Kept::now(command, report)?;
    let file = kept.write(&benches.join("results"))?;
    say(&format!("kept: {}", file.display()));
    Ok(())
}

/// Makes the page and its pictures of all that is kept.
fn render(benches: &Path) -> Result<(), Failure> {
    let results = benches.join("results");
    let all = Kept::all(&results)?;
    for curve in all.iter().flat_map(|kept| &kept.report.curves) {
        let svg = picture::svg(curve).map_err(|why| format!("`{}` can't be drawn: {why}", curve.file))?;
        std::fs::write(results.join(&curve.file).with_extension("svg"), svg)?;
    }
    let tried = std::fs::read_to_string(results.join(TRIED)).unwrap_or_default();
    let page = benches.join("RESULTS.md");
    std::fs::write(&page, page::of(&all, &tried)?)?;
    say(&format!("made: {}", page.display()));
    Ok(())
}

/// Talk goes to stderr.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
fn say(line: &str) {
    eprintln!("{line}");
}
