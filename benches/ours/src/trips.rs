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

const ABOUT: &str = "\
How often an operation on a session calls its store, and how often the store's client then waits
for its server. Each operation begins with a key, as a request does. `-` marks stores without a
server.";

/// What an application does with a session in one request, in an order in which each finds what it
/// needs.
const OPERATIONS: [&str; 6] = ["ignore", CREATE, "open", UPDATE, LOGIN, LOGOUT];
const CREATE: &str = "create";
const UPDATE: &str = "read and update";
const LOGIN: &str = "login";
const LOGOUT: &str = "logout";

/// The calls of one operation on one store.
#[derive(Clone, Copy, Debug)]
struct Count {
    store: &'static str,
    operation: &'static str,
    calls: usize,
    round_trips: Option<usize>,
}

/// Counts, and makes a report.
pub fn bench() -> Result<Report, Failure> {
    let mut table = Table::new("calls", &["store", "operation", "of the store", "round trips"]);
    for Count { store, operation, calls, round_trips } in all()? {
        let round_trips = round_trips.map_or(Cell::None, Cell::from);
        table.row([store.into(), operation.into(), calls.into(), round_trips]);
    }
    let mut report = Report::new(NAME, ABOUT, "");
    report.tables.push(table);
    Ok(report)
}

/// Prints the figures of the bench guard, such as `redis, login: round trips`.
pub fn guard() -> Result<(), Failure> {
    let mut figures = BTreeMap::new();
    for Count { store, operation, calls, round_trips } in all()? {
        let name = |what: &str| format!("{store}, {operation}: {what}");
        figures.insert(name("store calls"), calls);
        figures.extend(round_trips.map(|count| (name("round trips"), count)));
    }
    print_line(&serde_json::to_string_pretty(&figures)?)
}

fn all() -> Result<Vec<Count>, Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut all = Vec::new();
    for name in Engine::NAMES {
        say(&format!("counting: {name}"));
        let engine = Engine::start(&runtime, name, true)?;
        all.extend(runtime.block_on(count(&engine))?);
    }
    Ok(all)
}

/// Counts each operation the second time, when nothing but the operation itself is left to do.
async fn count(engine: &Engine) -> Result<Vec<Count>, Failure> {
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
            let (calls, round_trips) = (store.calls().total(), round_trips.transpose()?);
            let trips = Count { store: engine.name, operation, calls, round_trips };
            found.extend(is_counted.then_some(trips));
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
