//! The file: whose it is, what it takes for its own, and what an operator sees in it.

use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::{IndexLogin, Indexed, Inserted, Outcome, StoreErrorKind, Swap};
use cloakroom::{Principal, Store, protocol};
use cloakroom_sqlite::{SqliteError, SqliteErrorKind, SqliteStore};

use crate::place::{IDLE, NOW, Place, id, insert, record, size};

fn kind(error: &cloakroom::store::StoreError) -> Option<SqliteErrorKind> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref().map(SqliteError::kind)
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_file_and_its_log() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let store = place.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let files: Vec<_> =
        fs::read_dir(place.path().parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the file, its log, and the log's index");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[test]
fn what_was_written_is_there_when_the_file_is_opened_again() {
    let place = Place::new();
    {
        let store = place.open();
        insert(&store, 1, record(NOW, 10)).unwrap();
        insert(&store, 2, record(NOW, 20)).unwrap();
        store.end(id(2), protocol::end(EndReason::SignedOut, NOW)).wait().unwrap();
    }
    let store = place.open();
    assert_eq!((size(&store, 1), size(&store, 2)), (Some(10), None));
    let revived = store.replace(id(2), record(NOW, 20).revision(), record(NOW, 20)).wait().unwrap();
    assert!(matches!(revived, Swap::Gone));
}

#[test]
fn any_name_is_the_name_of_a_file() {
    let place = Place::new();
    let directory = place.path().parent().unwrap().to_owned();
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
fn what_was_asked_is_finished_when_the_store_is_dropped() {
    let place = Place::new();
    let store = place.open();
    for n in 0..100 {
        drop(store.insert(id(n), record(NOW, 10)));
    }
    drop(store);
    let store = place.open();
    assert!((0..100).all(|n| size(&store, n).is_some()));
}

#[test]
fn many_that_open_a_new_file_at_once_all_find_it_ready() {
    let place = Place::new();
    let gate = Barrier::new(8);
    thread::scope(|scope| {
        for n in 0..8 {
            let (place, gate) = (&place, &gate);
            scope.spawn(move || {
                gate.wait();
                insert(&place.open(), n, record(NOW, 10)).unwrap();
            });
        }
    });
    let store = place.open();
    assert!((0..8).all(|n| size(&store, n).is_some()));
}

#[test]
fn another_applications_file_is_refused_and_left_as_it_is() {
    let place = Place::new();
    fs::write(
        place.path(),
        "a shopping list, quite long enough to be taken for the header of a database, or so",
    )
    .unwrap();
    let refused = SqliteStore::open(place.path()).unwrap_err();
    assert_eq!(refused.kind(), SqliteErrorKind::Foreign, "{refused}");

    fs::remove_file(place.path()).unwrap();
    place
        .connection()
        .execute_batch("CREATE TABLE shopping (item TEXT); PRAGMA user_version = 1")
        .unwrap();
    let before = fs::read(place.path()).unwrap();
    let refused = SqliteStore::open(place.path()).unwrap_err();
    assert_eq!(refused.kind(), SqliteErrorKind::Foreign, "{refused}");
    assert!(refused.to_string().contains("sessions.db"), "{refused}");
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_as_it_is() {
    let place = Place::new();
    drop(place.open());
    place.connection().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(place.path()).unwrap();
    for opened in
        [SqliteStore::open(place.path()), SqliteStore::builder(place.path()).open_read_only()]
    {
        let refused = opened.unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::TooNew, "{refused}");
    }
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date_with_its_sessions() {
    let place = Place::new();
    let store = place.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    drop(store);
    // What the second version added; the record's own format is read by its first byte.
    place.connection().execute_batch("DROP TABLE revocation; PRAGMA user_version = 1").unwrap();
    let refused = SqliteStore::builder(place.path()).open_read_only().unwrap_err();
    assert_eq!(refused.kind(), SqliteErrorKind::TooOld, "{refused}");

    let store = place.open();
    assert_eq!(size(&store, 1), Some(10));
    let alice = Principal::new("alice").unwrap();
    store.revoke_before(&alice, NOW, NOW.after(IDLE)).wait().unwrap();
    let early = IndexLogin::new(alice, id(2), NOW.after(IDLE))
        .authenticated_at(cloakroom::Timestamp::EPOCH);
    assert_eq!(store.index_login(early).wait().unwrap(), Indexed::Revoked);
}

#[test]
fn a_file_that_must_exist_is_not_created() {
    let place = Place::new();
    for opened in [
        SqliteStore::builder(place.path()).existing().open(),
        SqliteStore::builder(place.path()).open_read_only(),
        SqliteStore::open(place.path().join("in").join("nowhere")),
    ] {
        let refused = opened.unwrap_err();
        assert_eq!(refused.kind(), SqliteErrorKind::Missing, "{refused}");
    }
    assert!(!place.path().exists());
}

#[test]
fn who_only_reads_writes_nothing() {
    let place = Place::new();
    let writer = place.open();
    insert(&writer, 1, record(NOW, 10)).unwrap();
    let store = SqliteStore::builder(place.path()).open_read_only().unwrap();
    assert_eq!(size(&store, 1), Some(10));
    store.health().wait().unwrap();
    let refused = store.end(id(1), protocol::end(EndReason::Revoked, NOW)).wait().unwrap_err();
    assert_eq!(
        (refused.outcome(), kind(&refused)),
        (Outcome::NotSent, Some(SqliteErrorKind::ReadOnly))
    );
    assert_eq!(size(&store, 1), Some(10));

    let empty = Place::new();
    fs::write(empty.path(), "").unwrap();
    let refused = SqliteStore::builder(empty.path()).open_read_only().unwrap_err();
    assert_eq!(refused.kind(), SqliteErrorKind::TooOld, "{refused}");
}

#[test]
fn who_waits_too_long_for_another_process_is_told_that_nothing_happened() {
    let place = Place::new();
    let store =
        SqliteStore::builder(place.path()).timeout(Duration::from_millis(20)).open().unwrap();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let other = place.connection();
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
    assert_eq!((size(&store, 1), size(&store, 2)), (Some(10), None), "readers do not wait");
    other.execute_batch("COMMIT").unwrap();
    insert(&store, 2, record(NOW, 20)).unwrap();
}

#[test]
fn a_damaged_file_is_an_error_and_nobodys_absence() {
    let place = Place::new();
    let store = place.open();
    for n in 0..400 {
        insert(&store, n, record(NOW, 500)).unwrap();
    }
    drop(store);
    let mut bytes = fs::read(place.path()).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 20);
    for page in 8..pages {
        bytes[page * 4096..page * 4096 + 512].fill(0xA5);
    }
    fs::write(place.path(), bytes).unwrap();

    let store = place.open();
    let answers: Vec<_> = (0..400).map(|n| store.get(id(n)).wait()).collect();
    assert!(answers.iter().all(|answer| !matches!(answer, Ok(None))));
    let error = answers.into_iter().find_map(Result::err).expect("some of it can't be read");
    assert_eq!(
        (error.kind(), kind(&error)),
        (StoreErrorKind::Unavailable, Some(SqliteErrorKind::Corrupt))
    );
    assert!(!store.inspect().unwrap().damage.is_empty());
}

#[test]
fn a_record_that_cannot_be_read_is_told_from_a_damaged_file() {
    let place = Place::new();
    let store = place.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    place.connection().execute("UPDATE session SET record = x'FF'", []).unwrap();
    let error = store.get(id(1)).wait().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let error = store.end(id(1), protocol::end(EndReason::Revoked, NOW)).wait().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[test]
fn a_session_too_large_is_refused_for_its_size() {
    let store = Place::new().into_store();
    let refused = insert(&store, 1, record(NOW, 17 << 20)).unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (StoreErrorKind::TooLarge, Outcome::NotSent));
    insert(&store, 1, record(NOW, 15 << 20)).unwrap();
}

#[test]
fn an_operator_can_read_who_is_inside() {
    let place = Place::new();
    let store = place.open();
    let alice = Principal::new("alice").unwrap();
    let world = cloakroom_testkit::World::<cloakroom::SessionMap>::new(place.open());
    let id = cloakroom_testkit::block_on(async {
        let mut value = cloakroom::SessionMap::default();
        value.insert("city", "Graz").unwrap();
        let mut session = world.sessions.generate(value).await.unwrap();
        session.login(&alice).await.unwrap();
        session.id().unwrap()
    });
    let seen = place.connection().query_row(
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
    assert_eq!(seen.unwrap(), expected);
    store.end(id, protocol::end(EndReason::Revoked, NOW)).wait().unwrap();
    let state: (String, Option<String>) = place
        .connection()
        .query_row("SELECT state, json FROM sessions", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(state, ("revoked".to_owned(), None), "of an ended session no value stays");
}

#[test]
fn a_look_over_finds_a_sound_file_sound() {
    let place = Place::new();
    let store = place.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let found = store.inspect().unwrap();
    assert!(found.is_wal && found.damage.is_empty() && found.log_bytes > 0, "{found:?}");
    assert_eq!(found.mode, cfg!(unix).then_some(0o600));
}

/// POSIX locks belong to a process and a file: closing any handle on the file gives all of them up, and then another process
/// may take the log away under this one.
#[cfg(target_os = "linux")]
#[test]
fn looking_at_a_file_that_is_in_use_gives_up_no_lock_on_it() {
    use std::os::unix::fs::MetadataExt;

    let place = Place::new();
    let store = place.open();
    insert(&store, 1, record(NOW, 10)).unwrap();
    let inode = format!(":{} ", fs::metadata(place.path()).unwrap().ino());
    // The list may skip a lock while others come and go, but not every time.
    let is_locked =
        || (0..100).any(|_| fs::read_to_string("/proc/locks").unwrap().contains(&inode));
    assert!(is_locked(), "a file in use is locked");
    let looks: [fn(&Place); 3] = [
        |place| drop(place.open()),
        |place| drop(place.open().inspect().unwrap()),
        |place| drop(SqliteStore::builder(place.path()).open_read_only().unwrap()),
    ];
    for look in looks {
        look(&place);
        assert!(is_locked(), "another process may take it for nobody's");
    }
}

#[test]
fn other_writes_get_their_turn_between_the_steps_of_a_sweep() {
    let place = Place::new();
    let store = place.open();
    let asked: Vec<_> = (0..1_000).map(|n| store.insert(id(n), record(NOW, 10))).collect();
    for answer in asked {
        assert_eq!(answer.wait().unwrap(), Inserted::Done);
    }
    let later = NOW.after(IDLE * 2);
    let mut sweep = store.sweep(later, 10_000);
    let mut context = Context::from_waker(Waker::noop());
    let mut written = 1_000;
    let swept = loop {
        match Pin::new(&mut sweep).poll(&mut context) {
            Poll::Ready(swept) => break swept.unwrap(),
            Poll::Pending => insert(&store, written, record(later, 10)).unwrap(),
        }
        written += 1;
    };
    // Each new session took two of the expired along.
    assert!(written - 1_000 >= 4 && swept > 900, "{swept} in {} steps", written - 1_000);
    let left = store.scan(None, 10_000).wait().unwrap().entries;
    assert_eq!(left.len(), usize::try_from(written - 1_000).unwrap());
}

/// Small moves of a deadline are not noted where a sweep looks, so it has to look twice.
#[test]
fn a_sweep_spares_a_session_whose_deadline_moved_a_little_and_takes_it_at_its_time() {
    let place = Place::new();
    let store = place.open();
    let second = Duration::from_secs(1);
    for n in 0..300 {
        insert(&store, n, record(NOW, 10)).unwrap();
        let later = record(NOW.after(second * (n % 90)), 10);
        assert!(matches!(
            store.replace(id(n), later.revision(), later.clone()).wait(),
            Ok(Swap::Done)
        ));
    }
    let begin = NOW.after(IDLE);
    for passed in 0..95 {
        let now = begin.after(second * passed);
        let mut swept = 0;
        while let removed @ 1.. = store.sweep(now, 2).wait().unwrap() {
            swept += removed;
        }
        let due = (0..300).filter(|n| n % 90 == passed).count();
        assert_eq!(swept, due, "{passed} s after the first");
    }
    assert!(store.scan(None, 1).wait().unwrap().entries.is_empty());
}

#[test]
fn new_sessions_take_garbage_along() {
    let place = Place::new();
    let store = place.open();
    let alice = Principal::new("alice").unwrap();
    for n in 0..100 {
        insert(&store, n, record(NOW, 10)).unwrap();
        let admission = IndexLogin::new(alice.clone(), id(n), NOW.after(IDLE));
        assert_eq!(store.index_login(admission).wait().unwrap(), Indexed::Done);
    }
    let later = NOW.after(IDLE * 3);
    for n in 100..160 {
        insert(&store, n, record(later, 10)).unwrap();
    }
    let left = |table: &str| -> u32 {
        place
            .connection()
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((left("session"), left("admission")), (60, 0));
}
