//! Programs that steps start: looked for first, and never installed without being asked for.
//!
//! Where apt-get is, a missing program is downloaded and unpacked below `target/programs`. Where
//! Homebrew is, it installs the program.

mod unpack;

use std::env;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::shell::{self, Failure};

/// True after `--yes`.
pub(crate) static YES: AtomicBool = AtomicBool::new(false);

/// A program, and where it comes from.
pub(crate) struct Program {
    name: &'static str,
    is_found: fn() -> bool,
    /// Debian's packages.
    debian: &'static [&'static str],
    /// What `brew install` is given; nothing if Homebrew does not have it.
    brew: &'static [&'static str],
    /// The commands that are needed, and where Debian's packages have them (`*` is any name).
    commands: &'static [(&'static str, &'static str)],
}

pub(crate) const REDIS: Program = Program {
    name: "Redis",
    // The second joins servers to a cluster.
    is_found: || shell::works("redis-server") && shell::works("redis-cli"),
    debian: &["redis-server"],
    brew: &["redis"],
    commands: &[("redis-server", "usr/bin/redis-server"), ("redis-cli", "usr/bin/redis-cli")],
};

pub(crate) const POSTGRES: Program = Program {
    name: "PostgreSQL",
    is_found: has_postgres,
    debian: &["postgresql"],
    brew: &["postgresql@17"],
    commands: &[
        ("initdb", "usr/lib/postgresql/*/bin/initdb"),
        ("postgres", "usr/lib/postgresql/*/bin/postgres"),
        ("pg_basebackup", "usr/lib/postgresql/*/bin/pg_basebackup"),
    ],
};

pub(crate) const PGBOUNCER: Program = Program {
    name: "PgBouncer",
    is_found: || shell::works("pgbouncer") || shell::works("/usr/sbin/pgbouncer"),
    debian: &["pgbouncer"],
    brew: &["pgbouncer"],
    commands: &[("pgbouncer", "usr/sbin/pgbouncer")],
};

pub(crate) const CHROMIUM: Program = Program {
    name: "Chromium with chromedriver",
    is_found: || browser().is_some() && driver().is_some(),
    debian: &["chromium", "chromium-driver"],
    brew: &["--cask", "chromium", "chromedriver"],
    commands: &[
        ("chromium", "usr/lib/chromium/chromium"),
        ("chromedriver", "usr/bin/chromedriver"),
    ],
};

pub(crate) const VALGRIND: Program = Program {
    name: "valgrind",
    is_found: || shell::works("valgrind"),
    debian: &["valgrind"],
    brew: &[],
    commands: &[("valgrind", "usr/bin/valgrind")],
};

pub(crate) const CURL: Program = Program {
    name: "curl",
    is_found: || shell::works("curl"),
    debian: &["curl"],
    brew: &["curl"],
    commands: &[("curl", "usr/bin/curl")],
};

pub(crate) const JAVA: Program = Program {
    name: "a Java Development Kit, 17 or newer",
    is_found: || ["java", "javac"].into_iter().all(|program| major(program) >= Some(17)),
    debian: &["default-jdk-headless"],
    brew: &["openjdk"],
    commands: &[
        ("java", "usr/lib/jvm/default-java/bin/java"),
        ("javac", "usr/lib/jvm/default-java/bin/javac"),
        ("keytool", "usr/lib/jvm/default-java/bin/keytool"),
    ],
};

pub(crate) const PYTHON: Program = Program {
    name: "Python with pip",
    is_found: has_pip,
    debian: &["python3", "python3-pip"],
    brew: &["python"],
    commands: &[("python3", "usr/bin/python3")],
};

/// Rust 1.85 as Debian has it, next to the compiler that is in use.
pub(crate) const OLD_RUST: Program = Program {
    name: "Rust 1.85",
    is_found: || shell::works("rustc-1.85") && shell::works("cargo-1.85"),
    debian: &["rustc-web=1.85*", "cargo-web=1.85*", "libstd-rust-web-dev=1.85*"],
    brew: &[],
    commands: &[("rustc-1.85", "usr/bin/rustc"), ("cargo-1.85", "usr/bin/cargo")],
};

/// Makes sure that all of these can be started.
///
/// # Errors
/// [`Failure::Missing`], which names the command to run, if one is missing and no one agreed to
/// have it fetched, or if it cannot be fetched.
pub(crate) fn provide(wanted: &[Program]) -> Result<(), Failure> {
    let is_missing = |program: &&Program| !(program.is_found)();
    let missing: Vec<&Program> = wanted.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if shell::works("apt-get") && shell::works("dpkg-deb") {
        unpack::fetch(&missing)?;
    } else if shell::works("brew") {
        let mut command = Command::new("brew");
        command.arg("install").args(missing.iter().flat_map(|program| program.brew));
        agree(&names(&missing), &command)?;
        shell::run(&mut command)?;
    }
    match missing.into_iter().find(is_missing) {
        None => Ok(()),
        Some(Program { name, .. }) => {
            Err(Failure::Missing(format!("{name} is missing and cannot be fetched: install it")))
        }
    }
}

/// Asks whether `command` may fetch what is missing. `--yes` and `CI=true` are an answer.
///
/// # Errors
/// [`Failure::Missing`] if the answer is no, or if there is no one to ask.
pub(crate) fn agree(what: &str, command: &Command) -> Result<(), Failure> {
    let command = shell::describe(command);
    let is_ci = env::var("CI").is_ok_and(|ci| ci == "true");
    if is_ci || YES.load(Ordering::Relaxed) {
        eprintln!("{what}: missing, fetching");
        return Ok(());
    }
    if io::stdin().is_terminal() {
        eprint!("{what}: missing. Fetch it below `target`? This runs\n  {command}\n[y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if answer.trim().eq_ignore_ascii_case("y") {
            return Ok(());
        }
    }
    Err(Failure::Missing(format!(
        "{what}: missing. Install it, or pass `--yes` to have it fetched below `target` by\n  {command}"
    )))
}

/// The browser to test with, and where it is if chromedriver would not find it.
pub(crate) fn browser() -> Option<PathBuf> {
    let unpacked = shell::target("programs/bin/chromium");
    let candidates = [
        unpacked.to_str()?,
        "chromium",
        "chromium-browser",
        "google-chrome",
        "/snap/bin/chromium",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    let named = env::var_os("CLOAKROOM_CHROMIUM").map(PathBuf::from);
    named.or_else(|| candidates.into_iter().find(|path| shell::works(path)).map(Into::into))
}

pub(crate) fn driver() -> Option<PathBuf> {
    let candidates = ["chromedriver", "/snap/bin/chromium.chromedriver"];
    let named = env::var_os("CLOAKROOM_CHROMEDRIVER").map(PathBuf::from);
    named.or_else(|| candidates.into_iter().find(|path| shell::works(path)).map(Into::into))
}

/// Node with npm, in a version that the clients' packages run on.
pub(crate) fn has_node() -> bool {
    major("node") >= Some(20) && shell::works("npm")
}

fn has_pip() -> bool {
    let arguments = ["-m", "pip", "--version"];
    shell::succeeds(Command::new("python3").args(arguments).env("PATH", shell::path()))
}

/// The first number in what `program --version` prints.
fn major(program: &str) -> Option<u32> {
    let output = Command::new(program).arg("--version").env("PATH", shell::path()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Looks where the testkit looks.
fn has_postgres() -> bool {
    let is_in = |place: &Path| place.join("initdb").exists() && place.join("postgres").exists();
    let roots = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    let installed =
        roots.into_iter().filter_map(|root| fs::read_dir(root).ok()).flatten().flatten();
    env::split_paths(&shell::path()).any(|place| is_in(&place))
        || installed.map(|entry| entry.path().join("bin")).any(|place| is_in(&place))
}

fn names(programs: &[&Program]) -> String {
    programs.iter().map(|program| program.name).collect::<Vec<_>>().join(", ")
}

/// Writes a script where [`shell::path`] finds it by its name.
pub(crate) fn write_script(name: &str, text: &str) -> Result<(), Failure> {
    let directory = shell::target("programs/bin");
    fs::create_dir_all(&directory)?;
    let script = directory.join(name);
    fs::write(&script, format!("#!/bin/sh\n{text}\n"))?;
    Ok(fs::set_permissions(script, fs::Permissions::from_mode(0o755))?)
}
