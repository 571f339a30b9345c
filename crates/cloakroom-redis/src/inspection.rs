//! What can be found out of a server.

use redis::{Pipeline, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::link::Broken;
use crate::net::{Master, Net};

/// What a server is like, of a cluster the first of its masters: [`RedisStore::inspect`](crate::RedisStore::inspect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The server and its version.
    pub server: String,
    /// When its log is on the disk (`appendfsync`): `always`, `everysec` or `no`, or `unknown` if it does not tell; `None` if
    /// it keeps no log.
    pub log: Option<String>,
    /// What it does when its memory is full (`maxmemory-policy`), if it tells.
    pub eviction: Option<String>,
    /// How many servers follow it.
    pub replicas: u32,
    /// Bytes of memory in use.
    pub bytes: u64,
}

impl Inspection {
    pub(crate) async fn of(net: &Net) -> Result<Self, RedisError> {
        let map = net.map();
        let Some(Master { node, .. }) = map.masters.first() else {
            return Err(RedisError::new(RedisErrorKind::NotReady, "look the server over"));
        };
        let mut message = Pipeline::new();
        message.cmd("INFO");
        for setting in ["appendfsync", "maxmemory-policy"] {
            message.cmd("CONFIG").arg("GET").arg(setting);
        }
        let answers = node.link.say(&message, 3).await;
        let answers = answers.map_err(|broken| match broken {
            Broken::NotSent(error) | Broken::Unknown(error) => error,
        })?;
        let (facts, sync, eviction) = (text(&answers[0]), last(&answers[1]), last(&answers[2]));
        let fact = |name: &str| {
            let line = facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(str::to_owned)
        };
        let server = match fact("valkey_version") {
            Some(version) => format!("Valkey {version}"),
            None => format!("Redis {}", fact("redis_version").unwrap_or_default()),
        };
        let number = |name| fact(name).and_then(|text| text.parse().ok());
        let has_log = fact("aof_enabled").is_some_and(|enabled| enabled == "1");
        Ok(Self {
            server,
            log: has_log.then(|| sync.unwrap_or_else(|| "unknown".to_owned())),
            // Managed servers keep their settings to themselves, but tell of this one.
            eviction: eviction.or_else(|| fact("maxmemory_policy")),
            replicas: number("connected_slaves").unwrap_or_default(),
            bytes: fact("used_memory").and_then(|text| text.parse().ok()).unwrap_or_default(),
        })
    }
}

fn text(answer: &Value) -> String {
    redis::from_redis_value_ref(answer).unwrap_or_default()
}

/// The value in a list of a name and it.
fn last(answer: &Value) -> Option<String> {
    redis::from_redis_value_ref::<Vec<String>>(answer).ok()?.pop()
}
