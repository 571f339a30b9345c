//! What cargo and git know of this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde::Deserialize;
use serde_json::Value;

use crate::shell::{self, Failure};

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) rust_version: Option<String>,
    pub(crate) metadata: Value,
    /// The registries it may be published to: none at all if `publish = false`.
    publish: Option<Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

impl Package {
    /// True for what users build: everything that can be published.
    pub(crate) fn is_product(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    pub(crate) fn is_library(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }

    /// Where it is, relative to the root.
    pub(crate) fn place(&self) -> &Path {
        let place = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        place.strip_prefix(shell::root()).unwrap_or(place)
    }
}

/// All packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, Failure> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    let text = shell::output(&mut shell::cargo(args))?;
    let metadata: Metadata =
        serde_json::from_str(&text).map_err(|error| format!("`cargo metadata`: {error}"))?;
    Ok(metadata.packages)
}

/// The packages that users build.
pub(crate) fn products() -> Result<Vec<Package>, Failure> {
    Ok(packages()?.into_iter().filter(Package::is_product).collect())
}

/// Every file that is tracked, or would be, relative to the root.
pub(crate) fn files() -> Result<Vec<PathBuf>, Failure> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let list = shell::output(Command::new("git").args(args).current_dir(shell::root()))?;
    let files = list.split_terminator('\0').map(PathBuf::from);
    // A file that is deleted but not committed is still listed.
    Ok(files.filter(|file| shell::root().join(file).is_file()).collect())
}

/// An empty directory, whatever was there before.
pub(crate) fn create_empty(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(directory),
    }
}

/// Copies the workspace without its lock file and benches, so that the products' dependencies can
/// be resolved otherwise.
pub(crate) fn copy_unlocked(to: &Path) -> Result<(), Failure> {
    create_empty(to)?;
    for file in files()?.iter().filter(|file| *file != Path::new("Cargo.lock")) {
        let copy = to.join(file);
        fs::create_dir_all(copy.parent().unwrap_or(to))?;
        fs::copy(shell::root().join(file), copy)?;
    }
    let manifest = fs::read_to_string(to.join("Cargo.toml"))?;
    let is_members = |line: &&str| line.starts_with("members = ");
    let members =
        manifest.lines().find(is_members).ok_or("`Cargo.toml`: no `members` in one line")?;
    Ok(fs::write(to.join("Cargo.toml"), manifest.replace(members, "members = [\"crates/*\"]"))?)
}
