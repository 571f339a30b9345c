//! Running commands: each is printed first, and its failure is an error.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fmt, io};

/// Why a step stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was checked does not hold.
    Check(String),
    /// The check could not run: a program is missing.
    Missing(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Check(_) => 1,
            Self::Missing(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(what) | Self::Missing(what) => f.write_str(what),
        }
    }
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::Check(what)
    }
}

impl From<&str> for Failure {
    fn from(what: &str) -> Self {
        Self::Check(what.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Check(error.to_string())
    }
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A path below the directory for build results.
pub(crate) fn target(path: &str) -> PathBuf {
    root().join("target").join(path)
}

/// `cargo` in the workspace's root, found on the path so that `+toolchain` works under rustup.
///
/// The subcommands and the servers that xtask has put below `target` are on its path.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(args).env("PATH", path());
    command
}

/// The search path, with what xtask has put below `target` first.
pub(crate) fn path() -> std::ffi::OsString {
    let system = env::var_os("PATH").unwrap_or_default();
    let ours = [target("programs/bin"), target("tools/bin")];
    // Homebrew keeps its Java off the path, and the `java` of macOS only says that there is none.
    let java = ["/opt/homebrew/opt/openjdk/bin", "/usr/local/opt/openjdk/bin"].map(PathBuf::from);
    let all = ours.into_iter().chain(java).chain(env::split_paths(&system));
    env::join_paths(all).unwrap_or(system)
}

/// Runs a command that shows what it does.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    eprintln!("$ {}", describe(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(failed(command, status)) }
}

/// Runs a command for what it prints to stdout.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(command, output.status))
    }
}

/// True if `program --version` succeeds.
pub(crate) fn works(program: &str) -> bool {
    succeeds(Command::new(program).arg("--version").env("PATH", path()))
}

/// True if the command succeeds. It prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[expect(clippy::disallowed_methods, reason = "the duration of a step; nothing depends on it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn failed(command: &Command, status: std::process::ExitStatus) -> Failure {
    Failure::Check(format!("`{}`: {status}", describe(command)))
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    Failure::Missing(format!("cannot start `{}`: {error}", describe(command)))
}

/// The command as one would type it, without the search path.
pub(crate) fn describe(command: &Command) -> String {
    let settings = command.get_envs().filter(|(name, _)| *name != "PATH");
    settings
        .filter_map(|(name, value)| {
            Some(format!("{}='{}'", name.to_string_lossy(), value?.to_string_lossy()))
        })
        .chain([command.get_program().to_string_lossy().into_owned()])
        .chain(command.get_args().map(|arg| arg.to_string_lossy().into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}
