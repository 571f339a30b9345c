//! Redis by its URL.

use std::sync::Arc;

use cloakroom::Store;
use cloakroom_redis::{RedisBuilder, RedisStore};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;

pub(crate) fn understand(options: Options) -> Result<(), OpenError> {
    builder("redis://127.0.0.1", options).map(drop)
}

pub(crate) async fn open(url: &str, options: Options) -> Result<Arc<dyn Store>, OpenError> {
    builder(url, options)?.connect().await.map(|store| Arc::new(store) as _).map_err(OpenError::store)
}

pub(crate) async fn check(url: &str, options: Options) -> Result<Vec<Check>, OpenError> {
    let store = builder(url, options)?.connect().await.map_err(OpenError::store)?;
    let found = store.inspect().await.map_err(OpenError::store)?;
    let (kept, lasts) = match found.log.as_deref() {
        None => (false, "no log: a crash loses every session"),
        Some("always") => (true, "a log, on the disk before each answer"),
        Some("everysec") => {
            (false, "a log, on the disk once a second: a crash takes back the last second, logouts included")
        }
        Some("no") => (false, "a log, on the disk when the system likes: a crash takes back half a minute"),
        Some(_) => (false, "a log; how soon it is on the disk the server does not tell"),
    };
    let (keeps, policy) = match found.eviction.as_deref() {
        Some("noeviction") => (true, "refuses writes when its memory is full"),
        Some(_) => (
            false,
            "forgets sessions and tombstones when its memory is full: set `maxmemory-policy noeviction`",
        ),
        None => (true, "the server does not tell"),
    };
    Ok(vec![
        Check::new("server", true, found.server),
        Check::new("durability", kept, lasts),
        Check::new("eviction", keeps, policy),
        Check::new("replicas", true, found.replicas.to_string()),
        Check::new("memory", true, format!("{} bytes used", found.bytes)),
    ])
}

fn builder(url: &str, mut options: Options) -> Result<RedisBuilder, OpenError> {
    let (prefix, timeout) = (options.take("prefix"), options.take_span("timeout")?);
    options.end(&["prefix", "timeout"])?;
    let mut builder = RedisStore::builder(url);
    if let Some(prefix) = prefix {
        builder = builder.prefix(prefix);
    }
    if let Some(timeout) = timeout {
        builder = builder.waiting_at_most(timeout);
    }
    Ok(builder)
}
