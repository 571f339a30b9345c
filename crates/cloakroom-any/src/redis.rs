//! Redis by its URL.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Store;
use cloakroom_redis::{Inspection, RedisBuilder, RedisStore};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;

pub(crate) fn understand(url: &str, options: Options) -> Result<(), OpenError> {
    builder(url, options).map(drop)
}

pub(crate) async fn open(url: &str, options: Options) -> Result<Arc<dyn Store>, OpenError> {
    builder(url, options)?
        .connect()
        .await
        .map(|store| Arc::new(store) as _)
        .map_err(OpenError::store)
}

pub(crate) async fn check(url: &str, options: Options) -> Result<Vec<Check>, OpenError> {
    let store = builder(url, options)?.connect().await.map_err(OpenError::store)?;
    let found = store.inspect().await.map_err(OpenError::store)?;
    let replicas: u32 = found.iter().map(|server| server.replicas).sum();
    let bytes: u64 = found.iter().map(|server| server.bytes).sum();
    let mut checks = vec![of_all("server", &found, |server| (true, server.server.clone()))];
    checks.push(of_all("durability", &found, |server| {
        let (kept, lasts) = durability(server);
        (kept, lasts.to_owned())
    }));
    checks.push(of_all("eviction", &found, |server| {
        let (keeps, policy) = eviction(server);
        (keeps, policy.to_owned())
    }));
    checks.push(Check::new("replicas", true, replicas.to_string()));
    checks.push(Check::new("memory", true, format!("{bytes} bytes used")));
    Ok(checks)
}

/// What holds of all servers, or of the first that is not as it should be.
fn of_all(
    name: &'static str,
    all: &[Inspection],
    look: impl Fn(&Inspection) -> (bool, String),
) -> Check {
    let mut found = all.iter().map(|server| (server, look(server)));
    let first = found.next();
    let (server, (ok, said)) = match found.find(|(_, (ok, _))| !ok) {
        Some(wrong) if first.as_ref().is_some_and(|(_, (ok, _))| *ok) => wrong,
        _ => match first {
            Some(first) => first,
            None => return Check::new(name, false, "no server"),
        },
    };
    let place = match &server.address {
        Some(address) if !ok => format!("{address}: "),
        Some(_) => format!("all {}: ", all.len()),
        None => String::new(),
    };
    Check::new(name, ok, format!("{place}{said}"))
}

fn durability(server: &Inspection) -> (bool, &'static str) {
    match server.log.as_deref() {
        None => (false, "no log: a crash loses every session"),
        Some("always") => (true, "a log, on the disk before each answer"),
        Some("everysec") => (
            false,
            "a log, on the disk once a second: a crash takes back the last second, logouts included",
        ),
        Some("no") => {
            (false, "a log, on the disk when the system likes: a crash takes back half a minute")
        }
        Some(_) => (false, "a log; how soon it is on the disk the server does not tell"),
    }
}

fn eviction(server: &Inspection) -> (bool, &'static str) {
    match server.eviction.as_deref() {
        Some("noeviction") => (true, "refuses writes when its memory is full"),
        Some(_) => (
            false,
            "forgets sessions and tombstones when its memory is full: set `maxmemory-policy noeviction`",
        ),
        None => (true, "the server does not tell"),
    }
}

fn builder(url: &str, mut options: Options) -> Result<RedisBuilder, OpenError> {
    let (prefix, timeout, roots) =
        (options.take("prefix"), options.take_span("timeout")?, options.take("sslrootcert"));
    let copies = options.take("replicas").map(|text| text.parse::<u16>());
    let copies =
        copies.transpose().map_err(|_| OpenError::url("replicas are a number: `replicas=1`"))?;
    let span = options.take_span("replica-timeout")?.unwrap_or(Duration::from_millis(500));
    options.end(&["prefix", "timeout", "replicas", "replica-timeout", "sslrootcert"])?;
    let mut builder = servers(url)?;
    if let Some(prefix) = prefix {
        builder = builder.prefix(prefix);
    }
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    if let Some(roots) = roots {
        builder = builder.trusting(roots);
    }
    if let Some(copies) = copies.filter(|copies| *copies > 0) {
        builder = builder.min_replicas(copies, span);
    }
    Ok(builder)
}

/// One server, or as many as there are commas and one more, each reached with the name, password and path of them all.
fn servers(url: &str) -> Result<RedisBuilder, OpenError> {
    let Some((scheme, rest)) =
        url.split_once("://").and_then(|(scheme, rest)| Some((scheme.split_once('+')?, rest)))
    else {
        return Ok(RedisStore::builder(url));
    };
    let (plain, shape) = scheme;
    let (who, rest) = rest.rsplit_once('@').map_or(("", rest), |(who, rest)| (who, rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, number) = match (shape, path.split_once('/')) {
        ("sentinel", Some((name, number))) => (name, number),
        ("sentinel", None) => (path, ""),
        _ => ("", path),
    };
    if shape == "sentinel" && name.is_empty() {
        return Err(OpenError::url(
            "after the sentinels comes what they call the master: `redis+sentinel://HOST:26379/NAME`",
        ));
    }
    let at = if who.is_empty() { "" } else { "@" };
    let mut urls = hosts.split(',').map(|host| format!("{plain}://{who}{at}{host}/{number}"));
    let first = urls.next().unwrap_or_default();
    let builder = match shape {
        "sentinel" => RedisStore::sentinel(first, name),
        _ => RedisStore::cluster(first),
    };
    Ok(urls.fold(builder, RedisBuilder::or))
}
