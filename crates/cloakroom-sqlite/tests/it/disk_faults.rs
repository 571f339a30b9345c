//! Disks that fail, in a child process for which the operating system refuses writes.
#![cfg(unix)]

use std::error::Error;
#[cfg(target_os = "linux")]
use std::fs;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::process::Command;

use cloakroom::record::Stored;
#[cfg(target_os = "linux")]
use cloakroom_sqlite::SqliteStore;

use crate::fixture::{NOW, TestFile, id, record};
#[cfg(target_os = "linux")]
use crate::fixture::{insert, size};
use crate::peer::{Answer, Peer, Request};

/// Inserts sessions until one fails; returns how many there are, and the reason of the failure.
fn fill(peer: &Peer) -> (u32, String) {
    for n in 0..10_000 {
        match peer.ask(&Request::insert(id(n), record(NOW, 1_000))) {
            Ok(Answer::Inserted(true)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => return (n, error.source().map(ToString::to_string).unwrap_or_default()),
        }
    }
    panic!("no insert failed");
}

fn is_there(peer: &Peer, n: u32) -> bool {
    match peer.ask(&Request::get(id(n))).unwrap() {
        Answer::Stored(None) => false,
        Answer::Stored(Some(bytes)) => match Stored::from_bytes(&bytes).unwrap() {
            Stored::Live(record) => record.payload().memory().unwrap() == 1_000,
            Stored::Ended(_) => false,
        },
        other => panic!("{other:?}"),
    }
}

/// Checks that every acknowledged session exists, and of the others at most the one that failed,
/// whose outcome is unknown.
fn assert_nothing_lost(peer: &Peer, count: u32) {
    assert!((0..count).all(|n| is_there(peer, n)));
    assert!((count + 1..count + 20).all(|n| !is_there(peer, n)));
}

/// A limit on the size of the child's files makes writes fail in the middle of a commit.
#[test]
fn a_disk_that_fails_in_the_middle_of_a_write_loses_nothing_acknowledged() {
    for blocks in [600, 601, 640, 777, 1_300] {
        let file = TestFile::new();
        let peer = Peer::start_after(&format!("trap '' XFSZ && ulimit -f {blocks}"), &file.path())
            .unwrap();
        let (count, why) = fill(&peer);
        assert!(count > 0 && why.contains("disk"), "{count}: {why}");
        assert_nothing_lost(&peer, count);
        drop(peer);

        let peer = Peer::start(&file.path());
        assert_nothing_lost(&peer, count);
        assert!(matches!(
            peer.ask(&Request::insert(id(20_000), record(NOW, 1_000))),
            Ok(Answer::Inserted(true))
        ));
        drop(peer);
        assert!(file.open().inspect().unwrap().damage.is_empty());
    }
}

/// A command that runs its arguments in a mount namespace of their own, if the system permits that.
#[cfg(target_os = "linux")]
fn private_mounts() -> Option<Vec<&'static str>> {
    let commands =
        [vec!["unshare", "--mount"], vec!["unshare", "--user", "--map-root-user", "--mount"]];
    let works = |command: &Vec<&str>| {
        let mut probe = Command::new(command[0]);
        let probe = probe.args(&command[1..]).args(["mount", "-t", "tmpfs", "none", "/tmp"]);
        probe.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let command = commands.into_iter().find(works);
    if command.is_none() {
        eprintln!("skipped: this system does not permit private mounts");
    }
    command
}

/// Makes the directory read-only for the process that mounts it.
#[cfg(target_os = "linux")]
const READ_ONLY: &str =
    r#"mount --bind "$DIRECTORY" "$DIRECTORY" && mount -o remount,bind,ro "$DIRECTORY""#;

/// The command of a peer whose directory is a mount that only it sees.
#[cfg(target_os = "linux")]
fn mounted(unshare: &[&str], mount: &str, file: &Path) -> Command {
    let mut command = Command::new(unshare[0]);
    let script = format!(r#"{mount} && exec "$0" "$@""#);
    command.args(&unshare[1..]).args(["sh", "-c", &script]).arg(std::env::current_exe().unwrap());
    command.env("DIRECTORY", file.parent().unwrap()).args(crate::peer::ARGUMENTS);
    command
}

/// Starts it.
#[cfg(target_os = "linux")]
fn start_mounted(unshare: &[&str], mount: &str, file: &Path) -> Result<Peer, String> {
    Peer::run(&mut mounted(unshare, mount, file), file)
}

/// Starts a peer that only reads, and for which the directory is read-only.
#[cfg(target_os = "linux")]
fn start_reading(unshare: &[&str], file: &Path) -> Result<Peer, String> {
    Peer::run(Peer::reading(&mut mounted(unshare, READ_ONLY, file)), file)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_as_full_and_loses_nothing_acknowledged() {
    let Some(unshare) = private_mounts() else { return };
    let file = TestFile::new();
    let mount = r#"mount -t tmpfs -o size=700k none "$DIRECTORY""#;
    let peer = start_mounted(&unshare, mount, &file.path()).unwrap();
    let (count, why) = fill(&peer);
    assert!(count > 0 && why.contains("full"), "{count}: {why}");
    assert_nothing_lost(&peer, count);
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_file_system_is_reported_as_such() {
    let Some(unshare) = private_mounts() else { return };
    let file = TestFile::new();
    drop(file.open());
    let why = start_mounted(&unshare, READ_ONLY, &file.path()).unwrap_err();
    assert!(why.contains("sessions.db") && why.contains("read-only"), "{why}");
    assert!(file.open().inspect().unwrap().damage.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn an_unused_file_can_be_read_on_a_read_only_file_system() {
    let Some(unshare) = private_mounts() else { return };
    // Characters that have a meaning in a `file:` URI.
    for name in ["sessions.db", "a b%20c?immutable=0#d.db"] {
        let file = TestFile::new();
        let path = file.path().with_file_name(name);
        let store = SqliteStore::open(&path).unwrap();
        insert(&store, 1, record(NOW, 1_000)).unwrap();
        drop(store);
        let before = fs::read(&path).unwrap();
        let peer = start_reading(&unshare, &path).unwrap();
        assert!(is_there(&peer, 1) && !is_there(&peer, 2));
        drop(peer);
        assert_eq!(fs::read(&path).unwrap(), before);
        // What a copy of an unused log leaves.
        fs::write(path.with_file_name(format!("{name}-wal")), "").unwrap();
        assert!(is_there(&start_reading(&unshare, &path).unwrap(), 1));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_in_use_can_be_read_where_it_is_read_only() {
    let Some(unshare) = private_mounts() else { return };
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 1_000)).unwrap();
    let peer = start_reading(&unshare, &file.path()).unwrap();
    assert!(is_there(&peer, 1) && !is_there(&peer, 2));
    insert(&store, 2, record(NOW, 1_000)).unwrap();
    assert!(is_there(&peer, 2), "it reads the log of the process that writes");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_read_is_never_ignored() {
    let Some(unshare) = private_mounts() else { return };
    let (file, copy) = (TestFile::new(), TestFile::new());
    let store = file.open();
    insert(&store, 1, record(NOW, 1_000)).unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("sessions.db{suffix}");
        fs::copy(file.path().with_file_name(&name), copy.path().with_file_name(&name)).unwrap();
    }
    let why = start_reading(&unshare, &copy.path()).unwrap_err();
    assert!(why.contains("write-ahead log") && why.contains("copy both files"), "{why}");
    let store = SqliteStore::builder(copy.path()).open_read_only().unwrap();
    assert_eq!(size(&store, 1), Some(1_000), "it can be read in a directory that is writable");
}
