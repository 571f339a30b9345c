//! The file: permissions, foreign and newer files, damage, and what an operator reads in it.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::{Outcome, StoreErrorKind, Swap};
use cloakroom::{Principal, Store, protocol};
use cloakroom_sqlite::{SqliteError, SqliteErrorKind, SqliteStore};

use crate::fixture::{NOW, TestFile, id, insert, record, size};

fn kind(error: &cloakroom::store::StoreError) -> Option<SqliteErrorKind> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref().map(SqliteError::kind)
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file_and_its_log() {
    use std::os::unix::fs::PermissionsExt;

    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let files: Vec<_> =
        fs::read_dir(file.path().parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the file, its log, and the log's index");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[test]
fn sessions_survive_closing_and_reopening_the_file() {
    let file = TestFile::new();
    {
        let store = file.open();
        insert(&store, 1, record(NOW, 10)).unwrap();
        insert(&store, 2, record(NOW, 20)).unwrap();
        store.end(id(2), protocol::end(EndReason::SignedOut, NOW)).wait().unwrap();
    }
    let store = file.open();
    assert_eq!((size(&store, 1), size(&store, 2)), (Some(10), None));
    let revived = store.replace(id(2), &record(NOW, 20), record(NOW, 20), NOW).wait().unwrap();
    assert!(matches!(revived, Swap::Gone));
}

#[test]
fn any_path_names_a_file() {
    let file = TestFile::new();
    let directory = file.path().parent().unwrap().to_owned();
    for name in [
        "file:memory.db?mode=memory",
        ":memory:",
        "a b%20c?immutable=1#d.db",
        "\u{1F9E5}.db",
        "it's.db",
        "-x",
    ] {
        let path = directory.join(name);
        drop(insert(&SqliteStore::open(&path).unwrap(), 1, record(NOW, 10)));
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 0), "{name}");
        assert_eq!(size(&SqliteStore::open(&path).unwrap(), 1), Some(10), "{name}");
    }
}

#[test]
fn a_url_or_a_name_for_memory_is_refused_and_creates_no_file() {
    for name in [
        "",
        ":memory:",
        "file:sessions.db",
        "file::memory:?cache=shared",
        "sqlite:sessions.db",
        "sqlite::memory:",
        "sqlite://sessions.db?mode=rwc",
        "postgres://127.0.0.1/sessions",
    ] {
        for opened in [SqliteStore::open(name), SqliteStore::builder(name).open_read_only()] {
            let refused = opened.unwrap_err();
            assert_eq!(refused.kind(), SqliteErrorKind::NotAPath, "{refused}");
            let message = refused.to_string();
            let expected = [&*format!("`{name}`"), "`MemoryStore`", "`cloakroom_any::open`"];
            assert!(expected.iter().all(|part| message.contains(part)), "{message}");
        }
        assert!(!fs::exists(name).unwrap(), "{name}");
    }
}

#[test]
fn a_closed_store_leaves_no_log_behind() {
    let file = TestFile::new();
    for round in 0..200 {
        let store = file.open();
        insert(&store, round, record(NOW, 1_000)).unwrap();
        drop(store);
        assert!(!file.path().with_extension("db-wal").exists(), "after closing it {round} times");
    }
}

#[test]
fn dropping_the_store_completes_submitted_operations() {
    let file = TestFile::new();
    let store = file.open();
    for n in 0..100 {
        drop(store.insert(id(n), record(NOW, 10)));
    }
    drop(store);
    let store = file.open();
    assert!((0..100).all(|n| size(&store, n).is_some()));
}

#[test]
fn many_stores_can_open_a_new_file_at_once() {
    let file = TestFile::new();
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for n in 0..8 {
            let (file, barrier) = (&file, &barrier);
            scope.spawn(move || {
                barrier.wait();
                insert(&file.open(), n, record(NOW, 10)).unwrap();
            });
        }
    });
    let store = file.open();
    assert!((0..8).all(|n| size(&store, n).is_some()));
}

#[test]
fn another_applications_file_is_refused_and_left_unchanged() {
    let file = TestFile::new();
    fs::write(
        file.path(),
        "a shopping list, quite long enough to be taken for the header of a database, or so",
    )
    .unwrap();
    let refused = SqliteStore::open(file.path()).unwrap_err();
    assert_eq!(refused.kind(), SqliteErrorKind::Foreign, "{refused}");

    fs::remove_file(file.path()).unwrap();
    file.connection()
        .execute_batch("CREATE TABLE shopping (item TEXT); PRAGMA user_version = 1")
        .unwrap();
    let before = fs::read(file.path()).unwrap();
    let refused = SqliteStore::open(file.path()).unwrap_err();
    assert_eq!(refused.kind(), SqliteErrorKind::Foreign, "{refused}");
    assert!(refused.to_string().contains("sessions.db"), "{refused}");
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_unchanged() {
    let file = TestFile::new();
    drop(file.open());
    file.connection().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(file.path()).unwrap();
    for opened in
        [SqliteStore::open(file.path()), SqliteStore::builder(file.path()).open_read_only()]
    {
        let refused = opened.unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::TooNew, "{refused}");
    }
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn a_missing_file_is_not_created_unless_wanted() {
    let file = TestFile::new();
    for opened in [
        SqliteStore::builder(file.path()).create_if_missing(false).open(),
        SqliteStore::builder(file.path()).open_read_only(),
        SqliteStore::open(file.path().join("in").join("nowhere")),
    ] {
        let refused = opened.unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::Missing, "{refused}");
    }
    assert!(!file.path().exists());
}

#[test]
fn a_read_only_store_writes_nothing() {
    let file = TestFile::new();
    let writer = file.open();
    insert(&writer, 1, record(NOW, 10)).unwrap();
    let store = SqliteStore::builder(file.path()).open_read_only().unwrap();
    assert_eq!(size(&store, 1), Some(10));
    store.health().wait().unwrap();
    let refused = store.end(id(1), protocol::end(EndReason::Revoked, NOW)).wait().unwrap_err();
    assert_eq!(
        (refused.outcome(), kind(&refused)),
        (Outcome::NotSent, Some(SqliteErrorKind::ReadOnly))
    );
    assert_eq!(size(&store, 1), Some(10));
}

#[test]
fn reading_a_read_only_file_leaves_nothing_behind() {
    let file = TestFile::new();
    insert(&file.open(), 1, record(NOW, 10)).unwrap();
    let mut permissions = fs::metadata(file.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(file.path(), permissions).unwrap();
    let store = SqliteStore::builder(file.path()).open_read_only().unwrap();
    assert_eq!(size(&store, 1), Some(10));
    assert!(store.inspect().unwrap().is_wal);
    drop(store);
    assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_file_without_tables_is_not_taken_for_one_of_an_earlier_version() {
    let empty = TestFile::new();
    fs::write(empty.path(), "").unwrap();

    // While a new file is in use, its tables are in the log: this copy has none.
    let (file, copy) = (TestFile::new(), TestFile::new());
    let store = file.open();
    fs::copy(file.path(), copy.path()).unwrap();
    assert!(fs::metadata(copy.path()).unwrap().len() > 0);

    for file in [empty, copy] {
        let refused = SqliteStore::builder(file.path()).open_read_only().unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::Empty, "{refused}");
        let message = refused.to_string();
        assert!(message.contains("no tables") && message.contains("-wal"), "{message}");
        let refused = file.open().inspect().err();
        assert!(refused.is_none(), "it is a new store's once it is opened for writing");
    }
    drop(store);
}

#[test]
fn what_is_not_a_file_is_refused_by_what_it_is() {
    let file = TestFile::new();
    let directory = file.path().parent().unwrap().to_owned();
    for opened in [SqliteStore::open(&directory), SqliteStore::builder(&directory).open_read_only()]
    {
        let refused = opened.unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::NotAFile, "{refused}");
        assert!(refused.to_string().contains("name a file in it"), "{refused}");
    }
    #[cfg(unix)]
    {
        let refused = SqliteStore::open("/dev/null").unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::NotAFile, "{refused}");
        assert!(!refused.to_string().contains("directory"), "{refused}");
    }
}

#[test]
fn a_write_that_times_out_waiting_for_another_process_did_not_happen() {
    let file = TestFile::new();
    let store =
        SqliteStore::builder(file.path()).timeout(Duration::from_millis(20)).open().unwrap();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let other = file.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for refused in [
        insert(&store, 2, record(NOW, 20)).unwrap_err(),
        store.end(id(1), protocol::end(EndReason::Revoked, NOW)).wait().unwrap_err(),
        store.health().wait().unwrap_err(),
    ] {
        assert_eq!(
            (refused.kind(), refused.outcome()),
            (StoreErrorKind::Unavailable, Outcome::NotSent)
        );
        assert_eq!(kind(&refused), Some(SqliteErrorKind::Locked));
    }
    assert_eq!(
        (size(&store, 1), size(&store, 2)),
        (Some(10), None),
        "readers do not wait for writers"
    );
    other.execute_batch("COMMIT").unwrap();
    insert(&store, 2, record(NOW, 20)).unwrap();
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_missing_session() {
    let file = TestFile::new();
    let store = file.open();
    for n in 0..400 {
        insert(&store, n, record(NOW, 500)).unwrap();
    }
    drop(store);
    let mut bytes = fs::read(file.path()).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 20);
    for page in 8..pages {
        bytes[page * 4096..page * 4096 + 512].fill(0xA5);
    }
    fs::write(file.path(), bytes).unwrap();

    let store = file.open();
    let answers: Vec<_> = (0..400).map(|n| store.get(id(n)).wait()).collect();
    assert!(answers.iter().all(|answer| !matches!(answer, Ok(None))));
    let error = answers.into_iter().find_map(Result::err).expect("an unreadable page");
    assert_eq!(
        (error.kind(), kind(&error)),
        (StoreErrorKind::Unavailable, Some(SqliteErrorKind::Corrupt))
    );
    assert!(!store.inspect().unwrap().damage.is_empty());
}

#[test]
fn an_unreadable_record_is_distinguished_from_a_damaged_file() {
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    file.connection().execute("UPDATE session SET record = x'FF'", []).unwrap();
    let error = store.get(id(1)).wait().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let error = store.end(id(1), protocol::end(EndReason::Revoked, NOW)).wait().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[test]
fn a_session_that_is_too_large_is_refused() {
    let store = TestFile::new().into_store();
    let refused = insert(&store, 1, record(NOW, 17 << 20)).unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (StoreErrorKind::TooLarge, Outcome::NotSent));
    insert(&store, 1, record(NOW, 15 << 20)).unwrap();
}

#[test]
fn an_operator_can_read_the_sessions_view() {
    let file = TestFile::new();
    let store = file.open();
    let alice = Principal::new("alice").unwrap();
    let world = cloakroom_testkit::TestSessions::<cloakroom::SessionMap>::new(file.open());
    let id = cloakroom_testkit::block_on(async {
        let mut value = cloakroom::SessionMap::default();
        value.insert("city", "Graz").unwrap();
        let mut session = world.sessions.generate(value).await.unwrap();
        session.login(&alice).await.unwrap();
        session.id().unwrap()
    });
    let row = file.connection().query_row(
        "SELECT id, state, principal, created_utc, expires_utc, json FROM sessions",
        [],
        |row| (0..6).map(|column| row.get::<_, String>(column)).collect::<Result<Vec<_>, _>>(),
    );
    let expected = [
        &id.to_string(),
        "live",
        "alice",
        "2100-01-01 00:00:00",
        "2100-01-01 00:30:00",
        r#"{"city":"Graz"}"#,
    ];
    assert_eq!(row.unwrap(), expected);
    store.end(id, protocol::end(EndReason::Revoked, NOW)).wait().unwrap();
    let state: (String, Option<String>) = file
        .connection()
        .query_row("SELECT state, json FROM sessions", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(state, ("revoked".to_owned(), None), "an ended session keeps no value");
}

#[test]
fn an_inspection_reports_a_sound_file_as_sound() {
    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let found = store.inspect().unwrap();
    assert!(found.is_wal && found.damage.is_empty() && found.log_bytes > 0, "{found:?}");
    assert_eq!(found.mode, cfg!(unix).then_some(0o600));
}

/// POSIX locks belong to a process: closing any descriptor of the file releases all of them, and
/// another process could then delete the log while this one still uses it.
#[cfg(target_os = "linux")]
#[test]
fn opening_and_inspecting_a_file_in_use_releases_no_lock() {
    use std::os::unix::fs::MetadataExt;

    let file = TestFile::new();
    let store = file.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let inode = format!(":{} ", fs::metadata(file.path()).unwrap().ino());
    // The list can miss a lock while others come and go, but not every time.
    let is_locked =
        || (0..100).any(|_| fs::read_to_string("/proc/locks").unwrap().contains(&inode));
    assert!(is_locked(), "a file in use is locked");
    let accesses: [fn(&TestFile); 3] = [
        |file| drop(file.open()),
        |file| drop(file.open().inspect().unwrap()),
        |file| drop(SqliteStore::builder(file.path()).open_read_only().unwrap()),
    ];
    for access in accesses {
        access(&file);
        assert!(is_locked(), "the lock on the file was released");
    }
}
