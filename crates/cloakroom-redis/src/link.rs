//! The connection: made, kept, given up when it fails, and made again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::batch::Backoff;
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
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// For a connection, and for each answer.
    pub(crate) patience: Duration,
    /// Copies that are waited for before a change counts, and for how long.
    pub(crate) copies: Option<(u16, Duration)>,
}

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
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => Some(host.clone()),
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
    Client::open(like.clone().set_addr(place)).map_err(|error| RedisError::driver("use this address", error))
}

/// One server, spoken to over one connection by all.
pub(crate) struct Link {
    way: Way,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<(u64, MultiplexedConnection)>,
    /// How many connections were made.
    made: u64,
    backoff: Backoff,
    not_before: Option<Instant>,
}

/// Why a conversation came to nothing.
pub(crate) enum Broken {
    /// Nothing was said.
    NotSent(RedisError),
    /// What was said may have been heard.
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
    pub(crate) async fn say(&self, commands: &Pipeline, count: usize) -> Result<Vec<Value>, Broken> {
        let (number, mut connection) = self.connection().await.map_err(Broken::NotSent)?;
        // The driver's own limit is the same; this one also covers waiting for room to write.
        let answers =
            timeout(self.settings.patience, connection.send_packed_commands(commands, 0, count)).await;
        let error = match answers {
            Ok(Ok(answers)) if answers.len() == count => {
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
        if state.connection.as_ref().is_some_and(|(current, _)| *current == number) {
            state.connection = None;
        }
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        if state.not_before.is_some_and(|moment| Instant::now() < moment) {
            return Err(RedisError::new(RedisErrorKind::Unreachable, "connect again so soon"));
        }
        match self.connect().await {
            Ok(connection) => {
                state.made += 1;
                state.backoff.succeeded();
                let made = (state.made, connection);
                state.connection = Some(made.clone());
                Ok(made)
            }
            Err(error) => {
                state.not_before = Some(Instant::now() + state.backoff.failed());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let patience = self.settings.patience;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        let connecting = async {
            let failed = |error| RedisError::driver("connect to the server", error);
            let client = self.way.client(patience).await?;
            let connecting = client.get_multiplexed_async_connection_with_config(&settings);
            let mut connection = connecting.await.map_err(failed)?;
            let mut scripts = Pipeline::with_capacity(script::ALL.len());
            for script in script::ALL {
                scripts.add_command(script.load());
            }
            connection.send_packed_commands(&scripts, 0, script::ALL.len()).await.map_err(failed)?;
            Ok(connection)
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

fn is_of_a_replica(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}
