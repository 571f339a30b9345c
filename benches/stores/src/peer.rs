//! The peer is another workspace, since a lock file holds one build of SQLite only.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::drive::Failure;

/// Builds the peer under cargo's target directory; its program.
pub(crate) fn build(target: &Path) -> Result<PathBuf, Failure> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("sqlx/Cargo.toml");
    let target = target.join("peers");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err(format!("the peer can't be built: {status}").into());
    }
    let name = format!("cloakroom-bench-sqlx{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(name))
}
