//! What listing, limiting and revoking by principal cost with 100,000 sessions and with 1,000.
//!
//! Each principal has ten sessions; one has a tenth of all. What is bounded costs the same in both
//! columns.

use std::sync::Arc;

use cloakroom::store::Page;
use cloakroom::{Io, MemoryStore, Principal, SessionLimit, SessionMap, Sessions, Store};
use cloakroom_sqlite::SqliteStore;

use crate::Failure;
use crate::meter::{microseconds, now, permille};
use crate::options::say;
use crate::report::{Cell, Report, Table};

/// The bench's name on the command line.
pub const NAME: &str = "index";
/// Flags that this bench knows.
pub const FLAGS: &str = "--json --save";

const FEW: usize = 1_000;
const MANY: usize = 100_000;
/// Sessions of each principal but one.
const EACH: usize = 10;

const ABOUT: &str = "\
Listing, limiting and revoking by principal. Each principal has ten sessions; one has a tenth of \
all. What is bounded costs the same with few sessions as with many.";

pub fn bench() -> Result<Report, Failure> {
    crate::require_release_build()?;
    let place = tempfile::tempdir()?;
    let (few, many) = (FEW.to_string(), MANY.to_string());
    let columns = ["store", "operation", &*few, &*many, "ratio"];
    let mut table = Table::new("microseconds, medians, by sessions", &columns);
    for store in ["memory", "sqlite"] {
        let open = |name: &str| -> Result<Arc<dyn Store>, Failure> {
            Ok(match store {
                "memory" => Arc::new(MemoryStore::new()),
                _ => Arc::new(SqliteStore::open(place.path().join(name))?),
            })
        };
        let few = Filled::new(open("few")?, FEW)?;
        let many = Filled::new(open("many")?, MANY)?;
        say(&format!("{store}: measuring"));
        for (number, (name, operation)) in OPERATIONS.into_iter().enumerate() {
            let (few, many) = (few.median(number, operation)?, many.median(number, operation)?);
            let cells = [few, many, many / few].map(|value| Cell::number(value, 1));
            table.row([store.into(), name.into()].into_iter().chain(cells));
        }
    }
    let mut report = Report::new(NAME, ABOUT, &[]);
    report.tables.push(table);
    Ok(report)
}

/// A store with many sessions of many principals.
struct Filled {
    store: Arc<dyn Store>,
    sessions: Sessions<SessionMap>,
    /// The same, with a limit that every principal has reached.
    limited: Sessions<SessionMap>,
    principals: Vec<Principal>,
    /// Has a tenth of all sessions.
    heavy: Principal,
}

type Operation = fn(&Filled, &Principal) -> Result<(), Failure>;

const OPERATIONS: [(&str, Operation); 8] = [
    ("list a principal's 10 sessions", |filled, who| {
        expect(Io::future(filled.sessions.list(who, Page::first(100))).wait()?.len(), EACH)
    }),
    ("list 50 of a principal with a tenth of all", |filled, _| {
        expect(Io::future(filled.sessions.list(&filled.heavy, Page::first(50))).wait()?.len(), 50)
    }),
    ("scan a page of 500", |filled, _| {
        expect(filled.store.scan(None, 500).wait()?.entries.len(), 500)
    }),
    ("sign in at a limit of 10, which ends the oldest session", |filled, who| {
        sign_in(&filled.limited, who, 1)
    }),
    ("revoke one session", |filled, who| {
        let one = filled.store.sessions_of(who, Page::first(1)).wait()?[0];
        Io::future(filled.sessions.revoke(one)).wait()?;
        Ok(())
    }),
    ("revoke a principal's 10 sessions", |filled, who| {
        expect(Io::future(filled.sessions.revoke_all(who)).wait()?, EACH)
    }),
    ("revoke a principal's sessions issued before now", |filled, who| {
        Io::future(filled.sessions.revoke_issued_before(who, filled.sessions.now())).wait()?;
        Ok(())
    }),
    (WHOLE_SCAN, |filled, _| {
        let mut from = filled.store.scan(None, 500).wait()?.next;
        while from.is_some() {
            from = filled.store.scan(from.as_ref(), 500).wait()?.next;
        }
        Ok(())
    }),
];

const WHOLE_SCAN: &str = "scan all sessions (not bounded, in milliseconds)";

fn expect(found: usize, expected: usize) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found} sessions instead of {expected}").into())
}

impl Filled {
    fn new(store: Arc<dyn Store>, sessions: usize) -> Result<Self, Failure> {
        say(&format!("{sessions} sessions sign in"));
        let all: Sessions<SessionMap> = Sessions::new(Arc::clone(&store))?;
        let limit = SessionLimit::end_oldest(u8::try_from(EACH)?);
        let limited = Sessions::builder(Arc::clone(&store)).limit(limit).build()?;
        let principal = |number: usize| Principal::new(format!("user-{number}"));
        let principals = (0..sessions * 9 / 10 / EACH).map(principal);
        let principals = principals.collect::<Result<Vec<_>, _>>()?;
        let heavy = Principal::new("heavy")?;
        // Several threads fill a store that writes in batches much sooner than one.
        std::thread::scope(|scope| {
            let parts = principals.chunks(principals.len().div_ceil(16));
            let workers: Vec<_> = parts
                .map(|part| {
                    let all = &all;
                    scope.spawn(move || part.iter().try_for_each(|who| sign_in(all, who, EACH)))
                })
                .collect();
            let heavy = scope.spawn(|| sign_in(&all, &heavy, sessions / 10));
            workers.into_iter().chain([heavy]).try_for_each(|worker| {
                worker.join().map_err(|_| Failure::from("a thread that signs in panicked"))?
            })
        })?;
        Ok(Self { store, sessions: all, limited, principals, heavy })
    }

    /// Microseconds of one operation, of another principal each time.
    fn median(&self, number: usize, operation: Operation) -> Result<f64, Failure> {
        let is_whole_scan = OPERATIONS[number].0 == WHOLE_SCAN;
        let times = if is_whole_scan { 3 } else { 60 };
        // Each operation has its own part of the principals: others have been revoked.
        let part = self.principals.len() / OPERATIONS.len();
        let mut taken = Vec::with_capacity(times);
        for time in 0..times {
            let who = &self.principals[part * number + time % part];
            // Replaces what an earlier turn revoked.
            let present = self.store.sessions_of(who, Page::first(EACH)).wait()?.len();
            sign_in(&self.sessions, who, EACH - present)?;
            let began = now();
            operation(self, who)?;
            taken.push(microseconds(began.elapsed()));
        }
        let median = permille(&mut taken, 500);
        Ok(if is_whole_scan { median / 1e3 } else { median })
    }
}

/// Signs the principal in on so many new sessions.
fn sign_in(sessions: &Sessions<SessionMap>, who: &Principal, times: usize) -> Result<(), Failure> {
    let (sessions, who) = (sessions.clone(), who.clone());
    Io::future(async move {
        for _ in 0..times {
            let mut session = sessions.request_session().session(&http::HeaderMap::new()).await?;
            session.login(&who).await?;
        }
        Ok(())
    })
    .wait()
}
