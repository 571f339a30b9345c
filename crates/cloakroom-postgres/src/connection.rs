//! A connection with its prepared statements, replaced by a new one when it fails.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Backoff, Batch};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use crate::connect_options::{ConnectOptions, DriverTask};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::facts::Timeline;
use crate::names::Names;
use crate::servers::Connected;

macro_rules! statements {
    ($($name:ident: $sql:expr),* $(,)?) => {
        /// The prepared statements of a connection.
        pub(crate) struct Statements { $(pub(crate) $name: Statement),* }

        impl Statements {
            async fn prepare(
                client: &Client,
                names: &Names,
            ) -> Result<Self, tokio_postgres::Error> {
                $(let $name = names.fill($sql);)*
                let ($($name),*) = tokio::try_join!($(client.prepare(&$name)),*)?;
                Ok(Self { $($name),* })
            }
        }
    };
}

statements! {
    apply: include_str!("sql/apply.sql"),
    // Waits for a lock, and then sees what its holder wrote.
    apply_one: &include_str!("sql/apply.sql").replace(" SKIP LOCKED", ""),
    replace_all: include_str!("sql/replace_all.sql"),
    insert_one: include_str!("sql/insert_one.sql"),
    replace_one: include_str!("sql/replace_one.sql"),
    touch_one: include_str!("sql/touch_one.sql"),
    notify: include_str!("sql/notify.sql"),
    miss: include_str!("sql/miss.sql"),
    read: "SELECT id, record, payload FROM {session} WHERE id = ANY ($1)",
    index_login: "SELECT * FROM {index_login}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    revoke_before: include_str!("sql/revoke_before.sql"),
    erase: include_str!("sql/erase.sql"),
    sessions_of: "SELECT id FROM {index}
        WHERE principal = $1 AND ($2::uuid IS NULL OR kind = $2) AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id LIMIT $4",
    scan: "SELECT id, record, payload FROM {session} WHERE $1::uuid IS NULL OR id > $1
        ORDER BY id LIMIT $2",
    sweep: include_str!("sql/sweep.sql"),
    sweep_index: include_str!("sql/sweep_index.sql"),
    // True if the server takes writes, or this connection needs none.
    health: "SELECT NOT pg_is_in_recovery()
            OR current_setting('default_transaction_read_only') = 'on'
        FROM (SELECT FROM {session} LIMIT 1) any_session RIGHT JOIN (SELECT) one ON true",
}

/// A statement that failed.
pub(crate) enum SendError {
    /// The connection waits before it is made again. Another one can send the statement.
    Waiting(PostgresError),
    /// It was not sent, or the server did nothing.
    NotSent(PostgresError),
    /// It may have been carried out.
    Unknown(PostgresError),
}

impl SendError {
    /// Whether the same statement can succeed if it is sent again.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent(error) if error.is_transient())
    }

    /// The answer to a write.
    pub(crate) fn as_write_error(&self) -> StoreError {
        match self {
            Self::Waiting(error) | Self::NotSent(error) => error.not_sent(),
            Self::Unknown(error) => error.outcome_unknown(),
        }
    }

    /// The answer to a read, which changes nothing.
    pub(crate) fn as_read_error(&self) -> StoreError {
        let (Self::Waiting(error) | Self::NotSent(error) | Self::Unknown(error)) = self;
        error.not_sent()
    }
}

/// A connection that is made when it is first needed, and made again after a failure.
pub(crate) struct Connection {
    pub(crate) options: ConnectOptions,
    /// How long a write waits for a lock, if sessions are changed on this connection.
    lock_timeout: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Established>>,
    /// How many connections have been made.
    count: u64,
    backoff: Backoff,
    /// Why the last attempt to connect failed, and the instant before which there is no other.
    failed: Option<(Instant, PostgresError)>,
    /// Ends with the last attempt to connect.
    attempt: Option<watch::Receiver<()>>,
}

/// The answer to a statement, or why there is none.
pub(crate) type Answer = Result<Result<Vec<Row>, tokio_postgres::Error>, Unanswered>;

/// Why no answer is waited for.
pub(crate) enum Unanswered {
    TimedOut,
    /// Another server was promoted.
    Replaced,
}

pub(crate) struct Established {
    number: u64,
    address: String,
    timeline: Option<Timeline>,
    pub(crate) client: Client,
    pub(crate) statements: Statements,
    /// Whether anyone listens for changes, as the server last said.
    pub(crate) is_heard: AtomicBool,
    _task: DriverTask,
}

impl Connection {
    pub(crate) fn new(options: ConnectOptions) -> Arc<Self> {
        Self::with(options, None)
    }

    /// A connection on which sessions are changed: listeners learn if it ends.
    pub(crate) fn for_writes(options: ConnectOptions, lock_timeout: Duration) -> Arc<Self> {
        Self::with(options, Some(lock_timeout))
    }

    fn with(options: ConnectOptions, lock_timeout: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { options, lock_timeout, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a call that begins now has taken too long.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.options.timeout
    }

    /// When the call of a batch that has waited the longest has taken too long.
    pub(crate) fn deadline_of<Op, Reply>(&self, batch: &Batch<Op, Reply>) -> Instant {
        Instant::from_std(batch.since()) + self.options.timeout
    }

    /// Waits until there is a connection or one may be attempted, so that meanwhile tasks with
    /// other connections take the work. In an outage that lasts, none has any.
    pub(crate) async fn backoff_elapsed(&self) {
        if self.options.outage.lasts() {
            return;
        }
        let next_attempt = {
            let state = self.state();
            let failed = state.failed.as_ref().map(|(instant, _)| *instant);
            failed.filter(|_| state.current.is_none())
        };
        if let Some(instant) = next_attempt {
            sleep_until(instant).await;
        }
    }

    /// Executes a statement in one round trip. A connection that fails is dropped.
    pub(crate) async fn query(
        self: &Arc<Self>,
        deadline: Instant,
        statement: fn(&Statements) -> &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SendError> {
        let connection = self.established(deadline).await?;
        let began = Instant::now();
        let query = connection.client.query(statement(&connection.statements), parameters);
        let answer = self.answer_of(&connection, deadline, query).await;
        self.judge(&connection, began, answer)
    }

    /// Waits for the answer to a statement. What a former primary answers, once another server is
    /// known to have replaced it, is lost or outdated.
    pub(crate) async fn answer_of(
        &self,
        connection: &Established,
        deadline: Instant,
        query: impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>>,
    ) -> Answer {
        tokio::select! {
            biased;
            () = self.options.servers.until_replaced(connection.timeline) => {
                Err(Unanswered::Replaced)
            }
            answer = timeout_at(deadline, query) => answer.map_err(|_| Unanswered::TimedOut),
        }
    }

    /// Returns the rows, or the error. A connection that fails is dropped.
    pub(crate) fn judge(
        &self,
        connection: &Established,
        began: Instant,
        answer: Answer,
    ) -> Result<Vec<Row>, SendError> {
        let error = match answer {
            Ok(Ok(rows)) => {
                self.options.outage.succeeded();
                return Ok(rows);
            }
            Ok(Err(error)) => PostgresError::driver("query the server", error),
            Err(unanswered) => {
                self.cancel(connection);
                let kind = match unanswered {
                    Unanswered::TimedOut => PostgresErrorKind::TimedOut,
                    Unanswered::Replaced => PostgresErrorKind::Outdated,
                };
                PostgresError::new(kind, "query the server")
            }
        }
        .at(connection.address.clone());
        if error.leaves_connection_usable() {
            self.options.outage.succeeded();
            return Err(SendError::NotSent(error));
        }
        self.options.outage.failed(began.into_std());
        self.discard(connection);
        Err(if error.is_refusal() { SendError::NotSent(error) } else { SendError::Unknown(error) })
    }

    /// Asks the server to cancel a statement that timed out here. A commit that waits for a standby
    /// could otherwise occupy a server process for as long as the standby is away.
    fn cancel(&self, connection: &Established) {
        let token = connection.client.cancel_token();
        let (tls, limit) = (self.options.tls.clone(), self.options.timeout);
        tokio::spawn(async move { timeout(limit, token.cancel_query(tls)).await });
    }

    /// The current connection, or a new one if it has closed.
    pub(crate) async fn established(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<Arc<Established>, SendError> {
        if let Some(current) = self.usable() {
            return Ok(current);
        }
        let mut attempt = self.attempt().map_err(SendError::Waiting)?;
        let mut until = deadline;
        if self.options.outage.lasts() {
            // Other calls wait behind this one.
            until = until.min(Instant::now() + self.options.timeout / 5);
        }
        // The attempt goes on if this call does not wait for its end.
        let _ = timeout_at(until, attempt.changed()).await;
        self.usable().ok_or_else(|| {
            let failed = self.state().failed.as_ref().map(|(_, error)| error.clone());
            SendError::NotSent(failed.unwrap_or_else(|| self.connecting_timed_out()))
        })
    }

    /// The attempt to connect that is under way, or a new one; an error before the next one is due.
    fn attempt(self: &Arc<Self>) -> Result<watch::Receiver<()>, PostgresError> {
        let mut state = self.state();
        if state.current.is_some() {
            // Made a moment ago.
            return Ok(watch::channel(()).1);
        }
        if let Some((instant, error)) = &state.failed {
            if Instant::now() < *instant {
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
            this.connect(number).await;
            drop(end);
        });
        Ok(attempt)
    }

    async fn connect(&self, number: u64) {
        let began = Instant::now();
        let established = self.establish(number).await;
        let mut state = self.state();
        match established {
            Ok(connection) => {
                self.options.outage.succeeded();
                state.count = number;
                state.backoff.succeeded();
                state.failed = None;
                state.current = Some(Arc::new(connection));
            }
            Err(error) => {
                self.options.outage.failed(began.into_std());
                let pause = state.backoff.failed().min(self.options.timeout / 4);
                state.failed = Some((Instant::now() + pause, error));
            }
        }
    }

    /// The current connection, unless it has closed or leads to a former primary.
    fn usable(&self) -> Option<Arc<Established>> {
        let mut state = self.state();
        let is_usable = |current: &mut Arc<Established>| {
            !current.client.is_closed() && self.options.servers.is_newest(current.timeline)
        };
        if state.current.as_mut().is_some_and(is_usable) {
            return state.current.clone();
        }
        state.current = None;
        None
    }

    async fn establish(&self, number: u64) -> Result<Established, PostgresError> {
        let connecting = async {
            let Connected { client, driver, facts } = self.options.connect().await?;
            let task = DriverTask::new(tokio::spawn(driver));
            let address = self.options.servers.last_address();
            let failed =
                |error| PostgresError::driver("set up a connection", error).at(address.clone());
            client.batch_execute(&self.options.settings()).await.map_err(failed)?;
            let statements = Box::pin(Statements::prepare(&client, &self.options.names));
            let statements = statements.await.map_err(failed)?;
            let is_heard = match self.lock_timeout {
                Some(limit) => self.enroll(&client, limit).await.map_err(failed)?,
                None => false,
            };
            let is_heard = AtomicBool::new(is_heard);
            let timeline = facts.timeline;
            Ok(Established { number, address, timeline, client, statements, is_heard, _task: task })
        };
        let connected = timeout(self.options.timeout, connecting).await;
        connected.unwrap_or_else(|_| Err(self.connecting_timed_out()))
    }

    fn connecting_timed_out(&self) -> PostgresError {
        PostgresError::new(PostgresErrorKind::TimedOut, "connect to the server")
            .at(self.options.servers.last_address())
    }

    /// Gives listeners a way to know when the connection ends. Returns whether there are any.
    async fn enroll(
        &self,
        client: &Client,
        lock_timeout: Duration,
    ) -> Result<bool, tokio_postgres::Error> {
        let enroll = self.options.names.fill(include_str!("sql/enroll_writer.sql"));
        let lock_timeout = lock_timeout.min(self.options.lock_timeout()).as_millis().max(1);
        let enroll = format!("{enroll}; SET lock_timeout = {lock_timeout}");
        let answer = client.simple_query(&enroll).await?;
        let is_heard = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0) != Some("f"),
            _ => false,
        };
        Ok(answer.iter().any(is_heard))
    }

    /// Drops a connection, unless it has been replaced already.
    pub(crate) fn discard(&self, connection: &Established) {
        let mut state = self.state();
        if state.current.as_ref().is_some_and(|current| current.number == connection.number) {
            state.current = None;
        }
    }
}
