//! `cargo xtask api`: no type of another crate is part of a public interface by accident.
//!
//! A foreign type in a signature ties our releases to somebody else's. rustdoc says, as JSON, what stands in the public items of a
//! crate; every crate that is named there must be one that we meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::shell::{self, Failure};

/// What the interface of each crate is meant to be made of, beside the standard library and our own crates.
const MEANT: [(&str, &[&str]); 8] = [
    (
        "cloakroom",
        &[
            "http",
            "serde_core",
            // Networks of trusted proxies.
            "ipnet",
            "tower_layer",
            "tower_service",
            "axum_core",
            // What actix-web shows of its own parts.
            "actix_web",
            "actix_http",
            "actix_service",
        ],
    ),
    ("cloakroom-sqlite", &[]),
    ("cloakroom-postgres", &[]),
    ("cloakroom-redis", &[]),
    ("cloakroom-stores", &[]),
    ("cloakroom-testkit", &["http", "serde_core"]),
    // The traits of those whose stores they are.
    (
        "cloakroom-tower-sessions",
        &["http", "serde_json", "tower_layer", "tower_service", "tower_sessions_core"],
    ),
    ("cloakroom-actix-session", &["actix_session", "anyhow", "time"]),
];

const STANDARD: [&str; 3] = ["std", "core", "alloc"];

pub(crate) fn run() -> Result<(), Failure> {
    let mut leaks = String::new();
    for (name, meant) in MEANT {
        let shown = foreign(name)?;
        // What is not found any more, if only because the format has changed, must not be on the list.
        if let Some(stale) = meant.iter().find(|meant| !shown.contains_key(**meant)) {
            return Err(Failure::Step(format!("{name} shows nothing of `{stale}`, which is on the list")));
        }
        for (foreign, items) in shown {
            let ours = foreign.starts_with("cloakroom");
            if !ours && !meant.contains(&foreign.as_str()) {
                leaks.extend(["\n  ", name, " shows `", &foreign, "` in ", &list(&items)]);
            }
        }
    }
    if leaks.is_empty() { Ok(()) } else { Err(Failure::Step(format!("types of other crates:{leaks}"))) }
}

/// The foreign crates in a crate's public interface, and where.
fn foreign(name: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut command = shell::cargo(["rustdoc", "--quiet", "--locked", "-p", name, "--lib", "--all-features"]);
    command.args(["--", "-Z", "unstable-options", "--output-format", "json"]);
    // The format is no part of the stable compiler yet; what is read of it here has not changed in years.
    let target = shell::root().join("target/api");
    shell::run(command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &target))?;
    let file = target.join("doc").join(format!("{}.json", name.replace('-', "_")));
    let text = std::fs::read(&file).map_err(|error| Failure::Step(format!("{}: {error}", file.display())))?;
    let docs: Value = serde_json::from_slice(&text).map_err(|error| Failure::Step(error.to_string()))?;
    let mut found = BTreeMap::new();
    let items = docs["index"].as_object().into_iter().flatten();
    for (_, item) in items.filter(|(_, item)| item["crate_id"] == 0 && !is_written_by_the_compiler(item)) {
        let shown = item["name"].as_str().or(item["span"]["filename"].as_str()).unwrap_or("?");
        look(&item["inner"], &docs, shown, &mut found);
    }
    Ok(found)
}

/// `Send` and `Sync`, and what others implement for every type.
fn is_written_by_the_compiler(item: &Value) -> bool {
    let implementation = &item["inner"]["impl"];
    implementation["is_synthetic"] == true || implementation["blanket_impl"].is_object()
}

/// Notes each type and trait of another crate that is named anywhere below.
fn look(below: &Value, docs: &Value, shown: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match below {
        Value::Object(fields) => {
            // A type or trait that is used, or an item that is shown as if it were ours.
            let is_named = fields.contains_key("path") || fields.contains_key("source");
            if let (Some(id), true) = (fields.get("id").and_then(Value::as_u64), is_named) {
                let path = &docs["paths"][id.to_string()];
                let of = &docs["external_crates"][path["crate_id"].to_string()]["name"];
                let parts = path["path"].as_array().into_iter().flatten();
                let is_hidden = parts.clone().any(|part| part == "__private");
                if let Some(of) = of.as_str().filter(|of| !STANDARD.contains(of) && !is_hidden) {
                    found.entry(of.to_owned()).or_default().insert(shown.to_owned());
                }
            }
            fields.values().for_each(|field| look(field, docs, shown, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| look(part, docs, shown, found)),
        _ => {}
    }
}

fn list(items: &BTreeSet<String>) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}
