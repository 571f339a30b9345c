//! A connection: made, kept, given up when it fails, and made again.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::StoreError;
use cloakroom::stores::batch::Backoff;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Connection, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::{Access, Commit};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::names::Names;
use crate::schema;
use crate::servers::Servers;

/// How the server is reached.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) servers: Servers,
    pub(crate) tls: MakeRustlsConnect,
    pub(crate) names: Names,
    pub(crate) patience: Duration,
    pub(crate) commit: Commit,
    pub(crate) access: Access,
}

/// A connection, to be driven by somebody.
pub(crate) type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Way {
    /// Makes sure that somebody is there and that the tables can be used.
    pub(crate) async fn prepare(&self) -> Result<(), PostgresError> {
        let preparing = async {
            let (mut client, connection) = self.dial().await?;
            let _task = Task::new(tokio::spawn(connection));
            let failed = |error| PostgresError::driver("prepare a connection", error);
            client.batch_execute(SAFE).await.map_err(failed)?;
            match self.access {
                Access::Own => schema::migrate(&mut client, &self.names).await,
                Access::Use | Access::Read => schema::expect(&client, &self.names).await,
            }
        };
        // Another node may be at it.
        timeout(self.patience * 4, preparing).await.unwrap_or_else(|_| {
            Err(PostgresError::new(PostgresErrorKind::TimedOut, "connect to the server"))
        })
    }

    /// A connection of which nothing is known but that somebody answered.
    pub(crate) async fn dial(&self) -> Result<(Client, Wire), PostgresError> {
        self.servers.dial(&self.tls, self.patience).await
    }

    /// How connections are set up. Plans are made for tables of any size: by the keys, however few rows there are yet.
    fn setting(&self) -> String {
        // The server gives up first, and says so: then it is known that nothing happened. Before that, what waits for one that
        // others hold is done without it.
        let limit = (self.patience * 4 / 5).as_millis().max(1);
        let wait = (self.patience * 3 / 10).as_millis().max(1);
        let commit = match self.commit {
            Commit::Synchronous => {
                "SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit') = 'off'"
            }
            Commit::Asynchronous => "SET synchronous_commit = off",
        };
        let read_only = if self.access == Access::Read {
            "SET default_transaction_read_only = on;"
        } else {
            ""
        };
        format!(
            "{SAFE} {read_only} SET statement_timeout = {limit}; SET lock_timeout = {wait}; SET plan_cache_mode = force_generic_plan; SET jit = off;
             SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; {commit}"
        )
    }
}

/// Whatever this user's connections are usually set to: nobody else's functions are found by names that are not ours, and an
/// operation that waited for a lock sees what its holder did.
pub(crate) const SAFE: &str =
    "SET search_path = pg_catalog, pg_temp; SET default_transaction_isolation = 'read committed';";

/// What drives a connection; ended with it.
type Task = AbortOnDropHandle<Result<(), tokio_postgres::Error>>;

/// A connection over which something may be said.
struct Talk {
    number: u64,
    client: Client,
    words: Words,
    _task: Task,
}

macro_rules! words {
    ($($word:ident: $text:expr),* $(,)?) => {
        /// What is said to the server.
        pub(crate) struct Words { $(pub(crate) $word: Statement),* }

        impl Words {
            async fn prepare(client: &Client, names: &Names) -> Result<Self, tokio_postgres::Error> {
                $(let $word = names.fill($text);)*
                let ($($word),*) = tokio::try_join!($(client.prepare(&$word)),*)?;
                Ok(Self { $($word),* })
            }
        }
    };
}

words! {
    apply: include_str!("sql/apply.sql"),
    read: "SELECT id, head, payload FROM {session} WHERE id = ANY ($1)",
    admit: "SELECT * FROM {admit}($1, $2, $3, $4, $5, $6, $7, $8)",
    revoke: include_str!("sql/revoke.sql"),
    ids: "SELECT id FROM {admission} WHERE principal = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
    scan: "SELECT id, head, payload FROM {session} WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
    sweep: include_str!("sql/sweep.sql"),
    sweep_directory: include_str!("sql/sweep_directory.sql"),
    // Whether it can do what it is there for.
    probe: "SELECT NOT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'
        FROM (SELECT FROM {session} LIMIT 1) any_session RIGHT JOIN (SELECT) one ON true",
}

/// Why a conversation came to nothing.
pub(crate) enum Broken {
    /// Nothing was said, or the server did nothing of it.
    NotSent(PostgresError),
    /// What was said may have been caught_up_to.
    Unknown(PostgresError),
}

impl Broken {
    /// As the answer to a write.
    pub(crate) fn of_write(&self) -> StoreError {
        match self {
            Self::NotSent(error) => error.not_sent(),
            Self::Unknown(error) => error.outcome_unknown(),
        }
    }

    /// As the answer to a read, which changed nothing.
    pub(crate) fn of_read(&self) -> StoreError {
        let (Self::NotSent(error) | Self::Unknown(error)) = self;
        error.not_sent()
    }
}

/// One connection, spoken over by who has the link.
pub(crate) struct Link {
    way: Way,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    talk: Option<Arc<Talk>>,
    /// How many connections were made.
    made: u64,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Link {
    pub(crate) fn new(way: Way) -> Arc<Self> {
        Arc::new(Self { way, state: Mutex::default() })
    }

    /// Waits until there is a connection or another may be tried: meanwhile others take what there is to do.
    pub(crate) async fn rested(&self) {
        let state = self.state.lock().await;
        if let (None, Some(moment)) = (&state.talk, state.not_before) {
            drop(state);
            sleep_until(moment).await;
        }
    }

    /// Asks for one thing in one round trip. A connection that fails is given up.
    pub(crate) async fn ask(
        &self,
        word: fn(&Words) -> &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Broken> {
        let talk = self.talk().await?;
        let asking = talk.client.query(word(&talk.words), parameters);
        let error = match timeout(self.way.patience, asking).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => PostgresError::driver("talk to the server", error),
            Err(_) => {
                self.call_off(&talk);
                PostgresError::new(PostgresErrorKind::TimedOut, "talk to the server")
            }
        };
        if error.leaves_the_connection_sound() {
            return Err(Broken::NotSent(error));
        }
        self.give_up(talk.number).await;
        Err(if error.is_refusal() { Broken::NotSent(error) } else { Broken::Unknown(error) })
    }

    /// Has a server that still works on what nobody waits for stop, so that abandoned connections do not fill it. A commit that
    /// waits for a standby or for others to tell their changes would stay for as long as they do.
    fn call_off(&self, talk: &Talk) {
        let (token, tls, patience) =
            (talk.client.cancel_token(), self.way.tls.clone(), self.way.patience);
        tokio::spawn(async move { timeout(patience, token.cancel_query(tls)).await });
    }

    /// A connection that was good when it was last used.
    async fn talk(&self) -> Result<Arc<Talk>, Broken> {
        let mut state = self.state.lock().await;
        if let Some(talk) = state.talk.as_ref().filter(|talk| !talk.client.is_closed()) {
            return Ok(Arc::clone(talk));
        }
        state.talk = None;
        if state.not_before.is_some_and(|moment| Instant::now() < moment) {
            let error = PostgresError::new(PostgresErrorKind::Unreachable, "connect again so soon");
            return Err(Broken::NotSent(error));
        }
        match self.connect(state.made + 1).await {
            Ok(talk) => {
                state.made += 1;
                state.backoff.succeeded();
                let talk = Arc::new(talk);
                state.talk = Some(Arc::clone(&talk));
                Ok(talk)
            }
            Err(error) => {
                state.not_before =
                    Some(Instant::now() + state.backoff.failed().min(self.way.patience / 4));
                Err(Broken::NotSent(error))
            }
        }
    }

    /// Leaves a connection behind that failed or leads to the wrong server, unless somebody did already.
    async fn give_up(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.talk.as_ref().is_some_and(|current| current.number == number) {
            state.talk = None;
        }
    }

    async fn connect(&self, number: u64) -> Result<Talk, PostgresError> {
        let connecting = async {
            let (client, connection) = self.way.dial().await?;
            let task = Task::new(tokio::spawn(connection));
            let failed = |error| PostgresError::driver("prepare a connection", error);
            client.batch_execute(&self.way.setting()).await.map_err(failed)?;
            let words = Words::prepare(&client, &self.way.names).await.map_err(failed)?;
            Ok(Talk { number, client, words, _task: task })
        };
        match timeout(self.way.patience, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(PostgresError::new(PostgresErrorKind::TimedOut, "connect to the server")),
        }
    }
}
