//! Running commands: each is announced, timed, and its failure is an error.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Why a step stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was checked does not hold.
    Step(String),
    /// It could not be checked: a tool is missing and can't be had.
    Missing(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Step(_) => 1,
            Self::Missing(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(what) | Self::Missing(what) => f.write_str(what),
        }
    }
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `cargo` in the workspace's root. Found on the path, so that `+toolchain` works where rustup is.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(args);
    command
}

/// Runs a command and says how long it took.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let started = now();
    run_last(command)?;
    eprintln!("  took {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a command and says nothing after it, so that its own last lines stay the last.
pub(crate) fn run_last(command: &mut Command) -> Result<(), Failure> {
    eprintln!("$ {}", describe(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(Failure::Step(format!("`{}`: {status}", describe(command)))) }
}

/// Runs a command for what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    eprintln!("$ {}", describe(command));
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::Step(format!("`{}`: {}", describe(command), output.status)))
    }
}

/// Runs a command that reads `text`.
pub(crate) fn feed(command: &mut Command, text: &str) -> Result<(), Failure> {
    eprintln!("$ {}", describe(command));
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| not_started(command, &error))?;
    // One that does not read to the end says why by how it exits.
    let _ = child.stdin.take().map(|mut input| input.write_all(text.as_bytes()));
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Step(format!("`{}`: {status}", describe(command)))),
        Err(error) => Err(not_started(command, &error)),
    }
}

/// True if the command can be run here; shows nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[expect(clippy::disallowed_methods, reason = "a chore's own duration; no decision hangs on it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::Missing(format!("cannot start `{}`: {error}", describe(command)))
}

/// The command as one would type it; the search path is ours and stays out.
fn describe(command: &Command) -> String {
    let settings = command.get_envs().filter(|(name, _)| *name != "PATH");
    settings
        .filter_map(|(name, value)| Some(format!("{}='{}'", name.display(), value?.display())))
        .chain([command.get_program().to_string_lossy().into_owned()])
        .chain(command.get_args().map(|arg| arg.to_string_lossy().into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}
