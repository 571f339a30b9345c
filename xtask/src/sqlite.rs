//! SQLite next to others: an application can link one SQLite only, so that `cloakroom-sqlite` has
//! to work with the one that its other crates need.

use std::fs;

use crate::shell::{self, Failure};
use crate::workspace;

/// Crates that applications use next to `cloakroom-sqlite`; its documentation lists them.
const NEIGHBORS: [(&str, &str); 8] = [
    ("nothing", ""),
    ("sqlx 0.8", "sqlx = { version = \"0.8\", features = [\"sqlite\"] }"),
    ("sqlx 0.9", "sqlx = { version = \"0.9\", features = [\"sqlite\"] }"),
    ("diesel 2", "diesel = { version = \"2\", features = [\"sqlite\"] }"),
    ("sea-orm 1", "sea-orm = { version = \"1\", features = [\"sqlx-sqlite\"] }"),
    ("sea-orm 2", "sea-orm = { version = \"2\", features = [\"sqlx-sqlite\"] }"),
    ("rusqlite 0.32", "rusqlite = \"0.32\""),
    ("rusqlite 0.43", "rusqlite = \"0.43\""),
];

/// Resolves an application with each of the neighbors, as cargo does for a user.
pub(crate) fn neighbors() -> Result<(), Failure> {
    let refused: Vec<&str> = NEIGHBORS
        .iter()
        .filter_map(|(name, dependency)| match resolve(name, dependency) {
            Ok(versions) => {
                println!("{name}: {versions}");
                None
            }
            Err(failure) => {
                eprintln!("{name}: {failure}");
                Some(*name)
            }
        })
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(format!("cargo refuses `cloakroom-sqlite` next to {}", refused.join(", ")).into())
}

/// The versions of SQLite's crates that an application gets with this dependency.
fn resolve(name: &str, dependency: &str) -> Result<String, Failure> {
    let place = shell::target("neighbors").join(name.replace(' ', "-"));
    workspace::create_empty(&place)?;
    fs::create_dir(place.join("src"))?;
    fs::write(place.join("src/lib.rs"), "")?;
    let product = shell::root().join("crates/cloakroom-sqlite");
    let manifest = format!(
        "[package]\nname = \"application\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\ncloakroom-sqlite = {{ path = '{}' }}\n{dependency}\n",
        product.display()
    );
    fs::write(place.join("Cargo.toml"), manifest)?;
    let args = ["generate-lockfile", "--quiet"];
    shell::run(shell::cargo(args).current_dir(&place))?;
    let lock = fs::read_to_string(place.join("Cargo.lock"))?;
    let versions = ["rusqlite", "libsqlite3-sys"].map(|package| match version(&lock, package) {
        Some(version) => format!("{package} {version}"),
        None => format!("no {package}"),
    });
    Ok(versions.join(", "))
}

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(entry.split_once('"')?.0)
}

/// The tests of `cloakroom-sqlite` with the oldest SQLite that it permits. The workspace's own lock
/// file has the newest.
pub(crate) fn test_oldest() -> Result<(), Failure> {
    let args = ["test", "--locked", "--manifest-path", "tests/oldest-sqlite/Cargo.toml"];
    shell::run(shell::cargo(args).arg("--target-dir").arg(shell::target("oldest-sqlite")))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_found_by_the_whole_name_of_its_package() {
        let lock = "name = \"rusqlite\"\nversion = \"0.3.1\"\n\n\
                    name = \"sqlite\"\nversion = \"7.0.0\"\n";
        assert_eq!(version(lock, "sqlite"), Some("7.0.0"));
        assert_eq!(version(lock, "qlite"), None);
    }
}
