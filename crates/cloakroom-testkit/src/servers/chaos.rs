//! Tests of a store while its server is killed, frozen or cut off.
//!
//! Each function takes a server and a function that opens a store at a URL. The store's timeout
//! must be [`STORE_TIMEOUT`]. Most of them print what they measured.

#![allow(clippy::print_stdout, reason = "the tests print what they measured")]

mod feed;
mod partition;
mod workload;

use std::error::Error;
use std::iter::successors;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cloakroom::record::{Revision, Stored};
use cloakroom::store::Page;
use cloakroom::{ErrorKind, Principal, PublicId, SessionMap, Sessions, Store, Timestamp};

use super::{Proxy, Server};
use crate::block_on;
use workload::{Workload, add_one, begin, now, wait};

pub use feed::*;
pub use partition::*;
pub use workload::DataLoss;

/// The timeout of a store under test.
pub const STORE_TIMEOUT: Duration = Duration::from_millis(500);

/// How many calls a frozen server gets, over three timeouts.
const CALLS: u32 = 48;

/// Kills and restarts the server `kills` times under concurrent updates.
pub fn kill_repeatedly<S: Server, T: Store>(
    server: &mut S,
    kills: u64,
    open: impl Fn(&str) -> T,
) -> DataLoss {
    let work = Workload::new(open(&server.url()));
    work.run(kills, 50, || {
        server.kill();
        assert!(server.restart(), "the server does not start again");
    })
}

/// A durable server that is killed five times loses nothing it acknowledged.
pub fn nothing_acknowledged_is_lost<S: Server, T: Store>(server: &mut S, open: impl Fn(&str) -> T) {
    let loss = kill_repeatedly(server, 5, open);
    assert_eq!((loss.lost, loss.revived), (0, 0), "{loss:?}");
    println!("killed 5 times: {loss:?}");
}

/// A frozen server is an error soon after the timeout, and works again once it goes on.
pub fn a_frozen_server_is_an_error_in_time<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let sessions: Sessions<SessionMap> =
        Sessions::new(open(&server.url())).expect("valid settings");
    let key = begin(&sessions);
    server.freeze();
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let began = now();
        let error = block_on(sessions.of_key(&key)).expect_err("no answer comes");
        slowest = slowest.max(began.elapsed());
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    server.thaw();
    // Generous, for busy machines: without a timeout no answer would come at all.
    assert!(slowest < 20 * STORE_TIMEOUT, "an answer took {slowest:?}");
    assert!(add_one(&sessions, &key).is_some());
    println!("server frozen: the slowest error after {slowest:?}");
}

/// While the server is frozen, every call ends within the store's timeout, which is `timeout`,
/// however many calls wait before it. Once the server is known not to answer, calls fail sooner.
pub fn every_call_ends_in_time<S: Server, T: Store>(
    server: &mut S,
    timeout: Duration,
    open: impl Fn(&str) -> T,
) {
    let store = open(&server.url());
    assert!(block_on(store.health()).is_ok());
    let principal = Principal::new("alice").expect("a valid name");
    server.freeze();
    let took: Vec<(u32, Duration)> = thread::scope(|scope| {
        let calling: Vec<_> = (0..CALLS)
            .map(|number| {
                let (store, principal) = (&store, &principal);
                let calling = scope.spawn(move || {
                    let id = PublicId::from_bytes(u128::from(number).to_be_bytes());
                    let began = now();
                    let is_error = match number % 4 {
                        0 => block_on(store.get(id)).is_err(),
                        1 => block_on(store.touch(id, Revision::new(1, 1), Timestamp::EPOCH))
                            .is_err(),
                        2 => block_on(store.sessions_of(principal, None, Page::first(1))).is_err(),
                        _ => block_on(store.health()).is_err(),
                    };
                    assert!(is_error, "a frozen server answers nothing");
                    (number, began.elapsed())
                });
                wait(3 * timeout / CALLS);
                calling
            })
            .collect();
        calling.into_iter().map(|calling| calling.join().expect("a call that ends")).collect()
    });
    server.thaw();
    let slowest = took.iter().max_by_key(|(_, took)| *took).expect("there are calls");
    let late: Vec<Duration> =
        took.iter().filter(|(number, _)| *number >= CALLS / 2).map(|(_, took)| *took).collect();
    let mean = late.iter().sum::<Duration>() / u32::try_from(late.len()).unwrap_or(1);
    println!("frozen: the slowest of {CALLS} calls took {slowest:?}, the late ones {mean:?}");
    // Half of the timeout is for busy machines. A call that begins when another one has waited
    // would need twice the timeout without a deadline of its own.
    assert!(slowest.1 < timeout * 3 / 2, "{took:?}");
    assert!(mean < timeout / 2, "{took:?}");
    let works = || block_on(store.health()).is_ok();
    assert!((0..30).any(|_| works() || (wait(timeout / 10), false).1), "it works again");
}

/// While the server is down, each error names it by host and port, and says the cause once.
pub fn an_error_names_the_server_and_the_cause<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let store = open(&server.url());
    let address = format!("127.0.0.1:{}", server.port());
    server.kill();
    let mut refused = 0;
    for _ in 0..1_000 {
        let error = store.get(PublicId::from_bytes([1; 16])).wait().expect_err("it is down");
        let errors = successors(Some(&error as &dyn Error), |&error| error.source());
        let said: Vec<_> = errors.map(ToString::to_string).collect();
        let said = said.join(": ");
        assert_eq!(said.matches(&address).count(), 1, "{said}");
        match said.matches("onnection refused").count() {
            0 => assert_eq!(refused, 0, "only what is cut off has another cause: {said}"),
            1 => refused += 1,
            _ => panic!("the cause is repeated: {said}"),
        }
        if refused == 10 {
            return;
        }
    }
    panic!("no error says that the connection was refused");
}

/// Connections that are reset under load lose nothing.
pub fn reset_connections_lose_nothing<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let work = Workload::new(open(&server.url_at(proxy.port())));
    let loss = work.run(20, 40, || proxy.reset());
    assert_eq!((loss.lost, loss.revived), (0, 0), "{loss:?}");
    println!("connections reset 20 times: {loss:?}");
}

/// Each operation on a session takes the fewest round trips, as a [`Proxy`] counts them.
pub fn operations_are_one_round_trip<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let store = open(&server.url_at(proxy.port()));
    open_all_connections(&store);
    let alice = Principal::new("alice").expect("a valid name");
    let store = Arc::new(store);
    let sessions = write_on_all_connections(&store);
    let trips = |what: &str, expected: u64, act: &mut dyn FnMut()| {
        let before = proxy.round_trips();
        act();
        assert_eq!(proxy.round_trips() - before, expected, "{what}");
    };
    let mut key = None;
    trips("begin", 1, &mut || key = Some(begin(&sessions)));
    let key = key.expect("a key");
    trips("read", 1, &mut || drop(block_on(sessions.of_key(&key)).expect("the session is live")));
    trips("read and change", 2, &mut || assert_eq!(add_one(&sessions, &key), Some(0)));
    let record = match block_on(store.get(key.id())).expect("an answer") {
        Some(Stored::Live(record)) => record,
        other => panic!("{other:?}"),
    };
    let later = Timestamp::from_millis(record.idle_deadline().as_millis() + 1);
    trips("touch", 1, &mut || {
        assert!(block_on(store.touch(key.id(), record.revision(), later)).expect("an answer"));
    });
    // One read, the index, one write, and the index again.
    trips("sign in", 4, &mut || {
        let mut session = block_on(sessions.of_key(&key)).expect("the session is live");
        block_on(session.login(&alice)).expect("signed in");
        drop(session);
    });
    trips("end", 1, &mut || block_on(sessions.revoke(key.id())).expect("the session is ended"));
}

/// Writes until the store has made all connections that write.
fn write_on_all_connections<T: Store>(store: &Arc<T>) -> Sessions<SessionMap> {
    let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(store)).expect("valid settings");
    for _ in 0..20 {
        assert!(add_one(&sessions, &begin(&sessions)).is_some());
    }
    sessions
}

/// Asks until the store has made all connections of its pool.
fn open_all_connections(store: &impl Store) {
    let unused = PublicId::from_bytes([0; 16]);
    let alice = Principal::new("alice").expect("a valid name");
    for _ in 0..200 {
        block_on(store.get(unused)).expect("an answer");
        block_on(store.revoke_before(&alice, Timestamp::EPOCH, Timestamp::EPOCH))
            .expect("an answer");
    }
}
