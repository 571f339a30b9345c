//! Another process on the same file, and a store that asks the two in turn.

mod message;
mod serve;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, StoreErrorKind, Swap,
};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::Guarded;

use crate::place::Place;
pub(crate) use message::{Answer, Ask};

/// Names the file that this process is to serve, if it is the other process.
const FILE: &str = "CLOAKROOM_TEST_PEER_FILE";
pub(crate) const ARGUMENTS: [&str; 3] =
    ["--exact", "peer::what_one_process_writes_another_reads", "--nocapture"];
const LISTENS: &str = "the peer listens at ";
const FAILED: &str = "the peer failed: ";

/// A process that serves one file, and ends with this value.
#[derive(Debug)]
pub(crate) struct Peer {
    process: Child,
    address: SocketAddr,
    idle: Mutex<Vec<BufReader<TcpStream>>>,
}

impl Peer {
    pub(crate) fn start(file: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        Self::run(command.args(ARGUMENTS), file).unwrap()
    }

    /// Starts it from a shell, after `preparation`.
    #[cfg(unix)]
    pub(crate) fn start_after(preparation: &str, file: &Path) -> Result<Self, String> {
        let script = format!(r#"{preparation} && exec "$@""#);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(env::current_exe().unwrap());
        Self::run(command.args(ARGUMENTS), file)
    }

    /// Runs the command, which becomes the peer or says why it can't.
    pub(crate) fn run(command: &mut Command, file: &Path) -> Result<Self, String> {
        let mut process = command.env(FILE, file).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said = lines.find_map(|line| match line.split_once(LISTENS) {
            Some((_, address)) => Some(Ok(address.parse().unwrap())),
            None => line.split_once(FAILED).map(|(_, why)| Err(why.to_owned())),
        });
        match said.unwrap_or_else(|| Err("the peer was never started".to_owned())) {
            Ok(address) => Ok(Self { process, address, idle: Mutex::default() }),
            Err(why) => {
                process.wait().unwrap();
                Err(why)
            }
        }
    }

    /// One exchange, on a connection of its own while it lasts.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Answer, StoreError> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection =
            idle.unwrap_or_else(|| BufReader::new(TcpStream::connect(self.address).unwrap()));
        connection.get_mut().write_all(&message::line(ask)).unwrap();
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        self.idle.lock().unwrap().push(connection);
        match message::parse(&line) {
            Answer::Failed(why) => {
                Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable).with_source(why))
            }
            answer => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks this process and the other in turn.
#[derive(Debug)]
pub(crate) struct InTurn {
    here: SqliteStore,
    there: Peer,
    turn: AtomicUsize,
}

impl InTurn {
    pub(crate) fn at(place: Place) -> Guarded<Self> {
        let there = Peer::start(&place.path());
        Guarded::new(Self { here: place.open(), there, turn: AtomicUsize::new(0) }, place)
    }

    fn around<'a, T>(
        &'a self,
        here: impl FnOnce(&'a SqliteStore) -> Io<'a, Result<T, StoreError>>,
        there: impl FnOnce() -> Ask,
    ) -> Io<'a, Result<T, StoreError>>
    where
        T: TryFrom<Answer, Error = Answer>,
    {
        if self.turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return here(&self.here);
        }
        Io::ready(
            self.there
                .ask(&there())
                .map(|answer| T::try_from(answer).expect("the answer to what was asked")),
        )
    }
}

impl Store for InTurn {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        let copy = record.clone();
        self.around(move |store| store.insert(id, record), || Ask::insert(id, copy))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.around(move |store| store.get(id), || Ask::get(id))
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let copy = record.clone();
        self.around(
            move |store| store.replace(id, expected, record),
            || Ask::replace(id, expected, copy),
        )
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.around(
            move |store| store.touch(id, expected, deadline),
            || Ask::touch(id, expected, deadline),
        )
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.around(
            move |store| store.end_if(id, expected, ending),
            || Ask::end_if(id, expected, ending),
        )
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.around(move |store| store.end(id, ending), || Ask::end(id, ending))
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        let copy = admission.clone();
        self.around(move |store| store.index_login(admission), || Ask::index_login(&copy))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let copy = principal.clone();
        self.around(
            move |store| store.revoke_before(&copy, before, until),
            || Ask::revoke_before(principal, before, until),
        )
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let copy = principal.clone();
        self.around(
            move |store| store.sessions_of(&copy, page),
            || Ask::sessions_of(principal, page),
        )
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let copy = from.cloned();
        self.around(move |store| store.scan(copy.as_ref(), limit), || Ask::scan(from, limit))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.around(move |store| store.sweep(now, limit), || Ask::sweep(now, limit))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.around(Store::health, || Ask::Health)
    }
}

/// In the other process this serves the file, until it is killed.
#[test]
fn what_one_process_writes_another_reads() {
    if let Some(file) = env::var_os(FILE) {
        return serve::serve(SqliteStore::open(file));
    }
    let place = Place::new();
    let here = place.open();
    let there = Peer::start(&place.path());
    let principal = Principal::new("alice").unwrap();
    let id = PublicId::from_bytes([7; 16]);
    let admission = IndexLogin::new(principal.clone(), id, Timestamp::NEVER);
    assert!(matches!(there.ask(&Ask::index_login(&admission)), Ok(Answer::Indexed)));
    assert_eq!(here.sessions_of(&principal, Page::first(10)).wait().unwrap(), [id]);
}
