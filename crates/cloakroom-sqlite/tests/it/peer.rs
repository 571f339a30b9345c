//! A second process on the same file, and a store that alternates between the two.

mod message;
mod serve;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom::key::KindTag;
use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, StoreErrorKind, Swap,
};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::Guarded;

use crate::fixture::TestFile;
pub(crate) use message::{Answer, Request};

/// Set in the child process: the file to serve.
const FILE: &str = "CLOAKROOM_TEST_PEER_FILE";
pub(crate) const ARGUMENTS: [&str; 3] =
    ["--exact", "peer::one_process_reads_what_another_writes", "--nocapture"];
/// Set in the child process: to open it for reading only.
const READ_ONLY: &str = "CLOAKROOM_TEST_PEER_READ_ONLY";
const LISTENING: &str = "the peer listens at ";
const FAILED: &str = "the peer failed: ";

/// A child process that serves one file; killed on drop.
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

    /// Starts it from a shell that runs `preparation` first.
    #[cfg(unix)]
    pub(crate) fn start_after(preparation: &str, file: &Path) -> Result<Self, String> {
        let script = format!(r#"{preparation} && exec "$@""#);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(env::current_exe().unwrap());
        Self::run(command.args(ARGUMENTS), file)
    }

    /// The command of a peer that only reads, with all that it needs but the file.
    #[cfg(target_os = "linux")]
    pub(crate) fn reading(command: &mut Command) -> &mut Command {
        command.env(READ_ONLY, "")
    }

    /// Runs the command, and waits until the peer listens or reports why it cannot.
    pub(crate) fn run(command: &mut Command, file: &Path) -> Result<Self, String> {
        let mut process = command.env(FILE, file).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let report = lines.find_map(|line| match line.split_once(LISTENING) {
            Some((_, address)) => Some(Ok(address.parse().unwrap())),
            None => line.split_once(FAILED).map(|(_, why)| Err(why.to_owned())),
        });
        match report.unwrap_or_else(|| Err("the peer was never started".to_owned())) {
            Ok(address) => Ok(Self { process, address, idle: Mutex::default() }),
            Err(why) => {
                process.wait().unwrap();
                Err(why)
            }
        }
    }

    /// Sends one request and returns its answer, over a connection that no other request uses.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, StoreError> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection =
            idle.unwrap_or_else(|| BufReader::new(TcpStream::connect(self.address).unwrap()));
        connection.get_mut().write_all(&message::line(request)).unwrap();
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

/// Sends each operation to this process and to the peer alternately.
#[derive(Debug)]
pub(crate) struct Alternating {
    here: SqliteStore,
    peer: Peer,
    count: AtomicUsize,
}

impl Alternating {
    pub(crate) fn at(file: TestFile) -> Guarded<Self> {
        let peer = Peer::start(&file.path());
        Guarded::new(Self { here: file.open(), peer, count: AtomicUsize::new(0) }, file)
    }

    fn around<'a, T>(
        &'a self,
        here: impl FnOnce(&'a SqliteStore) -> Io<'a, Result<T, StoreError>>,
        request: impl FnOnce() -> Request,
    ) -> Io<'a, Result<T, StoreError>>
    where
        T: TryFrom<Answer, Error = Answer>,
    {
        if self.count.fetch_add(1, Ordering::Relaxed) % 2 == 0 {
            return here(&self.here);
        }
        Io::ready(
            self.peer
                .ask(&request())
                .map(|answer| T::try_from(answer).expect("an answer of the request's type")),
        )
    }
}

impl Store for Alternating {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        let copy = record.clone();
        self.around(move |store| store.insert(id, record), || Request::insert(id, copy))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.around(move |store| store.get(id), || Request::get(id))
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let (seen, copy) = (seen.clone(), (seen.clone(), record.clone()));
        self.around(
            move |store| store.replace(id, &seen, record, now),
            || Request::replace(id, copy.0, copy.1),
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
            || Request::touch(id, expected, deadline),
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
            || Request::end_if(id, expected, ending),
        )
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.around(move |store| store.end(id, ending), || Request::end(id, ending))
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        let copy = login.clone();
        self.around(move |store| store.index_login(login), || Request::index_login(&copy))
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
            || Request::revoke_before(principal, before, until),
        )
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let (copy, ids) = (principal.clone(), ended.clone());
        self.around(
            move |store| store.erase(&copy, ended, until),
            || Request::erase(principal, &ids, until),
        )
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let copy = principal.clone();
        self.around(
            move |store| store.sessions_of(&copy, kind, page),
            || Request::sessions_of(principal, kind, page),
        )
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let copy = from.cloned();
        self.around(move |store| store.scan(copy.as_ref(), limit), || Request::scan(from, limit))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.around(move |store| store.sweep(now, limit), || Request::sweep(now, limit))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.around(Store::health, || Request::Health)
    }
}

/// In the child process this test serves the file until it is killed.
#[test]
fn one_process_reads_what_another_writes() {
    if let Some(file) = env::var_os(FILE) {
        return serve::serve(match env::var_os(READ_ONLY) {
            Some(_) => SqliteStore::builder(file).open_read_only(),
            None => SqliteStore::open(file),
        });
    }
    let file = TestFile::new();
    let here = file.open();
    let peer = Peer::start(&file.path());
    let principal = Principal::new("alice").unwrap();
    let id = PublicId::from_bytes([7; 16]);
    let login = IndexLogin::new(principal.clone(), id, KindTag::DEFAULT, Timestamp::NEVER);
    assert!(matches!(peer.ask(&Request::index_login(&login)), Ok(Answer::Indexed)));
    assert_eq!(here.sessions_of(&principal, None, Page::first(10)).wait().unwrap(), [id]);
}
