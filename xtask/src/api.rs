//! `cargo xtask api`: the crates whose types are part of public interfaces.
//!
//! A foreign type in a signature ties our releases to another crate's. Each product lists the
//! crates it means to show in its manifest, in the form that cargo-check-external-types reads. That
//! tool needs one certain nightly compiler, so its question is answered here from the JSON that
//! rustdoc writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::shell::{self, Failure};
use crate::workspace::{self, Package};

const STANDARD: [&str; 3] = ["std", "core", "alloc"];

pub(crate) fn run() -> Result<(), Failure> {
    let mut libraries = workspace::products()?;
    libraries.retain(Package::is_library);
    // One command for all, so that what they depend on is built once.
    let mut command = shell::cargo(["doc", "--quiet", "--locked", "--no-deps", "--all-features"]);
    command.args(libraries.iter().flat_map(|package| ["-p", &package.name]));
    let json = "--cap-lints allow -Z unstable-options --output-format json";
    command.env("RUSTDOCFLAGS", json).env("CARGO_TARGET_DIR", shell::target("api"));
    // The stable compiler accepts the options with this variable.
    shell::run(command.env("RUSTC_BOOTSTRAP", "1"))?;

    let mut wrong = String::new();
    for package in libraries {
        let name = &package.name;
        let allowed = &package.metadata["cargo_check_external_types"]["allowed_external_types"];
        let allowed = allowed.as_array().into_iter().flatten().filter_map(Value::as_str);
        let allowed = allowed.map(|path| path.trim_end_matches("::*"));
        let allowed: BTreeSet<_> = allowed.filter(|krate| !is_ours(krate)).collect();
        let shown = foreign(name)?;
        for (krate, items) in shown.iter().filter(|(krate, _)| !allowed.contains(krate.as_str())) {
            let _ = write!(wrong, "\n  {name} shows `{krate}` in {items:?}");
        }
        // An entry without effect could hide that the format of the JSON has changed.
        for krate in allowed.into_iter().filter(|krate| !shown.contains_key(*krate)) {
            let _ = write!(wrong, "\n  {name} allows `{krate}`, and shows nothing of it");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("types of other crates:{wrong}").into()) }
}

/// True for the standard library and our own crates.
fn is_ours(krate: &str) -> bool {
    STANDARD.contains(&krate) || krate.starts_with("cloakroom")
}

/// The foreign crates in a package's public interface, and the items that show them.
fn foreign(package: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let file = shell::target("api/doc").join(package.replace('-', "_")).with_extension("json");
    let docs: Value = serde_json::from_slice(&fs::read(&file)?)
        .map_err(|error| format!("`{}`: {error}", file.display()))?;
    let mut found = BTreeMap::new();
    for item in docs["index"].as_object().into_iter().flat_map(|items| items.values()) {
        let implementation = &item["inner"]["impl"];
        let is_automatic =
            implementation["is_synthetic"] == true || implementation["blanket_impl"].is_object();
        if item["crate_id"] == 0 && !is_automatic {
            let name = item["name"].as_str().or(item["span"]["filename"].as_str());
            search(&item["inner"], &docs, name.unwrap_or("?"), &mut found);
        }
    }
    Ok(found)
}

/// Notes each type and trait of another crate that is named in this part of an item.
fn search(part: &Value, docs: &Value, item: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match part {
        Value::Object(fields) => {
            let is_named = fields.contains_key("path") || fields.contains_key("source");
            if let (Some(id), true) = (fields.get("id").and_then(Value::as_u64), is_named) {
                let path = &docs["paths"][id.to_string()];
                let krate = &docs["external_crates"][path["crate_id"].to_string()]["name"];
                let mut parts = path["path"].as_array().into_iter().flatten();
                let is_hidden = parts.any(|part| part == "__private");
                if let Some(krate) = krate.as_str().filter(|krate| !is_ours(krate) && !is_hidden) {
                    found.entry(krate.to_owned()).or_default().insert(item.to_owned());
                }
            }
            fields.values().for_each(|field| search(field, docs, item, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| search(part, docs, item, found)),
        _ => {}
    }
}
