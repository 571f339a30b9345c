//! Finding the current master with sentinels, and leaving one that they no longer name.

use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, Pipeline, Value};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::{RedisError, RedisErrorKind};
use crate::server::Server;
use crate::slots::Address;

/// How often the sentinels are asked for the master.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long the others are waited for once one has answered.
const GRACE: Duration = Duration::from_millis(500);
/// The shortest pause between two rounds, however often a write finds too few replicas.
const MIN_INTERVAL: Duration = Duration::from_millis(50);

const FIND_MASTER: &str = "find the master with a sentinel";

/// Sentinels, and the master that they named last.
pub(crate) struct Sentinels {
    /// All are asked: one that is cut off from the others goes on to name a former master.
    all: Vec<Arc<Sentinel>>,
    /// How to connect to the master, except for its address.
    template: Server,
    named: watch::Sender<Option<Named>>,
    /// Tells the task to ask at once.
    asked: Notify,
}

/// One sentinel, and the connection to it.
struct Sentinel {
    server: Server,
    /// The name of the master.
    name: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// The master, as of the configuration with this epoch. A failover raises the epoch.
#[derive(Clone, Debug)]
struct Named {
    epoch: u64,
    addr: Arc<ConnectionAddr>,
}

impl Sentinels {
    pub(crate) fn new(servers: Vec<Server>, name: &str, template: Server) -> Arc<Self> {
        let sentinel = |server| {
            let (name, connection) = (name.to_owned(), Mutex::default());
            Arc::new(Sentinel { server, name, connection })
        };
        Arc::new(Self {
            all: servers.into_iter().map(sentinel).collect(),
            template,
            named: watch::Sender::new(None),
            asked: Notify::new(),
        })
    }

    /// The master that the sentinels name now.
    pub(crate) async fn master(&self, limit: Duration) -> Result<Server, RedisError> {
        let (answers, failure) = self.ask_all(limit).await;
        let is_majority = answers.len() > self.all.len() / 2;
        let Some((epoch, address)) = answers.into_iter().max_by_key(|(epoch, _)| *epoch) else {
            return Err(failure);
        };
        let master = self.template.at(&address);
        let addr = Arc::new(master.addr().clone());
        let mut is_outdated = false;
        self.named.send_if_modified(|named| {
            // Fewer than half may be those that are cut off. More were set up afresh.
            is_outdated = !is_majority && named.as_ref().is_some_and(|known| known.epoch > epoch);
            let is_new = !named.as_ref().is_some_and(|known| known.addr == addr);
            if !is_outdated {
                *named = Some(Named { epoch, addr: Arc::clone(&addr) });
            }
            is_new && !is_outdated
        });
        if is_outdated {
            let attempted = "find a sentinel that knows the last failover";
            return Err(RedisError::new(RedisErrorKind::NotReady, attempted));
        }
        Ok(master)
    }

    /// The master that was named last.
    pub(crate) fn named(&self) -> Option<Arc<ConnectionAddr>> {
        self.named.borrow().as_ref().map(|named| Arc::clone(&named.addr))
    }

    /// Whether the sentinels name another master than the server at `addr`.
    pub(crate) fn name_another_than(&self, addr: &ConnectionAddr) -> bool {
        self.named.borrow().as_ref().is_some_and(|named| *named.addr != *addr)
    }

    /// Waits until they do.
    pub(crate) async fn until_they_name_another_than(&self, addr: &ConnectionAddr) {
        let mut named = self.named.subscribe();
        let is_other = |named: &Option<Named>| named.as_ref().is_some_and(|it| *it.addr != *addr);
        let _ = named.wait_for(is_other).await;
    }

    /// Asks the sentinels soon: the master has too few replicas, or a write did not reach them.
    pub(crate) fn ask_soon(&self) {
        self.asked.notify_one();
    }

    /// Asks regularly, until the last user of the sentinels is gone. Connections follow.
    pub(crate) async fn follow(this: Weak<Self>) {
        while let Some(sentinels) = this.upgrade() {
            // An outage of the sentinels alone is none: the master that is known is used.
            let _ = sentinels.master(INTERVAL).await;
            sleep(MIN_INTERVAL).await;
            let _ = timeout(INTERVAL, sentinels.asked.notified()).await;
        }
    }

    /// The masters that the sentinels name, and why one that did not answer did not.
    async fn ask_all(&self, limit: Duration) -> (Vec<(u64, Address)>, RedisError) {
        let mut asked = JoinSet::new();
        for sentinel in &self.all {
            let sentinel = Arc::clone(sentinel);
            asked.spawn(async move { sentinel.ask(limit).await });
        }
        let mut failure = RedisError::new(RedisErrorKind::TimedOut, FIND_MASTER);
        let (mut answers, mut deadline) = (Vec::new(), Instant::now() + limit);
        while let Ok(Some(answer)) = timeout_at(deadline, asked.join_next()).await {
            match answer {
                Ok(Ok(answer)) => {
                    answers.push(answer);
                    deadline = deadline.min(Instant::now() + GRACE);
                }
                // What a sentinel said tells more than that others cannot be reached.
                Ok(Err(error)) if failure.kind() != RedisErrorKind::NotReady => failure = error,
                Ok(Err(_)) | Err(_) => {}
            }
        }
        (answers, failure)
    }
}

impl Sentinel {
    /// The epoch of its configuration, and the master in it.
    async fn ask(&self, limit: Duration) -> Result<(u64, Address), RedisError> {
        let mut connection = self.connection.lock().await;
        let answer = match timeout(limit, self.ask_on(&mut connection, limit)).await {
            Ok(answer) => answer,
            Err(_) => Err(RedisError::new(RedisErrorKind::TimedOut, FIND_MASTER)),
        };
        if answer.is_err() {
            *connection = None;
        }
        answer.map_err(|error| error.at(self.server.addr()))
    }

    /// Most sentinels have no password, and reject a connection that sends one.
    async fn connect(&self, limit: Duration) -> Result<MultiplexedConnection, RedisError> {
        let mut made = connect(&self.server.without_credentials(), limit).await?;
        let ping = redis::cmd("PING").query_async::<Value>(&mut made).await;
        if ping.is_err_and(|error| error.code() == Some("NOAUTH")) {
            // The database number in the URL is that of the master; a sentinel has only one.
            return connect(&self.server.without_database(), limit).await;
        }
        Ok(made)
    }

    async fn ask_on(
        &self,
        connection: &mut Option<MultiplexedConnection>,
        limit: Duration,
    ) -> Result<(u64, Address), RedisError> {
        let failed = |error| RedisError::driver(FIND_MASTER, error);
        let connection = if let Some(connection) = connection {
            connection
        } else {
            connection.insert(self.connect(limit).await?)
        };
        let mut query = Pipeline::new();
        for question in ["GET-MASTER-ADDR-BY-NAME", "MASTER"] {
            query.cmd("SENTINEL").arg(question).arg(&self.name);
        }
        let answers = connection.send_packed_commands(&query, 0, 2).await.map_err(failed)?;
        if let Some(Value::ServerError(error)) = answers.first() {
            return Err(failed(error.clone().into()));
        }
        let address = answers.first().map(redis::from_redis_value_ref::<Option<(String, u16)>>);
        let Some(Ok(Some((host, port)))) = address else {
            return Err(RedisError::new(RedisErrorKind::NotReady, "find a master of this name"));
        };
        // A user who may not ask for the epoch gets along without.
        Ok((answers.get(1).and_then(epoch_in).unwrap_or_default(), Address { host, port }))
    }
}

/// The epoch in the answer to `SENTINEL MASTER`.
fn epoch_in(answer: &Value) -> Option<u64> {
    let fields: std::collections::HashMap<String, String> =
        redis::from_redis_value_ref(answer).ok()?;
    fields.get("config-epoch")?.parse().ok()
}

async fn connect(server: &Server, limit: Duration) -> Result<MultiplexedConnection, RedisError> {
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limit))
        .set_response_timeout(Some(limit));
    server.connect(settings, FIND_MASTER).await
}
