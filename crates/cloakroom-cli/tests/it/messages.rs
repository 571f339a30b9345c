//! Mistakes of an operator: each message says what it is and the way out.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use cloakroom_sqlite::SqliteStore;

use crate::server::{Server, command};

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the command runs")
}

/// What it prints to standard error, once it has failed with this code.
fn refusal(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(output.stdout.is_empty(), "{arguments:?} prints data");
    message
}

const READING: [&str; 3] = ["list", "stats", "check"];

#[test]
fn a_file_without_tables_and_a_directory_are_named_for_what_they_are() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let empty = directory.path().join("empty.db");
    fs::write(&empty, "").expect("written");
    for (path, text) in [(empty.as_path(), "no tables"), (directory.path(), "it is a directory")] {
        let store = format!("sqlite:{}", path.display());
        for name in READING.into_iter().chain(["sweep"]) {
            let message = refusal(1, &[name, "--store", &store]);
            assert!(message.contains(text), "{message}");
            assert!(!message.contains("earlier version") && !message.contains("I/O"), "{message}");
        }
    }
    assert_eq!(fs::metadata(&empty).map(|file| file.len()).ok(), Some(0), "it was changed");
}

/// As root, nothing is read-only by its permissions; SQLite's own tests use a mount.
#[cfg(unix)]
#[test]
fn reading_commands_read_a_read_only_file() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("sessions.db");
    drop(SqliteStore::open(&file).expect("created"));
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions set");
    };
    set(&file, 0o400);
    set(directory.path(), 0o500);
    let store = format!("sqlite:{}", file.display());
    let outputs = READING.map(|name| (name, run(&[name, "--store", &store])));
    set(directory.path(), 0o700);
    for (name, output) in outputs {
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {message}");
    }
}

#[test]
fn a_url_of_another_library_is_understood_or_corrected() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("a b.db");
    drop(SqliteStore::open(&file).expect("created"));
    let url = format!("sqlite://{}/a%20b.db?mode=ro", directory.path().display());
    assert!(run(&["list", "--store", &url]).status.success());
    for (url, hint) in [
        ("sqlite::memory:", "`memory:`"),
        (":memory:", "`memory:`"),
        ("file:app.db", "`sqlite:app.db`"),
        ("a%20b.db", "`sqlite:a%2520b.db`"),
    ] {
        let message = refusal(2, &["list", "--store", url]);
        assert!(message.contains(hint), "{message}");
    }
}

#[test]
fn a_list_of_nothing_is_refused() {
    let message = refusal(2, &["list", "--store", "sqlite:a.db", "--limit", "0"]);
    assert!(message.contains("at least 1") && message.contains("cloakroom stats"), "{message}");
}

#[test]
fn a_copy_that_would_be_gone_at_once_is_refused() {
    let server = Server::start();
    server.browser().post("/api/visit");
    let message = refusal(2, &["copy", "--from", &server.store(), "--to", "memory:"]);
    assert!(message.contains("--to") && message.contains("ends with this command"), "{message}");
}

#[test]
fn the_address_to_listen_on_can_be_a_host_name() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let server = Server::start_at(&directory.path().join("demo.db"), "localhost:0");
    assert!(server.address().ip().is_loopback());
    assert!(server.browser().get("/").body.contains("Cloakroom"));
    for (address, text) in [
        ("localhost", "localhost:3000"),
        ("3005", "127.0.0.1:3005"),
        (":3005", "127.0.0.1:3005"),
        ("localhost:http", "HOST:PORT"),
        ("::1", "[::1]:3000"),
    ] {
        for demo_or_admin in ["demo", "admin"] {
            let message = refusal(2, &[demo_or_admin, "--store", "memory:", "--listen", address]);
            assert!(message.contains(text), "{message}");
        }
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named_and_the_cause_said_once() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    for url in ["postgres://", "redis://", "redis+cluster://", "redis+sentinel://"] {
        let name = if url.contains("sentinel") { "/main" } else { "" };
        let message = refusal(1, &["list", "--store", &format!("{url}{port}{name}")]);
        assert!(message.contains(&format!("at `{port}`")), "{message}");
        assert_eq!(message.matches("onnection refused").count(), 1, "{message}");
    }
}
