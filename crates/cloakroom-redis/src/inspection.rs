//! What can be found out of a server.

use redis::{Pipeline, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::link::{Broken, Link};
use crate::net::{Master, Net};

/// What a server is like: [`RedisStore::inspect`](crate::RedisStore::inspect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Where it is, of a server in a cluster: `host:port`.
    pub address: Option<String>,
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
    pub(crate) async fn of_all(net: &Net) -> Result<Vec<Self>, RedisError> {
        let map = net.map();
        let mut all = Vec::new();
        for Master { address, node, .. } in &map.masters {
            let address = net.is_cluster().then(|| format!("{}:{}", address.host, address.port));
            all.push(Self::of(&node.link, address).await?);
        }
        if all.is_empty() {
            return Err(RedisError::new(RedisErrorKind::NotReady, "look the servers over"));
        }
        Ok(all)
    }

    async fn of(link: &Link, address: Option<String>) -> Result<Self, RedisError> {
        let mut message = Pipeline::new();
        message.cmd("INFO");
        for setting in ["appendfsync", "maxmemory-policy"] {
            message.cmd("CONFIG").arg("GET").arg(setting);
        }
        let answers = link.say(&message, 3).await;
        let answers = answers.map_err(|broken| match broken {
            Broken::NotSent(error) | Broken::Unknown(error) => error,
        })?;
        let (facts, sync, eviction) = (text(&answers[0]), last(&answers[1]), last(&answers[2]));
        let fact = |name: &str| {
            let value = facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(str::to_owned)
        };
        let server = match fact("valkey_version") {
            Some(version) => format!("Valkey {version}"),
            None => format!("Redis {}", fact("redis_version").unwrap_or_default()),
        };
        let number = |name| fact(name).and_then(|text| text.parse().ok());
        let has_log = fact("aof_enabled").is_some_and(|enabled| enabled == "1");
        Ok(Self {
            address,
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
