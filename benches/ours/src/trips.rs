//! How often each operation on a session calls its store, and how often that calls its server.
//!
//! Every operation begins as a request does, with a key. Servers are private ones on this machine.

use std::collections::BTreeMap;

use cloakroom::{Key, Principal, SessionMap, Sessions};
use cloakroom_testkit::SpyStore;
use cloakroom_testkit::servers::Wire;
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

/// What an application does with a session in one request.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Ignore,
    Create,
    Open,
    Update,
    Login,
    Logout,
}

/// The calls of one operation.
#[derive(Clone, Copy, Debug)]
struct Trips {
    calls: usize,
    wire: Option<usize>,
}

type ToCell = fn(&Trips) -> Cell;

/// One store's trips, operation by operation.
type Row = (&'static str, Vec<(Operation, Trips)>);

/// Counts, and makes a report.
pub fn bench() -> Result<Report, Failure> {
    let rows = rows()?;
    let mut report = Report::new(NAME, ABOUT, &[]);
    let names = Operation::ALL.map(Operation::name);
    let columns: Vec<&str> = ["store"].into_iter().chain(names).collect();
    let titles: [(&str, ToCell); 2] = [
        ("calls of the store", |trips| trips.calls.into()),
        ("round trips to its server", |trips| trips.wire.map_or(Cell::None, Cell::from)),
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
            let name = |what: &str| format!("{store}, {}: {what}", operation.name());
            figures.insert(name("store calls"), trips.calls);
            figures.extend(trips.wire.map(|wire| (name("round trips"), wire)));
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
async fn count(engine: &Engine) -> Result<Vec<(Operation, Trips)>, Failure> {
    let store = SpyStore::new(engine.store.clone());
    let sessions: Sessions<SessionMap> = Sessions::new(store.clone())?;
    let mut found = Vec::new();
    for is_counted in [false, true] {
        let mut key =
            sessions.generate(SessionMap::default()).await?.key().ok_or("no key")?.clone();
        for operation in Operation::ALL {
            store.reset();
            let before = engine.wire.as_ref().map(Wire::round_trips);
            key = operation.run(&sessions, &key).await?;
            let after = engine.wire.as_ref().map(Wire::round_trips);
            let wire = after.zip(before).map(|(after, before)| usize::try_from(after - before));
            let calls = store.calls().total();
            let trips = Trips { calls, wire: wire.transpose()? };
            found.extend(is_counted.then_some((operation, trips)));
        }
    }
    Ok(found)
}

impl Operation {
    /// In an order in which each finds what it needs.
    const ALL: [Self; 6] =
        [Self::Ignore, Self::Create, Self::Open, Self::Update, Self::Login, Self::Logout];

    const fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Create => "create",
            Self::Open => "open",
            Self::Update => "read and update",
            Self::Login => "login",
            Self::Logout => "logout",
        }
    }

    /// Runs on the session of `key`, or on a new one; the session's key afterwards.
    async fn run(self, sessions: &Sessions<SessionMap>, key: &Key) -> Result<Key, Failure> {
        let mut session = match self {
            Self::Ignore => {
                sessions.request_session().finish(&mut http::HeaderMap::new());
                return Ok(key.clone());
            }
            Self::Create => sessions.generate(SessionMap::default()).await?,
            _ => sessions.of_key(key).await?,
        };
        match self {
            Self::Update => drop(session.insert("visits", 1).await?),
            Self::Login => session.login(&Principal::new("alice")?).await?,
            Self::Logout => session.logout().await?,
            Self::Ignore | Self::Create | Self::Open => {}
        }
        Ok(session.key().cloned().unwrap_or_else(|| key.clone()))
    }
}
