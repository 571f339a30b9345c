//! Programs that steps start: looked for first, and never installed without being asked for.
//!
//! Where apt-get is, a missing program is downloaded and unpacked below `target/programs`. That
//! needs no root and changes nothing of the system. Where Homebrew is, it installs the program.

use std::env::{self, consts::ARCH};
use std::ffi::OsStr;
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
    is_found: || shell::works("redis-server"),
    debian: &["redis-server"],
    brew: &["redis"],
    commands: &[("redis-server", "usr/bin/redis-server")],
};

pub(crate) const POSTGRES: Program = Program {
    name: "PostgreSQL",
    is_found: has_postgres,
    debian: &["postgresql"],
    brew: &["postgresql@17"],
    commands: &[
        ("initdb", "usr/lib/postgresql/*/bin/initdb"),
        ("postgres", "usr/lib/postgresql/*/bin/postgres"),
    ],
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
        unpack(&missing)?;
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
        eprintln!("{what}: missing, so it is fetched");
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

/// Downloads Debian's packages, with what they depend on, and unpacks them below `target/programs`.
fn unpack(missing: &[&Program]) -> Result<(), Failure> {
    let place = shell::target("programs");
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(args).args(["-q", "-o", "Debug::NoLocking=1"]);
        for (setting, path) in [("Dir::State", "state"), ("Dir::Cache", "cache")] {
            command.args(["-o", &format!("{setting}={}", place.join(path).display())]);
        }
        command.args(["-o", "Dir::State::status=/var/lib/dpkg/status"]);
        command
    };
    let mut install = apt(&["install", "-y", "--download-only", "--no-install-recommends"]);
    install.args(missing.iter().flat_map(|program| program.debian));
    agree(&names(missing), &install)?;
    for directory in ["state/lists/partial", "cache/archives/partial", "root", "bin"] {
        fs::create_dir_all(place.join(directory))?;
    }
    shell::run(&mut apt(&["update"]))?;
    shell::run(&mut install)?;
    let root = place.join("root");
    for package in entries(&place.join("cache/archives")) {
        if package.extension() == Some(OsStr::new("deb")) {
            shell::run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&root))?;
        }
    }
    fs::remove_dir_all(place.join("cache"))?;
    for (name, path) in missing.iter().flat_map(|program| program.commands) {
        wrap(&root, path, &place.join("bin").join(name))?;
    }
    Ok(())
}

/// Writes a script that starts an unpacked program with the libraries unpacked with it.
fn wrap(root: &Path, path: &str, script: &Path) -> Result<(), Failure> {
    let program = path.split('/').fold(root.to_owned(), |place, part| match part {
        "*" => entries(&place).pop().unwrap_or_default(),
        part => place.join(part),
    });
    let system = root.join(format!("usr/lib/{ARCH}-linux-gnu"));
    let mut libraries = vec![system.clone(), root.join(format!("lib/{ARCH}-linux-gnu"))];
    libraries.extend(entries(&system).into_iter().filter(|entry| entry.is_dir()));
    let libraries = env::join_paths(libraries).unwrap_or_default();
    let text = format!(
        "#!/bin/sh\nexport LD_LIBRARY_PATH='{}' VALGRIND_LIB='{}'\nexec '{}' \"$@\"\n",
        libraries.to_string_lossy(),
        root.join("usr/libexec/valgrind").display(),
        program.display()
    );
    fs::write(script, text)?;
    Ok(fs::set_permissions(script, fs::Permissions::from_mode(0o755))?)
}

/// What is in a directory, in order; nothing if there is no such directory.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    entries
}
