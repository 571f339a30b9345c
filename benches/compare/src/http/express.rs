//! express and express-session, installed from npm next to their program.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cloakroom_bench::Failure;
use serde_json::Value;

/// The directory of the program, where its packages are installed once.
pub(super) fn install() -> Result<PathBuf, Failure> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("express");
    if !place.join("node_modules").exists() {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit"]);
        // The output is captured: stdout is for figures.
        let output = npm.current_dir(&place).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let status = output.map_err(|error| not_installed("npm", &error))?.status;
        if !status.success() {
            return Err(format!("npm ci: {status}").into());
        }
    }
    Ok(place)
}

/// The command that serves, with sessions or without; it prints its port.
pub(super) fn command(place: &Path, keeps_sessions: bool) -> Command {
    let mut node = Command::new("node");
    node.arg("server.js").args(keeps_sessions.then_some("sessions"));
    node.current_dir(place).env("NODE_ENV", "production");
    node
}

fn not_installed(program: &str, error: &io::Error) -> Failure {
    format!("`{program}` cannot be run (Debian: `apt-get install nodejs npm`): {error}").into()
}

/// The versions of the packages and of node.
pub(super) fn versions() -> Result<Vec<(String, String)>, Failure> {
    let lock: Value = serde_json::from_str(include_str!("../../express/package-lock.json"))?;
    let mut versions = Vec::new();
    for package in ["express", "express-session"] {
        let version = &lock["packages"][format!("node_modules/{package}")]["version"];
        let version = version.as_str().ok_or_else(|| format!("`{package}` is not locked"))?;
        versions.push((package.to_owned(), version.to_owned()));
    }
    let output = Command::new("node").arg("--version").output();
    let output = output.map_err(|error| not_installed("node", &error))?.stdout;
    let node = String::from_utf8_lossy(&output).trim().trim_start_matches('v').to_owned();
    versions.push(("node".into(), node));
    Ok(versions)
}
