//! How often each operation on a session calls its store, and how often that calls its server.
//!
//! Every operation begins as a request does, with a key. Servers are private ones on this machine.

use std::collections::BTreeMap;

use cloakroom::{Key, Principal, SessionMap, Sessions};
use cloakroom_testkit::SpyStore;
use cloakroom_testkit::servers::Proxy;
use tokio::runtime::Builder;

use crate::Failure;
use crate::engine::Engine;
use crate::options::say;
use crate::report::{Cell, Report, Table, print_line};

/// The bench's name on the command line.
pub const NAME: &str = "trips";
/// Flags that this bench knows.
pub const FLAGS: &str = "--json --save --guard";

const ABOUT: &str = "\
How often an operation on a session calls its store, and how often the store's client then waits \
for its server. Each operation begins with a key, as a request does. `-` marks stores without a \
server.";

/// What an application does with a session in one request, in an order in which each finds what it
/// needs.
const OPERATIONS: [&str; 6] = ["ignore", CREATE, "open", UPDATE, LOGIN, LOGOUT];
const CREATE: &str = "create";
const UPDATE: &str = "read and update";
const LOGIN: &str = "login";
const LOGOUT: &str = "logout";

/// The calls of one operation.
#[derive(Clone, Copy, Debug)]
struct Trips {
    calls: usize,
    round_trips: Option<usize>,
}

type ToCell = fn(&Trips) -> Cell;

/// One store's trips, operation by operation.
type Row = (&'static str, Vec<(&'static str, Trips)>);

/// Counts, and makes a report.
pub fn bench() -> Result<Report, Failure> {
    let rows = rows()?;
    let mut report = Report::new(NAME, ABOUT, &[]);
    let columns: Vec<&str> = ["store"].into_iter().chain(OPERATIONS).collect();
    let titles: [(&str, ToCell); 2] = [
        ("calls of the store", |trips| trips.calls.into()),
        ("round trips to its server", |trips| trips.round_trips.map_or(Cell::None, Cell::from)),
    ];
    for (title, cell) in titles {
        let mut table = Table::new(title, &columns);
        for (store, trips) in &rows {
            let cells = trips.iter().map(|(_, trips)| cell(trips));
            table.row([(*store).into()].into_iter().chain(cells));
        }
        report.tables.push(table);
    }
    Ok(report)
}

/// Prints the figures of the bench guard, such as `redis, login: round trips`.
pub fn guard() -> Result<(), Failure> {
    let mut figures = BTreeMap::new();
    for (store, trips) in rows()? {
        for (operation, trips) in trips {
            let name = |what: &str| format!("{store}, {operation}: {what}");
            figures.insert(name("store calls"), trips.calls);
            figures.extend(trips.round_trips.map(|count| (name("round trips"), count)));
        }
    }
    print_line(&serde_json::to_string_pretty(&figures)?)
}

fn rows() -> Result<Vec<Row>, Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    for name in Engine::NAMES {
        say(&format!("counting: {name}"));
        let engine = Engine::start(&runtime, name, true)?;
        rows.push((name, runtime.block_on(count(&engine))?));
    }
    Ok(rows)
}

/// Counts each operation the second time, when nothing but the operation itself is left to do.
async fn count(engine: &Engine) -> Result<Vec<(&'static str, Trips)>, Failure> {
    let store = SpyStore::new(engine.store.clone());
    let sessions: Sessions<SessionMap> = Sessions::new(store.clone())?;
    let mut found = Vec::new();
    for is_counted in [false, true] {
        let mut key =
            sessions.generate(SessionMap::default()).await?.key().ok_or("no key")?.clone();
        for operation in OPERATIONS {
            store.reset();
            let before = engine.proxy.as_ref().map(Proxy::round_trips);
            key = run(operation, &sessions, &key).await?;
            let after = engine.proxy.as_ref().map(Proxy::round_trips);
            let round_trips =
                after.zip(before).map(|(after, before)| usize::try_from(after - before));
            let calls = store.calls().total();
            let trips = Trips { calls, round_trips: round_trips.transpose()? };
            found.extend(is_counted.then_some((operation, trips)));
        }
    }
    Ok(found)
}

/// Runs on the session of `key`, or on a new one; the session's key afterwards.
async fn run(operation: &str, sessions: &Sessions<SessionMap>, key: &Key) -> Result<Key, Failure> {
    let mut session = match operation {
        "ignore" => {
            sessions.request_session().finish(&mut http::HeaderMap::new());
            return Ok(key.clone());
        }
        CREATE => sessions.generate(SessionMap::default()).await?,
        _ => sessions.of_key(key).await?,
    };
    match operation {
        UPDATE => drop(session.insert("visits", 1).await?),
        LOGIN => session.login(&Principal::new("alice")?).await?,
        LOGOUT => session.logout().await?,
        _ => {}
    }
    Ok(session.key().cloned().unwrap_or_else(|| key.clone()))
}
