//! Debian's packages, downloaded and unpacked below `target/programs`.
//!
//! That needs no root, and changes nothing in the system.

use std::env::{self, consts::ARCH};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Program, agree, names, write_script};
use crate::shell::{self, Failure};

/// Downloads Debian's packages, with what they depend on, and unpacks them below `target/programs`.
pub(super) fn fetch(missing: &[&Program]) -> Result<(), Failure> {
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
    relink(&root, &root)?;
    fs::remove_dir_all(place.join("cache"))?;
    for program in missing {
        for (name, path) in program.commands {
            wrap(&root, path, name)?;
        }
        // What is installed is not downloaded again, and can be a part that does not fit.
        if !(program.is_found)() {
            for (name, _) in program.commands {
                fs::remove_file(place.join("bin").join(name))?;
            }
        }
    }
    Ok(())
}

/// Makes the absolute links below `place` lead to what was unpacked with them, not to the system.
fn relink(root: &Path, place: &Path) -> Result<(), Failure> {
    for entry in entries(place) {
        if let Ok(target) = fs::read_link(&entry) {
            let unpacked = target.strip_prefix("/").map(|path| root.join(path));
            if let Some(unpacked) = unpacked.ok().filter(|unpacked| unpacked.exists()) {
                fs::remove_file(&entry)?;
                symlink(unpacked, &entry)?;
            }
        } else if entry.is_dir() {
            relink(root, &entry)?;
        }
    }
    Ok(())
}

/// Writes a script that starts a program, unpacked or of the system, with the libraries that were
/// unpacked.
fn wrap(root: &Path, path: &str, name: &str) -> Result<(), Failure> {
    let below = |place: &Path| {
        path.split('/').fold(place.to_owned(), |place, part| match part {
            "*" => entries(&place).pop().unwrap_or_default(),
            part => place.join(part),
        })
    };
    let program = Some(below(root)).filter(|program| program.exists());
    let program = program.unwrap_or_else(|| below(Path::new("/")));
    let system = root.join(format!("usr/lib/{ARCH}-linux-gnu"));
    let mut libraries = vec![system.clone(), root.join(format!("lib/{ARCH}-linux-gnu"))];
    libraries.extend(entries(&system).into_iter().filter(|entry| entry.is_dir()));
    let libraries = env::join_paths(libraries).unwrap_or_default();
    let text = format!(
        "export LD_LIBRARY_PATH='{}' VALGRIND_LIB='{}'\n\
         export PYTHONPATH=\"${{PYTHONPATH:+$PYTHONPATH:}}\"'{}'\nexec '{}' \"$@\"",
        libraries.to_string_lossy(),
        root.join("usr/libexec/valgrind").display(),
        root.join("usr/lib/python3/dist-packages").display(),
        program.display()
    );
    write_script(name, &text)
}

/// What is in a directory, in order; nothing if there is no such directory.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    entries
}
