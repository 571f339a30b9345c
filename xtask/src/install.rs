//! What tests need and this system's package manager has.

use std::process::Command;

use crate::shell;

/// A package manager and its commands. Of several ways the first that brings what is needed is enough.
pub(crate) type Way = (&'static str, &'static [&'static [&'static str]]);

/// Goes these ways until one of them has brought what is looked for.
pub(crate) fn until<T>(ways: &[Way], find: impl Fn() -> Option<T>) -> Option<T> {
    for (manager, commands) in ways {
        if !shell::works(Command::new(manager).arg("--version")) {
            continue;
        }
        let installed = commands.iter().try_for_each(|command| shell::run(&mut as_root(manager, command)));
        if let Some(found) = find() {
            return Some(found);
        }
        match installed {
            Err(failure) => eprintln!("  {failure}"),
            Ok(()) => eprintln!("  {manager} did not bring it"),
        }
    }
    None
}

/// Package managers of the system write where only root may; Homebrew refuses to be root.
fn as_root(manager: &str, command: &[&str]) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    let mut words: Vec<&str> = command.to_vec();
    if manager != "brew" && !is_root {
        words.insert(0, "sudo");
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
