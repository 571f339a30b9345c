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
    let other = directory.path().join("other.db");
    fs::write(&other, "not a database, and long enough for the head of one".repeat(20))
        .expect("written");
    // Copied while it is in use, without its write-ahead log.
    let live = SqliteStore::open(directory.path().join("live.db")).expect("created");
    let copy = directory.path().join("copy.db");
    fs::copy(directory.path().join("live.db"), &copy).expect("copied");
    for (path, text) in [
        (empty.as_path(), "no tables"),
        (&copy, "copy the file's `-wal` with it"),
        (&other, "not a Cloakroom database"),
        (directory.path(), "it is a directory"),
    ] {
        let store = format!("sqlite:{}", path.display());
        for name in READING.into_iter().chain(["sweep"]) {
            let message = refusal(1, &[name, "--store", &store]);
            assert!(message.contains(text), "{message}");
            assert!(!message.contains("earlier version") && !message.contains("I/O"), "{message}");
        }
    }
    assert_eq!(fs::metadata(&empty).map(|file| file.len()).ok(), Some(0), "it was changed");
    drop(live);
}

/// As root, nothing is read-only by its permissions; SQLite's own tests use a mount.
#[cfg(unix)]
#[test]
fn reading_commands_read_a_read_only_file_and_the_others_say_that_it_is_one() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("sessions.db");
    drop(SqliteStore::open(&file).expect("created"));
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions set");
    };
    set(&file, 0o400);
    let is_root = fs::OpenOptions::new().write(true).open(&file).is_ok();
    let store = format!("sqlite:{}", file.display());
    for directory_mode in [0o700, 0o500] {
        set(directory.path(), directory_mode);
        let outputs = READING.map(|name| (name, run(&[name, "--store", &store])));
        let revoked = run(&["revoke", "--all", "--yes", "--store", &store]);
        let copied = run(&["copy", "--from", &store, "--to", &store.replace(".db", "2.db")]);
        set(directory.path(), 0o700);
        for (name, output) in outputs {
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {message}");
        }
        if !is_root {
            let message = String::from_utf8_lossy(&revoked.stderr);
            assert_eq!(revoked.status.code(), Some(1), "{message}");
            assert!(message.contains("sessions.db`: it is read-only"), "{message}");
            assert_eq!(copied.status.success(), directory_mode == 0o700);
        }
    }
}

#[test]
fn what_changes_a_store_refuses_a_url_that_permits_no_change() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("sessions.db");
    drop(SqliteStore::open(&file).expect("created"));
    let store = format!("sqlite:{}?mode=ro", file.display());
    assert!(run(&["list", "--store", &store]).status.success());
    for arguments in
        [&["revoke", "--all", "--yes"][..], &["erase", "alice"], &["sweep"], &["admin"]]
    {
        let message = refusal(1, &[arguments, &["--store", &store]].concat());
        assert!(message.contains("`mode=ro`"), "{message}");
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
        ("[::1]", "[::1]:3000"),
        ("*:3005", "0.0.0.0:3005"),
    ] {
        for demo_or_admin in ["demo", "admin"] {
            let message = refusal(2, &[demo_or_admin, "--store", "memory:", "--listen", address]);
            assert!(message.contains(text), "{message}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_store_is_not_copied_onto_itself_by_any_of_its_names() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = |name: &str| directory.path().join(name);
    drop(SqliteStore::open(path("a.db")).expect("created"));
    std::os::unix::fs::symlink("a.db", path("link.db")).expect("linked");
    fs::hard_link(path("a.db"), path("hard.db")).expect("linked");
    let url = |name: &str| format!("sqlite:{}", path(name).display());
    for other in [url("a.db"), url("./a.db"), url("link.db"), url("hard.db"), url("a.db?mode=rw")] {
        let message = refusal(2, &["copy", "--from", &url("a.db"), "--to", &other]);
        assert!(message.contains("are the same store"), "{message}");
    }
    for (from, to) in [
        ("redis://u:hunter2@localhost", "redis://127.0.0.1:6379/0"),
        ("postgres://h/d", "postgres://u:hunter2@H:5432/d?schema=cloakroom"),
        ("postgres://h:hunter2/d", "postgres://h:hunter2/d"),
    ] {
        let message = refusal(2, &["copy", "--from", from, "--to", to]);
        assert!(message.contains("are the same store"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named_and_the_cause_said_once() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    for (scheme, path) in
        [("postgres", "/shop"), ("redis", "/2"), ("redis+cluster", ""), ("redis+sentinel", "/main")]
    {
        let url = format!("{scheme}://ops:hunter2@{port}{path}");
        for name in ["list", "check", "sweep"] {
            let message = refusal(1, &[name, "--store", &url]);
            assert!(message.contains(&format!("`{scheme}://{port}{path}`")), "{message}");
            // PostgreSQL's own message names the database as well.
            let database = if scheme == "postgres" { path } else { "" };
            assert!(message.contains(&format!("at `{port}{database}`")), "{message}");
            assert_eq!(message.matches("onnection refused").count(), 1, "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_socket_that_does_not_exist_is_named() {
    for (url, socket) in [
        ("unix:///nowhere/redis.sock?pass=hunter2", "/nowhere/redis.sock"),
        ("postgres://ops:hunter2@%2Fnowhere/shop", "/nowhere:5432/shop"),
    ] {
        let message = refusal(1, &["list", "--store", url]);
        assert!(message.contains(&format!("at `{socket}`")), "{message}");
        assert_eq!(message.matches("o such file").count(), 1, "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_url_that_a_driver_refuses_is_an_invalid_argument() {
    for (url, text) in [
        ("postgres://h/d?sslmode=sometimes", "`sslmode`"),
        ("postgres://h:hunter2/d", "port"),
        ("redis://h/first", "database number"),
    ] {
        let message = refusal(2, &["list", "--store", url]);
        assert!(message.contains(text) && !message.contains("hunter2"), "{message}");
    }
}
