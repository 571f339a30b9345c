//! A multiplexed connection to a server, replaced by a new one when it fails.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom::stores::batch::{Backoff, Outage};
use cloakroom::time::Clock;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, Pipeline, ServerErrorKind, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{RedisError, RedisErrorKind};
use crate::native;
use crate::script;
use crate::sentinel::Sentinels;
use crate::server::Server;
use crate::server_clock;
use crate::slots::Address;

/// Settings of all connections of a store.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// For a whole call.
    pub(crate) timeout: Duration,
    /// How many replicas must have a write, and how long to wait for them.
    pub(crate) min_replicas: Option<(u16, Duration)>,
    /// Whether to check that the server is a master. In a cluster it redirects instead.
    pub(crate) checks_role: bool,
    /// A key by which a server is asked whether it has a compare-and-set of its own.
    pub(crate) probe: Vec<u8>,
    /// The clock that those of servers are compared with.
    pub(crate) clock: Arc<dyn Clock>,
}

/// How often a server in use is asked for its role and its time.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How to find a server.
#[derive(Clone)]
pub(crate) enum Endpoint {
    /// At a fixed address.
    Server(Box<Server>),
    /// By asking sentinels for the current master.
    Sentinels(Arc<Sentinels>),
}

impl Endpoint {
    /// The current server.
    pub(crate) async fn server(&self, limit: Duration) -> Result<Server, RedisError> {
        match self {
            Self::Server(server) => Ok(Server::clone(server)),
            Self::Sentinels(sentinels) => sentinels.master(limit).await,
        }
    }

    /// The endpoint of another node of the same cluster.
    pub(crate) fn at(&self, address: &Address) -> Result<Self, RedisError> {
        let Self::Server(server) = self else {
            return Err(RedisError::new(RedisErrorKind::Unexpected, "find the cluster's nodes"));
        };
        Ok(Self::Server(Box::new(server.at(address))))
    }

    /// The master that the sentinels named last.
    fn named(&self) -> Option<Arc<ConnectionAddr>> {
        let Self::Sentinels(sentinels) = self else { return None };
        sentinels.named()
    }

    /// Whether the sentinels name another master than the server at `addr`.
    fn has_left(&self, addr: &ConnectionAddr) -> bool {
        matches!(self, Self::Sentinels(sentinels) if sentinels.name_another_than(addr))
    }

    /// Waits until they do.
    async fn until_left(&self, addr: &ConnectionAddr) {
        match self {
            Self::Sentinels(sentinels) => sentinels.until_they_name_another_than(addr).await,
            Self::Server(_) => std::future::pending().await,
        }
    }

    /// Has the sentinels asked for the master soon, as the server lacks replicas.
    pub(crate) fn doubt_master(&self) {
        if let Self::Sentinels(sentinels) = self {
            sentinels.ask_soon();
        }
    }

    pub(crate) fn host(&self) -> Option<String> {
        let Self::Server(server) = self else { return None };
        server.host().map(str::to_owned)
    }
}

/// Commands that failed to get their answers.
pub(crate) enum SendError {
    /// They were not sent.
    NotSent(RedisError),
    /// They may have been carried out.
    Unknown(RedisError),
}

impl SendError {
    pub(crate) fn into_inner(self) -> RedisError {
        let (Self::NotSent(error) | Self::Unknown(error)) = self;
        error
    }
}

/// A connection that is made when it is first needed, and made again after a failure.
pub(crate) struct Connection {
    endpoint: Endpoint,
    settings: Settings,
    outage: Outage,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Established>,
    /// How many connections have been made.
    count: u64,
    backoff: Backoff,
    failed: Option<Failed>,
    /// Ends with the last attempt to connect.
    attempt: Option<watch::Receiver<()>>,
}

/// The last attempt to connect.
struct Failed {
    error: RedisError,
    /// There is no other attempt before this.
    until: Instant,
    /// The master that the sentinels named then. A new one is tried at once.
    named: Option<Arc<ConnectionAddr>>,
}

/// What to ask a server for, apart from the commands themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Checks {
    time: bool,
    role: bool,
}

#[derive(Clone)]
struct Established {
    number: u64,
    connection: MultiplexedConnection,
    addr: Arc<ConnectionAddr>,
    /// The hash of the server's run id.
    run: u32,
    /// Whether the server has a compare-and-set of its own.
    is_native: bool,
    checked: Instant,
}

impl Connection {
    pub(crate) fn new(endpoint: Endpoint, settings: Settings) -> Arc<Self> {
        let outage = Outage::new(settings.timeout / 2);
        Arc::new(Self { endpoint, settings, outage, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When a call that begins now has taken too long.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }

    /// Sends the commands in one message, and returns an answer for each of them, in order. An
    /// error of the server is an answer too.
    pub(crate) async fn send(
        self: &Arc<Self>,
        deadline: Instant,
        commands: &Pipeline,
        count: usize,
    ) -> Result<Vec<Value>, SendError> {
        let (Established { number, mut connection, addr, .. }, checks) =
            self.established(deadline).await.map_err(SendError::NotSent)?;
        let began = Instant::now();
        let with_checks = (checks.time || checks.role).then(|| {
            let mut commands = commands.clone();
            if checks.time {
                commands.cmd("TIME");
            }
            if checks.role {
                commands.cmd("ROLE");
            }
            commands
        });
        let (commands, count) = (
            with_checks.as_ref().unwrap_or(commands),
            count + usize::from(checks.time) + usize::from(checks.role),
        );
        // The driver has the same timeout, but does not count the time until it can write.
        let sending = connection.send_packed_commands(commands, 0, count);
        let answered = tokio::select! {
            biased;
            // What a deposed master acknowledges is lost.
            () = self.endpoint.until_left(&addr) => {
                self.discard(number);
                return Err(SendError::Unknown(deposed().at(&addr)));
            }
            answered = timeout_at(deadline, sending) => answered,
        };
        let error = match answered {
            Ok(Ok(mut answers)) if answers.len() == count => {
                self.outage.succeeded();
                if checks.role && answers.pop().as_ref().is_some_and(is_replica_role) {
                    self.discard(number);
                    return Err(SendError::Unknown(not_the_master().at(&addr)));
                }
                if let Some(time) = checks.time.then(|| answers.pop()).flatten() {
                    if let Err(error) = server_clock::check(&time, &*self.settings.clock) {
                        self.discard(number);
                        return Err(SendError::Unknown(error.at(&addr)));
                    }
                }
                if answers.iter().any(is_read_only_error) {
                    // The server is a replica by now.
                    self.discard(number);
                }
                return Ok(answers);
            }
            Ok(Ok(_)) => RedisError::new(RedisErrorKind::Unexpected, "query the server"),
            Ok(Err(error)) => RedisError::driver("query the server", error),
            Err(_) => RedisError::new(RedisErrorKind::TimedOut, "query the server"),
        };
        self.outage.failed(began.into_std());
        self.discard(number);
        Err(SendError::Unknown(error.at(&addr)))
    }

    /// Drops the connection of this number, unless it has been replaced already.
    fn discard(&self, number: u64) {
        let mut state = self.state();
        if state.current.as_ref().is_some_and(|current| current.number == number) {
            state.current = None;
        }
    }

    /// Whether the server has a compare-and-set of its own; false before there is a connection.
    pub(crate) fn is_native(&self) -> bool {
        self.state().current.as_ref().is_some_and(|current| current.is_native)
    }

    /// Drops the current connection, because it leads to the wrong server.
    pub(crate) fn disconnect(&self) {
        self.state().current = None;
    }

    /// Identifies the server and its process: the cursors of a `SCAN` are only valid for one.
    pub(crate) async fn run(self: &Arc<Self>) -> Result<u32, SendError> {
        let current = self.established(self.deadline()).await.map_err(SendError::NotSent)?;
        Ok(current.0.run)
    }

    /// The connection, and what the caller is to ask the server for.
    async fn established(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<(Established, Checks), RedisError> {
        if let Some(current) = self.usable() {
            return Ok(current);
        }
        let mut attempt = self.attempt()?;
        let mut until = deadline;
        if self.outage.lasts() {
            // Other calls wait behind this one.
            until = until.min(Instant::now() + self.settings.timeout / 5);
        }
        // The attempt goes on if this call does not wait for its end.
        let _ = timeout_at(until, attempt.changed()).await;
        self.usable().ok_or_else(|| {
            let failed = self.state().failed.as_ref().map(|failed| failed.error.clone());
            failed.unwrap_or_else(|| self.connecting_timed_out())
        })
    }

    /// The attempt to connect that is under way, or a new one; an error before the next one is due.
    fn attempt(self: &Arc<Self>) -> Result<watch::Receiver<()>, RedisError> {
        let mut state = self.state();
        if state.current.is_some() {
            // Made a moment ago.
            return Ok(watch::channel(()).1);
        }
        if let Some(Failed { error, until, named }) = &state.failed {
            let is_new = named.as_ref().is_some_and(|named| self.endpoint.has_left(named));
            if !is_new && Instant::now() < *until {
                return Err(error.clone());
            }
        }
        // The sender is dropped at the end of the attempt.
        if let Some(attempt) = state.attempt.as_ref().filter(|it| it.has_changed().is_ok()) {
            return Ok(attempt.clone());
        }
        let (end, attempt) = watch::channel(());
        state.attempt = Some(attempt.clone());
        let (this, number) = (Arc::clone(self), state.count + 1);
        tokio::spawn(async move {
            this.make(number).await;
            drop(end);
        });
        Ok(attempt)
    }

    async fn make(&self, number: u64) {
        let began = Instant::now();
        let established = self.establish(number).await;
        let named = self.endpoint.named();
        let mut state = self.state();
        match established {
            Ok(connection) => {
                self.outage.succeeded();
                state.count = number;
                state.backoff.succeeded();
                state.failed = None;
                state.current = Some(connection);
            }
            Err(error) => {
                self.outage.failed(began.into_std());
                let until = Instant::now() + state.backoff.failed().min(self.settings.timeout / 4);
                state.failed = Some(Failed { error, until, named });
            }
        }
    }

    /// The current connection, unless the sentinels name another master.
    fn usable(&self) -> Option<(Established, Checks)> {
        let mut state = self.state();
        if state.current.as_ref().is_some_and(|current| self.endpoint.has_left(&current.addr)) {
            state.current = None;
        }
        let current = state.current.as_mut()?;
        let time = current.checked.elapsed() >= CHECK_INTERVAL;
        if time {
            current.checked = Instant::now();
        }
        let role = time && self.settings.checks_role;
        Some((current.clone(), Checks { time, role }))
    }

    async fn establish(&self, number: u64) -> Result<Established, RedisError> {
        let limit = self.settings.timeout;
        let establishing = async {
            loop {
                let server = self.endpoint.server(limit).await?;
                let addr = server.addr();
                tokio::select! {
                    connected = self.connect(&server, number) => {
                        return connected.map_err(|error| error.at(addr));
                    }
                    () = self.endpoint.until_left(addr) => {}
                }
            }
        };
        let established = timeout(limit, establishing).await;
        established.unwrap_or_else(|_| Err(self.connecting_timed_out()))
    }

    fn connecting_timed_out(&self) -> RedisError {
        let error = RedisError::new(RedisErrorKind::TimedOut, "connect to the server");
        match &self.endpoint {
            Endpoint::Server(server) => error.at(server.addr()),
            Endpoint::Sentinels(_) => error,
        }
    }

    async fn connect(&self, server: &Server, number: u64) -> Result<Established, RedisError> {
        let limit = self.settings.timeout;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit));
        let attempted = "connect to the server";
        let mut connection = server.connect(settings, attempted).await?;
        let count = script::ALL.len() + 4;
        let mut setup = Pipeline::with_capacity(count);
        setup.cmd("ROLE").cmd("INFO").arg("server").cmd("TIME");
        setup.add_command(native::probe(&self.settings.probe));
        for script in script::ALL {
            setup.add_command(script.load());
        }
        let answers = connection.send_packed_commands(&setup, 0, count).await;
        let answers = answers.map_err(|error| RedisError::driver(attempted, error))?;
        if self.settings.checks_role && answers.first().is_some_and(is_replica_role) {
            return Err(not_the_master());
        }
        if let Some(time) = answers.get(2) {
            server_clock::check(time, &*self.settings.clock)?;
        }
        Ok(Established {
            number,
            connection,
            addr: Arc::new(server.addr().clone()),
            run: answers.get(1).map(run_in).unwrap_or_default(),
            is_native: native::is_supported(answers.get(3), answers.get(1)),
            checked: Instant::now(),
        })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the endpoint, which can contain a password.
        f.debug_struct("Connection").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether the answer to `ROLE` is not that of a master. An answer without a role counts as a
/// master's: some services do not permit the command.
pub(crate) fn is_replica_role(answer: &Value) -> bool {
    let Value::Array(parts) = answer else { return false };
    let role: Option<String> =
        parts.first().and_then(|role| redis::from_redis_value_ref(role).ok());
    role.is_some_and(|role| role != "master")
}

fn deposed() -> RedisError {
    RedisError::new(RedisErrorKind::NotReady, "use a master that the sentinels replaced")
}

fn not_the_master() -> RedisError {
    RedisError::new(RedisErrorKind::NotReady, "use a replica as the master")
}

/// The hash of the run id in the answer to `INFO server`.
pub(crate) fn run_in(answer: &Value) -> u32 {
    let info: String = redis::from_redis_value_ref(answer).unwrap_or_default();
    let run = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default();
    crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(run.as_bytes())
}

fn is_read_only_error(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}
