//! Links that pass in one direction only.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cloakroom::record::{Record, Stored};
use cloakroom::store::{Inserted, Outcome, StoreError, StoreErrorKind};
use cloakroom::{PublicId, Store};

use super::workload::{Workload, now, until, wait};
use super::{STORE_TIMEOUT, open_all_connections, write_on_all_connections};
use crate::servers::{Proxy, Server};
use crate::store_suite::{NOW, bytes, ending, record};

/// How many writes of each kind are made at once.
const WRITES: u8 = 4;

/// While the link to the server passes in one direction only, each write fails within the store's
/// timeout, which is `timeout`. If its outcome is unknown, it happens as a whole or not at all;
/// otherwise it never happens. Once the link is whole, the write can be repeated.
pub fn a_write_that_is_not_answered_happened_or_not<S: Server, T: Store>(
    server: &mut S,
    timeout: Duration,
    open: impl Fn(&str) -> T,
) {
    let direct = open(&server.url());
    for (number, cut) in [(0, "answers"), (100, "requests")] {
        let proxy = Proxy::to(server.port());
        let store = Arc::new(open(&server.url_at(proxy.port())));
        open_all_connections(&store);
        write_on_all_connections(&store);
        let writes = Write::all(number);
        for write in &writes {
            write.prepare(&direct);
        }
        match cut {
            "answers" => proxy.on(..).cut_answers(),
            _ => proxy.on(..).cut_requests(),
        }
        let failed = make_all(&writes, &store);
        let slowest = failed.iter().map(|(_, took)| *took).max().unwrap_or_default();
        // Half of the timeout is for busy machines.
        assert!(slowest < timeout * 3 / 2, "without {cut}, a write took {slowest:?}");
        let has_arrived = writes.iter().any(|write| write.has_happened(&direct));
        assert_eq!(has_arrived, cut == "answers", "without {cut}");
        proxy.restore();
        // Requests that were held back arrive now. If this is too short for one, the test sees
        // less of what it looks for, and fails no sooner.
        wait(timeout / 4);
        let (mut unknown, mut happened) = (0, 0);
        for (write, (error, _)) in writes.iter().zip(&failed) {
            let has_happened = write.has_happened(&direct);
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{write:?}: {error:?}");
            match error.outcome() {
                Outcome::NotSent => assert!(!has_happened, "without {cut}, {write:?} happened"),
                Outcome::Unknown => unknown += 1,
            }
            happened += u32::from(has_happened);
        }
        println!("without {cut}: {unknown} of {} writes unknown, {happened} made", writes.len());
        until(|| store.health().wait().is_ok());
        for write in &writes {
            until(|| write.make(&store).is_ok());
            assert!(write.has_happened(&direct), "{write:?}, repeated");
        }
    }
}

/// Updates lose nothing while the link fails in one direction, is restored, and fails in the other
/// direction.
pub fn a_link_that_passes_one_way_loses_nothing<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let work = Workload::new(open(&server.url_at(proxy.port())));
    let mut cuts = 0;
    let loss = work.run(8, 40, || {
        cuts += 1;
        match cuts % 2 {
            0 => proxy.on(..).cut_requests(),
            _ => proxy.on(..).cut_answers(),
        }
        // Calls fail, and connections that are made meanwhile, too.
        wait(3 * STORE_TIMEOUT);
        proxy.restore();
    });
    assert_eq!((loss.lost, loss.revived), (0, 0), "{loss:?}");
    assert!(loss.unknown > 0, "no update was in the air: {loss:?}");
    println!("cut 8 times in one direction: {loss:?}");
}

/// Makes all writes at once; their errors, and how long each took.
fn make_all(writes: &[Write], store: &impl Store) -> Vec<(StoreError, Duration)> {
    thread::scope(|scope| {
        let making: Vec<_> = writes
            .iter()
            .map(|write| {
                scope.spawn(move || {
                    let began = now();
                    let error = write.make(store).expect_err("the link is cut");
                    (error, began.elapsed())
                })
            })
            .collect();
        making.into_iter().map(|making| making.join().expect("an error")).collect()
    })
}

/// A write to a session of its own.
#[derive(Clone, Copy, Debug)]
struct Write {
    kind: WriteKind,
    id: PublicId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteKind {
    Insert,
    Replace,
    Touch,
    EndIf,
    End,
}

impl Write {
    /// Some of each kind. The ids begin with `number`.
    fn all(number: u8) -> Vec<Self> {
        use WriteKind::{End, EndIf, Insert, Replace, Touch};
        let kinds = [Insert, Replace, Touch, EndIf, End].into_iter().cycle();
        (0..5 * WRITES)
            .zip(kinds)
            .map(|(n, kind)| Self { kind, id: PublicId::from_bytes([number + n; 16]) })
            .collect()
    }

    /// Begins the session, unless this write does.
    fn prepare(self, store: &impl Store) {
        if self.kind != WriteKind::Insert {
            let inserted = store.insert(self.id, record(1)).wait().expect("an answer");
            assert_eq!(inserted, Inserted::Done, "the id is free");
        }
    }

    fn make(self, store: &impl Store) -> Result<(), StoreError> {
        let (id, first) = (self.id, record(1));
        let expected = first.revision();
        match self.kind {
            WriteKind::Insert => store.insert(id, first).wait().map(drop),
            WriteKind::Replace => store.replace(id, &first, record(2), NOW).wait().map(drop),
            WriteKind::Touch => {
                store.touch(id, expected, touched().idle_deadline()).wait().map(drop)
            }
            WriteKind::EndIf => store.end_if(id, expected, ending()).wait().map(drop),
            WriteKind::End => store.end(id, ending()).wait().map(drop),
        }
    }

    /// Panics if it happened in part, or if anything else did.
    fn has_happened(self, store: &impl Store) -> bool {
        let found = store.get(self.id).wait().expect("an answer");
        let is = |found: &Record, expected: Record| bytes(found) == bytes(&expected);
        match (self.kind, &found) {
            (WriteKind::Insert, None) => false,
            (WriteKind::Insert, Some(Stored::Live(found))) if is(found, record(1)) => true,
            (WriteKind::Replace, Some(Stored::Live(found))) if is(found, record(2)) => true,
            (WriteKind::Touch, Some(Stored::Live(found))) if is(found, touched()) => true,
            (WriteKind::EndIf | WriteKind::End, Some(Stored::Ended(found))) => {
                assert_eq!(found.ending(), ending(), "{self:?}");
                true
            }
            (_, Some(Stored::Live(found))) if is(found, record(1)) => false,
            _ => panic!("{self:?} left {found:?}"),
        }
    }
}

/// The first record after its touch.
fn touched() -> Record {
    let later = record(1).idle_deadline().after(Duration::from_secs(60));
    record(1).with_idle_deadline(later)
}
