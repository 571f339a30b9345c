//! A backup that is brought back while the demo runs.

use std::fs;
use std::path::Path;
use std::process::Output;

use cloakroom_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::server::{Server, command, store_url};

fn restore(backup: &Path, store: &str, more: &[&str]) -> Output {
    let backup = backup.to_str().expect("UTF-8");
    let arguments = [&["restore", backup, "--store", store], more].concat();
    command(&arguments).output().expect("the command runs")
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("UTF-8")
}

#[test]
fn a_backup_is_restored_under_a_running_server_only_when_confirmed() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (file, backup) = (directory.path().join("demo.db"), directory.path().join("backup.db"));
    let server = Server::start_on(&file);
    let mut alice = server.browser();
    assert_eq!(alice.sign_in("alice", "wonderland").status(), 200);
    server.kill();
    // Opened and closed, the file has no log.
    drop(SqliteStore::open(&file).expect("it opens"));
    fs::copy(&file, &backup).expect("a copy");
    let server = Server::start_on(&file);
    let (mut alice, mut bob) = (alice.at(server.url()), server.browser());
    let copy = alice.clone();
    assert_eq!(alice.post("/api/logout").status(), 200);
    assert_eq!(bob.sign_in("bob", "builder").status(), 200);

    let store = store_url(&file);
    let refused = restore(&backup, &store, &[]);
    assert_eq!(refused.status.code(), Some(2));
    let message = text(&refused.stderr);
    assert!(message.contains("--yes") && message.contains("live again"), "{message}");
    assert_eq!(bob.session()["principal"], json!("bob"));

    let restored = restore(&backup, &store, &["--yes", "--json"]);
    let message = text(&restored.stderr);
    assert!(restored.status.success(), "{message}");
    let report: Value = serde_json::from_slice(&restored.stdout).expect("JSON");
    assert_eq!(report["sessions"], json!(1));
    let revoke = format!("cloakroom revoke --store '{store}' --all --yes");
    assert!(message.contains(&revoke), "{message}");
    let mut alice = copy;
    assert_eq!(alice.session()["principal"], json!("alice"), "it was live in the backup");
    assert_eq!(bob.session()["principal"], json!(null), "it began after the backup");

    let revoked = command(&["revoke", "--store", &store, "--all", "--yes"]).output();
    assert!(revoked.expect("the command runs").status.success());
    assert_eq!(alice.session()["principal"], json!(null));
    let check = command(&["check", "--store", &store]).output().expect("the command runs");
    assert!(check.status.success(), "{}", text(&check.stdout));
}

#[test]
fn what_cannot_be_restored_is_refused_by_what_it_is() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (file, backup) = (directory.path().join("demo.db"), directory.path().join("backup.db"));
    for path in [&file, &backup] {
        drop(SqliteStore::open(path).expect("it opens"));
    }
    let (store, missing) = (store_url(&file), directory.path().join("missing.db"));
    for (backup, store, code, expected) in [
        (&file, &*store, 2, "the store's own file"),
        (&backup, "postgres://h/d", 2, "the server's own tools"),
        (&backup, "memory:", 2, "is not a file"),
        (&backup, &format!("{store}?mode=ro"), 2, "mode=ro"),
        (&missing, &store, 1, "missing.db"),
    ] {
        let refused = restore(backup, store, &["--yes"]);
        let message = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{message}");
        assert!(refused.stdout.is_empty() && message.contains(expected), "{message}");
    }
}

/// The demo says what happened to its file, and does not sign anyone out.
#[cfg(unix)]
#[test]
fn a_demo_whose_file_was_replaced_is_an_outage() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (file, other) = (directory.path().join("demo.db"), directory.path().join("other.db"));
    drop(SqliteStore::open(&other).expect("it opens"));
    let server = Server::start_on(&file);
    let mut alice = server.browser();
    assert_eq!(alice.sign_in("alice", "wonderland").status(), 200);
    fs::rename(&other, &file).expect("renamed");
    for answer in [alice.get("/api/session"), alice.post("/api/visit"), alice.get("/healthz")] {
        assert_eq!((answer.status(), answer.set_cookie()), (503, None), "{}", answer.body);
    }
}
