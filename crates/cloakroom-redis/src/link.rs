//! The connection: made, kept, given up when it fails, and made again.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::batch::Backoff;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{RedisError, RedisErrorKind};
use crate::script;

/// One server, spoken to over one connection by all.
pub(crate) struct Link {
    client: Client,
    patience: Duration,
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
    pub(crate) fn new(client: Client, patience: Duration) -> Arc<Self> {
        Arc::new(Self { client, patience, state: Mutex::default() })
    }

    /// Where it leads, and how long it waits for an answer.
    pub(crate) const fn way(&self) -> (&Client, Duration) {
        (&self.client, self.patience)
    }

    /// Says all of it at once; an answer for each command, in order. What the server refuses is an answer too.
    pub(crate) async fn say(&self, commands: &Pipeline, count: usize) -> Result<Vec<Value>, Broken> {
        let (number, mut connection) = self.connection().await.map_err(Broken::NotSent)?;
        // The driver's own limit is the same; this one also covers waiting for room to write.
        let answers =
            tokio::time::timeout(self.patience, connection.send_packed_commands(commands, 0, count)).await;
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
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let connecting = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&settings).await?;
            let mut scripts = Pipeline::with_capacity(script::ALL.len());
            for script in script::ALL {
                scripts.add_command(script.load());
            }
            connection.send_packed_commands(&scripts, 0, script::ALL.len()).await?;
            Ok(connection)
        };
        match tokio::time::timeout(self.patience, connecting).await {
            Ok(connected) => connected.map_err(|error| RedisError::driver("connect to the server", error)),
            Err(_) => Err(RedisError::new(RedisErrorKind::TimedOut, "connect to the server")),
        }
    }
}

fn is_of_a_replica(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}
