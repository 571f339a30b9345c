//! What is found out about a server: version, durability, eviction, replicas, clock and memory.

use std::sync::Arc;

use cloakroom::Timestamp;
use redis::{Pipeline, Value};

use crate::connection::{Connection, SendError};
use crate::error::{RedisError, RedisErrorKind};
use crate::server_clock::time_in;
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
    /// With how few connected replicas the server refuses writes (`min-replicas-to-write`); zero
    /// if it does not. `None` if the server does not report it.
    pub min_replicas_to_write: Option<u32>,
    /// How far the server's clock is ahead of this host's, in milliseconds; negative if it is
    /// behind. Zero if the server does not tell the time.
    pub clock_ahead: i64,
    /// Whether the server has a compare-and-set of its own (`SET .. IFEQ`, Valkey 8.1 and Redis
    /// 8.4), which a lone write takes; on others it is a script.
    pub has_native_compare_and_set: bool,
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

    async fn of(connection: &Arc<Connection>, address: Option<String>) -> Result<Self, RedisError> {
        let mut message = Pipeline::new();
        message.cmd("INFO").cmd("TIME");
        for setting in ["appendfsync", "maxmemory-policy", "min-replicas-to-write"] {
            message.cmd("CONFIG").arg("GET").arg(setting);
        }
        let answers = connection
            .send(connection.deadline(), &message, 5)
            .await
            .map_err(SendError::into_inner)?;
        let [info, time, sync, eviction, guard] = &answers[..] else {
            return Err(RedisError::new(RedisErrorKind::Unexpected, "inspect the server"));
        };
        let (info, sync, eviction) = (text(info), setting(sync), setting(eviction));
        let here = connection.settings().clock.now();
        let field = |name: &str| field(&info, name).map(str::to_owned);
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
            min_replicas_to_write: setting(guard).and_then(|text| text.parse().ok()),
            clock_ahead: time_in(time).map_or(0, |time| millis(time).saturating_sub(millis(here))),
            has_native_compare_and_set: connection.is_native(),
            bytes: field("used_memory").and_then(|text| text.parse().ok()).unwrap_or_default(),
        })
    }
}

/// Checks that every server answers and, unless that is accepted, that none evicts sessions.
pub(crate) async fn check_servers(
    topology: &Topology,
    accepts_evictions: bool,
) -> Result<(), RedisError> {
    let mut message = Pipeline::new();
    message.cmd("INFO").arg("memory");
    for Master { node, .. } in &topology.map().masters {
        let answers = node
            .connection
            .send(node.connection.deadline(), &message, 1)
            .await
            .map_err(SendError::into_inner)?;
        let info = answers.first().map(text).unwrap_or_default();
        // Without `maxmemory` nothing is evicted, and a policy that is not known is not judged.
        let has_limit = field(&info, "maxmemory").is_some_and(|limit| limit != "0");
        let policy = field(&info, "maxmemory_policy").filter(|policy| *policy != "noeviction");
        if let Some(policy) = policy.filter(|_| has_limit && !accepts_evictions) {
            let cause = format!(
                "`maxmemory-policy {policy}`: set `noeviction`, or call `accept_evictions()` \
                 (in a URL, `evictions=accepted`)"
            );
            return Err(RedisError::caused(RedisErrorKind::Evicts, "use the server", cause));
        }
    }
    Ok(())
}

/// The value of a field in the answer to `INFO`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn text(answer: &Value) -> String {
    redis::from_redis_value_ref(answer).unwrap_or_default()
}

/// The value in the answer to `CONFIG GET`, a list of name and value.
fn setting(answer: &Value) -> Option<String> {
    redis::from_redis_value_ref::<Vec<String>>(answer).ok()?.pop()
}
