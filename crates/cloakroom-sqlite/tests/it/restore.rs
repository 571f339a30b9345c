//! A backup that is brought back while the file is in use, and a crash meanwhile.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use cloakroom::Store;
use cloakroom::record::EndReason;
use cloakroom_sqlite::{Restore, SqliteError, SqliteErrorKind, SqliteStore};

use crate::fixture::{NOW, TestFile, id, insert, record, size};

/// Set in the child process: the backups, one after the other, and the file.
const CHILD: &str = "CLOAKROOM_TEST_RESTORE";
const THIS_TEST: &str =
    "restore::a_process_killed_while_it_restores_leaves_the_old_content_or_the_new";
const COPIED: &str = "copied ";

/// A file in the same directory with sessions `0..count`, each of `size` bytes.
fn backup(file: &TestFile, name: &str, count: u32, size: usize) -> PathBuf {
    let path = file.path().with_file_name(name);
    fill(&SqliteStore::builder(&path).synchronous_normal().open().unwrap(), count, size);
    path
}

fn fill(store: &SqliteStore, count: u32, size: usize) {
    let inserts: Vec<_> = (0..count).map(|n| store.insert(id(n), record(NOW, size))).collect();
    for insert in inserts {
        assert_eq!(insert.wait().unwrap(), cloakroom::store::Inserted::Done);
    }
}

fn restore(backup: &Path, file: &Path) -> Result<(), SqliteError> {
    Restore::check(backup, file)?.run(&mut |_, _| {})
}

fn assert_undamaged(store: &SqliteStore) {
    assert_eq!(store.inspect().unwrap().damage, [""; 0]);
}

#[test]
fn an_open_store_goes_on_with_the_content_of_the_backup() {
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 100)).unwrap();
    let backup = backup(&file, "backup.db", 3, 200);
    // More than there was before, and after that less.
    insert(&store, 10, record(NOW, 100)).unwrap();
    let checked = Restore::check(&backup, file.path()).unwrap();
    assert_eq!(checked.sessions(), 3);
    checked.run(&mut |_, _| {}).unwrap();
    assert_eq!([0, 1, 2, 10].map(|n| size(&store, n)), [Some(200), Some(200), Some(200), None]);
    fill_more(&store);
    let ending = cloakroom::protocol::end(EndReason::Revoked, NOW);
    store.end(id(1), ending).wait().unwrap();
    restore(&backup, &file.path()).unwrap();
    assert_eq!((size(&store, 1), size(&store, 500)), (Some(200), None));
    insert(&store, 500, record(NOW, 100)).unwrap();
    assert_undamaged(&store);
    drop(store);
    assert_undamaged(&file.open());
}

fn fill_more(store: &SqliteStore) {
    for n in 500..600 {
        insert(store, n, record(NOW, 5_000)).unwrap();
    }
}

#[test]
fn a_file_that_is_missing_or_damaged_is_restored() {
    let file = TestFile::new();
    let backup = backup(&file, "backup.db", 3, 200);
    restore(&backup, &file.path()).unwrap();
    assert_eq!(size(&file.open(), 2), Some(200));
    fill_more(&file.open());
    let mut bytes = fs::read(file.path()).unwrap();
    let damaged = 3 * 4_096..bytes.len();
    bytes[damaged].fill(0x5a);
    fs::write(file.path(), bytes).unwrap();
    assert!(!file.open().inspect().unwrap().damage.is_empty());
    restore(&backup, &file.path()).unwrap();
    let store = file.open();
    assert_undamaged(&store);
    assert_eq!((size(&store, 2), size(&store, 500)), (Some(200), None));
}

#[test]
fn what_is_no_sound_backup_is_refused_and_nothing_changes() {
    let file = TestFile::new();
    let path_of = |name: &str| file.path().with_file_name(name);
    insert(&file.open(), 1, record(NOW, 100)).unwrap();
    let damaged = backup(&file, "damaged.db", 300, 5_000);
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[40 * 4_096..60 * 4_096].fill(0x5a);
    fs::write(&damaged, bytes).unwrap();
    let foreign = rusqlite::Connection::open(path_of("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE session (id)").unwrap();
    let resized = backup(&file, "resized.db", 3, 200);
    let resize = "PRAGMA journal_mode = DELETE; PRAGMA page_size = 8192; VACUUM";
    rusqlite::Connection::open(&resized).unwrap().execute_batch(resize).unwrap();
    fs::write(path_of("text.db"), "not a database, and longer than a header ".repeat(20)).unwrap();
    fs::write(path_of("empty.db"), "").unwrap();
    fs::hard_link(file.path(), path_of("link.db")).unwrap();
    let before = fs::read(file.path()).unwrap();
    for (name, kind, text) in [
        ("damaged.db", SqliteErrorKind::Corrupt, "damaged"),
        ("foreign.db", SqliteErrorKind::Foreign, "not a Cloakroom database"),
        ("text.db", SqliteErrorKind::Foreign, "not a Cloakroom database"),
        ("empty.db", SqliteErrorKind::Empty, "no tables"),
        ("missing.db", SqliteErrorKind::Missing, ""),
        ("sessions.db", SqliteErrorKind::SameFile, "store's own file"),
        ("link.db", SqliteErrorKind::SameFile, "store's own file"),
        (".", SqliteErrorKind::NotAFile, "directory"),
    ] {
        let error = restore(&path_of(name), &file.path()).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        let shown = error.to_string();
        assert!(shown.contains(name) && shown.contains(text), "{shown}");
        assert_eq!(fs::read(file.path()).unwrap(), before, "{name}");
    }
    let error = restore(&resized, &file.path()).unwrap_err();
    assert_eq!(error.kind(), SqliteErrorKind::PageSize);
    let good = backup(&file, "good.db", 3, 200);
    let error = restore(&good, &path_of("foreign.db")).unwrap_err();
    assert_eq!(error.kind(), SqliteErrorKind::Foreign, "a file of others is not overwritten");
    assert_eq!(size(&file.open(), 1), Some(100));
}

#[test]
fn a_restore_under_load_damages_nothing() {
    const RESTORES: u32 = 8;
    let file = TestFile::new();
    let store = file.open();
    let backup = backup(&file, "backup.db", 400, 3_000);
    let (stop, written) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for writer in 0..4 {
            let (store, stop, written) = (&store, &stop, &written);
            scope.spawn(move || {
                let mut n = 1_000_000 * (writer + 1);
                while !stop.load(Ordering::Relaxed) {
                    // Neither call fails: no restore takes as long as the timeout.
                    insert(store, n, record(NOW, 500)).unwrap();
                    store.get(id(n % 400)).wait().unwrap();
                    n += 1;
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..RESTORES {
            let goal = written.load(Ordering::Relaxed) + 50;
            while written.load(Ordering::Relaxed) < goal {
                thread::yield_now();
            }
            restore(&backup, &file.path()).unwrap();
            assert!((0..400).all(|n| size(&store, n) == Some(3_000)));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_undamaged(&store);
    drop(store);
    let store = file.open();
    assert_undamaged(&store);
    assert!((0..400).all(|n| size(&store, n) == Some(3_000)));
}

#[test]
fn a_process_killed_while_it_restores_leaves_the_old_content_or_the_new() {
    // Run as a child process, this test restores until it is killed.
    if let Ok(paths) = env::var(CHILD) {
        let paths: Vec<&str> = paths.split('\n').collect();
        let [backups @ .., file] = &*paths else { panic!("{paths:?}") };
        for backup in backups.iter().cycle() {
            let report = &mut |copied, total| println!("\n{COPIED}{copied} of {total}");
            Restore::check(*backup, *file).unwrap().run(report).unwrap();
            println!("\n{COPIED}all");
        }
    }
    let file = TestFile::new();
    let (count, sizes) = (1_500, [5_000, 7_000]);
    let backups = sizes.map(|size| backup(&file, &format!("{size}.db"), count, size));
    let paths = [backups[1].clone(), backups[0].clone(), file.path()];
    let paths = paths.map(|path| path.to_str().unwrap().to_owned());
    for kill in 1..12 {
        restore(&backups[0], &file.path()).unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", THIS_TEST, "--nocapture"])
            .env(CHILD, paths.join("\n"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reports = lines.map(Result::unwrap).filter(|line| line.starts_with(COPIED));
        assert_eq!(reports.take(kill).count(), kill);
        child.kill().unwrap();
        child.wait().unwrap();
        let store = file.open();
        assert_undamaged(&store);
        let first = size(&store, 0);
        assert!(sizes.contains(&first.unwrap()));
        assert!((0..count).all(|n| size(&store, n) == first), "kill {kill}: a mixture");
    }
}
