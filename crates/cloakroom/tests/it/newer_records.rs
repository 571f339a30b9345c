//! Records that a later version wrote, with extensions that this one does not know.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom::policy::UnreadablePolicy;
use cloakroom::record::{Record, Stored};
use cloakroom::store::{StoreError, StoreErrorKind, Swap};
use cloakroom::{
    ErrorKind, Io, Key, Lifetime, MemoryStore, NoSession, Principal, PublicId, SessionMap, Store,
    decorate_store,
};
use cloakroom_testkit::{TestSessions, block_on};

/// The entry with tag 7, not critical, and the bytes `new`.
const ENTRY: &[u8] = &[7, 0, 0, 3, b'n', b'e', b'w'];
const CRITICAL: &[u8] = &[7, 1, 0, 0];

/// A store that keeps bytes, as stores outside the process do.
#[derive(Clone, Debug)]
struct Shared(Arc<SharedState>);

#[derive(Debug)]
struct SharedState {
    inner: MemoryStore,
    /// Whether a later version has added a critical extension to every record.
    is_critical: AtomicBool,
}

impl Shared {
    fn new() -> Self {
        let inner = MemoryStore::new().with_encoded_values();
        Self(Arc::new(SharedState { inner, is_critical: AtomicBool::new(false) }))
    }

    fn stored(&self, id: PublicId) -> Stored {
        self.0.inner.get(id).wait().unwrap().unwrap()
    }

    fn bytes(&self, id: PublicId) -> Vec<u8> {
        self.stored(id).to_bytes().unwrap()
    }

    /// What a later version does: it adds an extension to a live session.
    fn extend(&self, id: PublicId) {
        let stored = self.stored(id);
        let extended = Stored::from_bytes(&with_entry(&stored, ENTRY)).unwrap();
        let (record, extended) = (live(stored).unwrap(), live(extended).unwrap());
        let now = record.created();
        let swap = self.0.inner.replace(id, &record, extended, now).wait().unwrap();
        assert!(matches!(swap, Swap::Done), "{swap:?}");
    }
}

fn live(stored: Stored) -> Option<Record> {
    match stored {
        Stored::Live(record) => Some(record),
        Stored::Ended(_) => None,
    }
}

impl Store for Shared {
    decorate_store!(self => &self.0.inner;
        insert, replace, touch, end_if, end, index_login, revoke_before, erase, sessions_of, scan,
        sweep, health);

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let found = self.0.inner.get(id).wait();
        Io::ready(found.and_then(|found| match found {
            Some(stored) if self.0.is_critical.load(Ordering::Relaxed) => {
                Ok(Some(Stored::from_bytes(&with_entry(&stored, CRITICAL))?))
            }
            found => Ok(found),
        }))
    }
}

/// The bytes of `stored`, on which alice is signed in, with this entry as its last extension. The
/// area follows the principal.
fn with_entry(stored: &Stored, entry: &[u8]) -> Vec<u8> {
    const PRINCIPAL: &[u8] = b"\x05alice";
    let mut bytes = stored.to_bytes().unwrap();
    let principal = bytes.windows(PRINCIPAL.len()).position(|part| part == PRINCIPAL).unwrap();
    let area = principal + PRINCIPAL.len();
    let mut end = area + 1;
    for _ in 0..bytes[area] {
        assert!(bytes[end] < entry[0], "the extensions are in order");
        end += 4 + usize::from(u16::from_be_bytes([bytes[end + 2], bytes[end + 3]]));
    }
    bytes[area] += 1;
    bytes.splice(end..end, entry.iter().copied());
    bytes
}

fn alice() -> Principal {
    Principal::new("alice").unwrap()
}

/// The key of a signed-in user.
async fn session_in(test: &TestSessions) -> Key {
    let mut session = test.sessions.generate(SessionMap::default()).await.unwrap();
    session.login(&alice()).await.unwrap();
    session.key().unwrap().clone()
}

/// Panics unless the entry was written since the last call and still has the extension.
fn assert_written_and_kept(store: &Shared, id: PublicId, last: &mut Vec<u8>) {
    let bytes = store.bytes(id);
    assert_ne!(bytes, *last, "nothing was written");
    assert!(bytes.windows(ENTRY.len()).any(|window| window == ENTRY), "the extension is lost");
    *last = bytes;
}

#[test]
fn an_unknown_extension_is_kept_by_everything_that_a_session_does() {
    let store = Shared::new();
    let test: TestSessions = TestSessions::new(store.clone());
    block_on(async {
        let mut key = session_in(&test).await;
        let id = key.id();
        store.extend(id);
        let last = &mut Vec::new();
        assert_written_and_kept(&store, id, last);
        let open = async |key: &Key| {
            test.sessions.request_session().session(&test.request(key)).await.unwrap()
        };
        // The second use confirms the renewed key, the third retires the old one.
        for minutes in [4, 16, 1, 2] {
            test.clock.advance(Duration::from_secs(60 * minutes));
            let session = open(&key).await;
            key = session.key().cloned().unwrap_or(key);
            assert_written_and_kept(&store, id, last);
        }
        let mut session = open(&key).await;
        session.update(|map| map.insert("n", 1).unwrap()).await.unwrap();
        assert_written_and_kept(&store, id, last);
        session.extend(Duration::from_secs(600)).await.unwrap();
        assert_written_and_kept(&store, id, last);
        session.set_lifetime(Lifetime::one_week()).await.unwrap();
        assert_written_and_kept(&store, id, last);
        session.renew().await.unwrap();
        assert_written_and_kept(&store, id, last);
        session.login(&alice()).await.unwrap();
        assert_written_and_kept(&store, id, last);
        session.logout().await.unwrap();
        assert_written_and_kept(&store, id, last);
        assert!(matches!(store.stored(id), Stored::Ended(_)));
    });
}

#[test]
fn a_record_with_an_unknown_critical_extension_serves_nothing_and_stays_as_it_is() {
    let store = Shared::new();
    let test: TestSessions = TestSessions::new(store.clone());
    block_on(async {
        let key = session_in(&test).await;
        let before = store.bytes(key.id());
        store.0.is_critical.store(true, Ordering::Relaxed);
        let error = store.get(key.id()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("critical extension 7 needs a newer version"), "{cause}");

        let mut session =
            test.sessions.request_session().session(&test.request(&key)).await.unwrap();
        assert_eq!(session.no_session(), Some(NoSession::Unreadable));
        session.login(&alice()).await.unwrap();
        assert_ne!(session.id(), Some(key.id()));
        let refusing: TestSessions = TestSessions::with(store.clone(), |builder| {
            builder.unreadable(UnreadablePolicy::Refuse)
        });
        let error = refusing.sessions.of_key(&key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(store.bytes(key.id()), before);

        // A node of the later version goes on with the session.
        store.0.is_critical.store(false, Ordering::Relaxed);
        assert!(test.sessions.of_key(&key).await.is_ok());
    });
}
