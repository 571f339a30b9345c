//! express and express-session as npm has them, installed beside this program and not into the repository.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;

const LOCK: &str = include_str!("../express/package-lock.json");

const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("../express/package.json")),
    ("server.js", include_str!("../express/server.js")),
    ("package-lock.json", LOCK),
];

/// The directory that has them, installed if they are not there.
pub(crate) fn install() -> Result<PathBuf, Failure> {
    let place = std::env::current_exe()?.with_file_name("express");
    // Written when all else is done.
    let done = place.join("installed");
    let is_there = fs::read_to_string(&done).is_ok_and(|lock| lock == LOCK);
    fs::create_dir_all(&place)?;
    for (name, text) in FILES {
        fs::write(place.join(name), text)?;
    }
    if !is_there {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]);
        // What npm prints is talk; stdout is for data.
        let output = npm.current_dir(&place).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let status = output.map_err(|error| format!("npm: {error}"))?.status;
        if !status.success() {
            return Err(format!("npm ci: {status}").into());
        }
        fs::write(done, LOCK)?;
    }
    Ok(place)
}

/// The version of a package in the lock file.
pub(crate) fn version(package: &str) -> Result<String, Failure> {
    let lock: Value = serde_json::from_str(LOCK)?;
    let version = &lock["packages"][format!("node_modules/{package}")]["version"];
    Ok(version.as_str().ok_or_else(|| format!("no {package} in the lock file"))?.to_owned())
}

/// The version of node.
pub(crate) fn node() -> Result<String, Failure> {
    let output = Command::new("node").arg("--version").output().map_err(|error| format!("node: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_tells_the_versions() {
        assert!(version("express").unwrap().starts_with("5."));
        assert!(version("express-session").unwrap().starts_with("1."));
        assert!(version("fastify").is_err());
    }
}
