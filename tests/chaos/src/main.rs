//! Checks the history of four processes that share sessions while servers and processes fail.
//!
//! The parent starts private servers, or chooses a file for SQLite, and four processes with a store
//! each; on PostgreSQL and Redis two of them have a near cache. The clients of all processes change
//! the same sessions: they count, read, sign in and out and renew keys, and operators revoke.
//! Meanwhile the servers and the processes are killed, stopped or replaced, and connections are
//! reset or drop what is sent. Every operation is logged with its start, its end and its outcome:
//! done, refused, or unknown.
//!
//! Then the [checker](check) judges the history of each session:
//! - Acknowledged increments are there, unknown ones at most once, and refused ones not at all.
//! - A read shows what was acknowledged before it began, through a near cache within its
//!   `max_staleness`, and while a server is replaced within two seconds. What it shows stays,
//!   unless the outcome is unknown and another server took over: that is counted, and breaks
//!   nothing.
//! - After an acknowledged sign-out or revocation no key opens the session, and a key that was
//!   replaced opens nothing. No session is over that nothing has ended.
//! - At the end no principal has more sessions than the limit, and all of them are listed.
//!
//! ```text
//! cloakroom-chaos [--store NAME] [--faults N] [--seed N] [--json]
//! ```
//!
//! The seed repeats the faults, not the order in which processes come to run. Exit code 0: nothing
//! was broken. 1: something was. 2: invalid arguments.

mod act;
mod check;
mod child;
mod cluster;
mod deployment;
mod fault;
mod history;
mod hub;
mod last_look;
mod node;
mod options;
mod random;
mod report;
mod run;
mod slots;
mod store;
mod tally;
mod time;

use std::io::{self, Write as _};
use std::process::ExitCode;

use child::NODE;
use node::Settings;
use options::{Options, USAGE};

/// What stops the program; a law that is broken does not.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.split_first() {
        Some((first, rest)) if first == NODE => Settings::of_words(rest)
            .ok_or_else(|| "a process is started by its parent".into())
            .and_then(node::serve)
            .map(|()| true),
        _ => {
            let Some(options) = Options::parse(&words) else {
                say(USAGE);
                return ExitCode::from(2);
            };
            run::run(&options)
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Shows progress.
fn say(line: &str) {
    // Progress that cannot be shown is no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}
