//! A report on a server: version, durability, eviction, replicas and memory.

use redis::{Pipeline, Value};

use crate::connection::{Connection, SendError};
use crate::error::{RedisError, RedisErrorKind};
use crate::topology::{Master, Topology};

/// A report on a server: [`RedisStore::inspect`](crate::RedisStore::inspect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The address of the server, `host:port`, in a cluster.
    pub address: Option<String>,
    /// The name and version of the server software.
    pub server: String,
    /// How often the append-only file is synced to the disk (`appendfsync`): `always`, `everysec`
    /// or `no`, or `unknown` if the server does not report it. `None` without an append-only file.
    pub appendfsync: Option<String>,
    /// The eviction policy (`maxmemory-policy`), if the server reports it.
    pub eviction: Option<String>,
    /// The number of connected replicas.
    pub replicas: u32,
    /// The memory in use, in bytes.
    pub bytes: u64,
}

impl Inspection {
    pub(crate) async fn of_all(topology: &Topology) -> Result<Vec<Self>, RedisError> {
        let map = topology.map();
        let mut all = Vec::new();
        for Master { address, node, .. } in &map.masters {
            let address =
                topology.is_cluster().then(|| format!("{}:{}", address.host, address.port));
            all.push(Self::of(&node.connection, address).await?);
        }
        if all.is_empty() {
            return Err(RedisError::new(RedisErrorKind::NotReady, "inspect the servers"));
        }
        Ok(all)
    }

    async fn of(connection: &Connection, address: Option<String>) -> Result<Self, RedisError> {
        let mut message = Pipeline::new();
        message.cmd("INFO");
        for setting in ["appendfsync", "maxmemory-policy"] {
            message.cmd("CONFIG").arg("GET").arg(setting);
        }
        let answers = connection.send(&message, 3).await.map_err(SendError::into_inner)?;
        let (info, sync, eviction) =
            (text(&answers[0]), setting(&answers[1]), setting(&answers[2]));
        let field = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(str::to_owned)
        };
        let server = match field("valkey_version") {
            Some(version) => format!("Valkey {version}"),
            None => format!("Redis {}", field("redis_version").unwrap_or_default()),
        };
        let number = |name| field(name).and_then(|text| text.parse().ok());
        let has_file = field("aof_enabled").is_some_and(|enabled| enabled == "1");
        Ok(Self {
            address,
            server,
            appendfsync: has_file.then(|| sync.unwrap_or_else(|| "unknown".to_owned())),
            // Managed services do not permit CONFIG, but report this setting in INFO.
            eviction: eviction.or_else(|| field("maxmemory_policy")),
            replicas: number("connected_slaves").unwrap_or_default(),
            bytes: field("used_memory").and_then(|text| text.parse().ok()).unwrap_or_default(),
        })
    }
}

fn text(answer: &Value) -> String {
    redis::from_redis_value_ref(answer).unwrap_or_default()
}

/// The value in the answer to `CONFIG GET`, a list of name and value.
fn setting(answer: &Value) -> Option<String> {
    redis::from_redis_value_ref::<Vec<String>>(answer).ok()?.pop()
}
