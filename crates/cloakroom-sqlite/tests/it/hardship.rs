//! Disks that fail: the operating system refuses what SQLite asks of it, in a process of its own.
#![cfg(unix)]

use std::error::Error;
use std::path::Path;

use cloakroom::record::Stored;

use crate::peer::{Answer, Ask, Peer};
use crate::place::{NOW, Place, id, record};

/// Inserts sessions until one is refused; how many there are, and why the next is not.
fn fill(peer: &Peer) -> (u32, String) {
    for n in 0..10_000 {
        match peer.ask(&Ask::insert(id(n), record(NOW, 1_000))) {
            Ok(Answer::Inserted(true)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => return (n, error.source().map(ToString::to_string).unwrap_or_default()),
        }
    }
    panic!("nothing was ever refused");
}

fn is_there(peer: &Peer, n: u32) -> bool {
    match peer.ask(&Ask::get(id(n))).unwrap() {
        Answer::Stored(None) => false,
        Answer::Stored(Some(bytes)) => match Stored::from_bytes(&bytes).unwrap() {
            Stored::Live(record) => record.payload().measure().unwrap() == 1_000,
            Stored::Ended(_) => false,
        },
        other => panic!("{other:?}"),
    }
}

/// All that was answered is there; of what was not, at most the last, which nobody knows about.
fn assert_nothing_lost(peer: &Peer, count: u32) {
    assert!((0..count).all(|n| is_there(peer, n)));
    assert!((count + 1..count + 20).all(|n| !is_there(peer, n)));
}

/// No file of that process may grow beyond a limit: writes fail in the middle of a commit.
#[test]
fn a_disk_that_fails_in_the_middle_of_a_write_loses_nothing_answered() {
    for blocks in [600, 601, 640, 777, 1_300] {
        let place = Place::new();
        let peer = Peer::start_after(&format!("trap '' XFSZ && ulimit -f {blocks}"), &place.path())
            .unwrap();
        let (count, why) = fill(&peer);
        assert!(count > 0 && why.contains("the disk"), "{count}: {why}");
        assert_nothing_lost(&peer, count);
        drop(peer);

        let peer = Peer::start(&place.path());
        assert_nothing_lost(&peer, count);
        assert!(matches!(
            peer.ask(&Ask::insert(id(20_000), record(NOW, 1_000))),
            Ok(Answer::Inserted(true))
        ));
        drop(peer);
        assert!(place.open().inspect().unwrap().damage.is_empty());
    }
}

/// A shell's words that give its process a view of the file systems of its own, where that is permitted here.
#[cfg(target_os = "linux")]
fn private_mounts() -> Option<Vec<&'static str>> {
    let ways =
        [vec!["unshare", "--mount"], vec!["unshare", "--user", "--map-root-user", "--mount"]];
    let works = |way: &Vec<&str>| {
        let mut probe = std::process::Command::new(way[0]);
        let probe = probe.args(&way[1..]).args(["mount", "-t", "tmpfs", "none", "/tmp"]);
        probe.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let way = ways.into_iter().find(works);
    if way.is_none() {
        eprintln!("not tested: this system lets nobody mount a file system of their own");
    }
    way
}

/// Starts a peer whose file is in a directory that was mounted for it alone.
#[cfg(target_os = "linux")]
fn start_mounted(way: &[&str], mount: &str, file: &Path) -> Result<Peer, String> {
    let mut command = std::process::Command::new(way[0]);
    let script = format!(r#"{mount} && exec "$0" "$@""#);
    command.args(&way[1..]).args(["sh", "-c", &script]).arg(std::env::current_exe().unwrap());
    command.env("DIRECTORY", file.parent().unwrap());
    Peer::run(command.args(crate::peer::ARGUMENTS), file)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_to_be_full_and_loses_nothing_answered() {
    let Some(way) = private_mounts() else { return };
    let place = Place::new();
    let mount = r#"mount -t tmpfs -o size=700k none "$DIRECTORY""#;
    let peer = start_mounted(&way, mount, &place.path()).unwrap();
    let (count, why) = fill(&peer);
    assert!(count > 0 && why.contains("full"), "{count}: {why}");
    assert_nothing_lost(&peer, count);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_cannot_be_written_is_said_to_be_so() {
    let Some(way) = private_mounts() else { return };
    let place = Place::new();
    drop(place.open());
    let mount =
        r#"mount --bind "$DIRECTORY" "$DIRECTORY" && mount -o remount,bind,ro "$DIRECTORY""#;
    let why = start_mounted(&way, mount, &place.path()).unwrap_err();
    assert!(why.contains("sessions.db") && why.contains("can only be read"), "{why}");
    assert!(place.open().inspect().unwrap().damage.is_empty());
}
