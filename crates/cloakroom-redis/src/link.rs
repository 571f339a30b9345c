//! The connection: made, kept, given up when it fails, and made again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::batch::Backoff;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, Pipeline, ServerErrorKind, Value,
};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{RedisError, RedisErrorKind};
use crate::script;
use crate::sentinel::Sentinels;
use crate::slots::Address;

/// What all servers are told and asked alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// For a connection, and for each answer.
    pub(crate) patience: Duration,
    /// Copies that are waited for before a change counts, and for how long.
    pub(crate) copies: Option<(u16, Duration)>,
    /// Whether it is for the server itself to say that it is the master: those of a cluster send away who asks for what is not
    /// theirs.
    pub(crate) asks_role: bool,
}

/// How often a server that is in use is asked whether it is the master still.
const ROLE: Duration = Duration::from_secs(1);

/// How a server is found.
#[derive(Clone)]
pub(crate) enum Way {
    /// Where it is.
    To(Client),
    /// By those who know which of several is the master.
    Asking(Sentinels),
}

impl Way {
    /// The server as it is found now.
    pub(crate) async fn client(&self, patience: Duration) -> Result<Client, RedisError> {
        match self {
            Self::To(client) => Ok(client.clone()),
            Self::Asking(sentinels) => sentinels.master(patience).await,
        }
    }

    /// The way to a server beside this one, reached like it.
    pub(crate) fn at(&self, address: &Address) -> Result<Self, RedisError> {
        let Self::To(client) = self else {
            return Err(RedisError::new(RedisErrorKind::Unexpected, "find the cluster's servers"));
        };
        client_at(client.get_connection_info(), address).map(Self::To)
    }

    pub(crate) fn host(&self) -> Option<String> {
        let Self::To(client) = self else { return None };
        match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
                Some(host.clone())
            }
            _ => None,
        }
    }
}

/// A server at that address that is reached in all other ways like this one.
pub(crate) fn client_at(like: &ConnectionInfo, address: &Address) -> Result<Client, RedisError> {
    let Address { host, port } = address.clone();
    let place = match like.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    Client::open(like.clone().set_addr(place))
        .map_err(|error| RedisError::driver("use this address", error))
}

/// One server, spoken to over one connection by all.
pub(crate) struct Link {
    way: Way,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Clone)]
struct Made {
    number: u64,
    connection: MultiplexedConnection,
    /// Which server it is, and which time it runs.
    identity: u32,
    asked_role: Instant,
}

#[derive(Default)]
struct State {
    connection: Option<Made>,
    /// How many connections were made.
    made: u64,
    backoff: Backoff,
    not_before: Option<Instant>,
}

/// Why a conversation came to nothing.
pub(crate) enum Broken {
    /// Nothing was said.
    NotSent(RedisError),
    /// What was said may have been caught_up_to.
    Unknown(RedisError),
}

impl Link {
    pub(crate) fn new(way: Way, settings: Settings) -> Arc<Self> {
        Arc::new(Self { way, settings, state: Mutex::default() })
    }

    /// Where it leads.
    pub(crate) const fn way(&self) -> &Way {
        &self.way
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Says all of it at once; an answer for each command, in order. What the server refuses is an answer too.
    pub(crate) async fn say(
        &self,
        commands: &Pipeline,
        count: usize,
    ) -> Result<Vec<Value>, Broken> {
        let (Made { number, mut connection, .. }, asks_role) =
            self.connection().await.map_err(Broken::NotSent)?;
        // Once in a while somebody's message asks for the role as well.
        let with_role = asks_role.then(|| {
            let mut commands = commands.clone();
            commands.cmd("ROLE");
            commands
        });
        let (commands, all) =
            (with_role.as_ref().unwrap_or(commands), count + usize::from(asks_role));
        // The driver's own limit is the same; this one also covers waiting for room to write.
        let answers =
            timeout(self.settings.patience, connection.send_packed_commands(commands, 0, all))
                .await;
        let error = match answers {
            Ok(Ok(mut answers)) if answers.len() == all => {
                if asks_role && answers.pop().as_ref().is_some_and(follows) {
                    self.give_up(number).await;
                    return Err(Broken::Unknown(not_the_master()));
                }
                if answers.iter().any(is_of_a_replica) {
                    // The name may lead to another server by now.
                    self.give_up(number).await;
                }
                return Ok(answers);
            }
            Ok(Ok(_)) => RedisError::new(RedisErrorKind::Unexpected, "talk to the server"),
            Ok(Err(error)) => RedisError::driver("talk to the server", error),
            Err(_) => RedisError::new(RedisErrorKind::TimedOut, "talk to the server"),
        };
        self.give_up(number).await;
        Err(Broken::Unknown(error))
    }

    /// Leaves a connection behind that failed or leads to the wrong server, unless somebody did already.
    async fn give_up(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.connection.as_ref().is_some_and(|current| current.number == number) {
            state.connection = None;
        }
    }

    /// Leaves whatever connection there is behind: it leads to the wrong server.
    pub(crate) async fn leave(&self) {
        self.state.lock().await.connection = None;
    }

    /// Which server it leads to, and which time that one runs: its own order of keys ends with it.
    pub(crate) async fn identity(&self) -> Result<u32, Broken> {
        self.connection().await.map(|(made, _)| made.identity).map_err(Broken::NotSent)
    }

    /// The connection, and whether it is time to ask for the server's role.
    async fn connection(&self) -> Result<(Made, bool), RedisError> {
        let mut state = self.state.lock().await;
        if let Some(made) = &mut state.connection {
            let asks_role = self.settings.asks_role && made.asked_role.elapsed() >= ROLE;
            if asks_role {
                made.asked_role = Instant::now();
            }
            return Ok((made.clone(), asks_role));
        }
        if state.not_before.is_some_and(|moment| Instant::now() < moment) {
            return Err(RedisError::new(RedisErrorKind::Unreachable, "connect again so soon"));
        }
        match self.connect().await {
            Ok((connection, identity)) => {
                state.made += 1;
                state.backoff.succeeded();
                let made =
                    Made { number: state.made, connection, identity, asked_role: Instant::now() };
                state.connection = Some(made.clone());
                Ok((made, false))
            }
            Err(error) => {
                state.not_before = Some(Instant::now() + state.backoff.failed());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, u32), RedisError> {
        let patience = self.settings.patience;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        let connecting = async {
            let failed = |error| RedisError::driver("connect to the server", error);
            let client = self.way.client(patience).await?;
            let connecting = client.get_multiplexed_async_connection_with_config(&settings);
            let mut connection = connecting.await.map_err(failed)?;
            let count = script::ALL.len() + 2;
            let mut greeting = Pipeline::with_capacity(count);
            greeting.cmd("ROLE").cmd("INFO").arg("server");
            for script in script::ALL {
                greeting.add_command(script.load());
            }
            let answers =
                connection.send_packed_commands(&greeting, 0, count).await.map_err(failed)?;
            if self.settings.asks_role && answers.first().is_some_and(follows) {
                return Err(not_the_master());
            }
            Ok((connection, answers.get(1).map(identity_in).unwrap_or_default()))
        };
        match timeout(patience, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(RedisError::new(RedisErrorKind::TimedOut, "connect to the server")),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may hold a password.
        f.debug_struct("Link").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether that is the role of a server that follows another. One that does not tell is believed.
pub(crate) fn follows(role: &Value) -> bool {
    let Value::Array(facts) = role else { return false };
    let name: Option<String> =
        facts.first().and_then(|name| redis::from_redis_value_ref(name).ok());
    name.is_some_and(|name| name != "master")
}

fn not_the_master() -> RedisError {
    RedisError::new(RedisErrorKind::NotReady, "use a server that follows another")
}

/// What a server calls this run of its own, in short.
pub(crate) fn identity_in(facts: &Value) -> u32 {
    let facts: String = redis::from_redis_value_ref(facts).unwrap_or_default();
    let run = facts.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default();
    crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(run.as_bytes())
}

fn is_of_a_replica(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}
