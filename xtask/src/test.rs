//! `cargo xtask test`: all tests of the workspace, with all that they need.
//!
//! Tests start what they need themselves, on free ports and in directories of their own, and end it. This step sees to it
//! that it can be started: the browser and the servers are looked for, and installed if they are not there.

use crate::browser::Browser;
use crate::servers;
use crate::shell::{self, Failure};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leaves out the examples in the documentation
    #[arg(long)]
    quick: bool,
}

/// Everything.
pub(crate) const ALL: Args = Args { quick: false };

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut command = shell::cargo(["test", "--workspace", "--all-features", "--locked"]);
    if args.quick {
        command.args(["--lib", "--bins", "--tests"]);
    }
    Browser::get()?.tell(&mut command);
    servers::get()?;
    shell::run_last(&mut command)
}

/// Where the pictures of the demo's pages are kept.
const PICTURES: &str = "docs/screenshots";

/// Takes the pictures anew, in the browser that tests drive.
pub(crate) fn screenshots() -> Result<(), Failure> {
    let place = shell::root().join(PICTURES);
    let mut command = shell::cargo(["test", "--locked", "-p", "cloakroom-cli", "--test", "it"]);
    command.args(["--", "chromium::screenshots"]).env("CLOAKROOM_SCREENSHOTS", &place);
    Browser::get()?.tell(&mut command);
    std::fs::create_dir_all(&place).map_err(|error| Failure::Step(format!("`{PICTURES}`: {error}")))?;
    shell::run(&mut command)?;
    eprintln!("the pictures are in {PICTURES}");
    Ok(())
}
