//! Redis stores.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Store;
use cloakroom_redis::{Inspection, RedisBuilder, RedisStore};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;

pub(crate) fn validate(url: &str, options: Options) -> Result<(), OpenError> {
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
    let mut checks = vec![check_all("server", &found, |server| (true, server.server.clone()))];
    checks.push(check_all("durability", &found, |server| {
        let (ok, text) = durability(server);
        (ok, text.to_owned())
    }));
    checks.push(check_all("eviction", &found, |server| {
        let (ok, text) = eviction(server);
        (ok, text.to_owned())
    }));
    checks.push(Check::new("replicas", true, replicas.to_string()));
    checks.push(Check::new("memory", true, format!("{bytes} bytes used")));
    Ok(checks)
}

/// The finding about all servers, or about the first one that is not as recommended.
fn check_all(
    name: &'static str,
    all: &[Inspection],
    check: impl Fn(&Inspection) -> (bool, String),
) -> Check {
    let mut found = all.iter().map(|server| (server, check(server)));
    let first = found.next();
    let (server, (ok, text)) = match found.find(|(_, (ok, _))| !ok) {
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
    Check::new(name, ok, format!("{place}{text}"))
}

fn durability(server: &Inspection) -> (bool, &'static str) {
    match server.appendfsync.as_deref() {
        None => (false, "no append-only file: a crash loses every session"),
        Some("always") => (true, "append-only file, synced before each answer"),
        Some("everysec") => (
            false,
            "append-only file, synced once a second: a crash loses up to a second, with logouts",
        ),
        Some("no") => {
            (false, "append-only file, synced by the system: a crash loses about half a minute")
        }
        Some(_) => (false, "append-only file; the server does not report how often it is synced"),
    }
}

fn eviction(server: &Inspection) -> (bool, &'static str) {
    match server.eviction.as_deref() {
        Some("noeviction") => (true, "the server refuses writes when its memory is full"),
        Some(_) => (
            false,
            "the server evicts sessions when its memory is full: set `maxmemory-policy noeviction`",
        ),
        None => (true, "the server does not report its policy"),
    }
}

fn builder(url: &str, mut options: Options) -> Result<RedisBuilder, OpenError> {
    let prefix = options.take("prefix");
    let timeout = options.take_duration("timeout")?;
    let root_certificate = options.take("root_certificate");
    let min_replicas = options.take("min_replicas").map(|text| text.parse::<u16>());
    let min_replicas = min_replicas
        .transpose()
        .map_err(|_| OpenError::url("`min_replicas` is not a number: write `min_replicas=1`"))?;
    let replica_timeout =
        options.take_duration("replica_timeout")?.unwrap_or(Duration::from_millis(500));
    options.expect_empty(&[
        "prefix",
        "timeout",
        "root_certificate",
        "min_replicas",
        "replica_timeout",
    ])?;
    let mut builder = servers(url)?;
    if let Some(prefix) = prefix {
        builder = builder.prefix(prefix);
    }
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    if let Some(file) = root_certificate {
        builder = builder.root_certificate(file);
    }
    if let Some(count) = min_replicas.filter(|count| *count > 0) {
        builder = builder.min_replicas(count, replica_timeout);
    }
    Ok(builder)
}

/// A builder with all hosts of the URL, which share its user, password and path.
fn servers(url: &str) -> Result<RedisBuilder, OpenError> {
    let Some((scheme, rest)) =
        url.split_once("://").and_then(|(scheme, rest)| Some((scheme.split_once('+')?, rest)))
    else {
        return Ok(RedisStore::builder(url));
    };
    let (plain, kind) = scheme;
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(user, rest)| (user, rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, number) = match (kind, path.split_once('/')) {
        ("sentinel", Some((name, number))) => (name, number),
        ("sentinel", None) => (path, ""),
        _ => ("", path),
    };
    if kind == "sentinel" && name.is_empty() {
        return Err(OpenError::url(
            "the name of the master is missing: `redis+sentinel://HOST:26379/NAME`",
        ));
    }
    let at = if user.is_empty() { "" } else { "@" };
    let mut urls = hosts.split(',').map(|host| format!("{plain}://{user}{at}{host}/{number}"));
    let first = urls.next().unwrap_or_default();
    let builder = match kind {
        "sentinel" => RedisStore::sentinel(first, name),
        _ => RedisStore::cluster(first),
    };
    Ok(urls.fold(builder, RedisBuilder::add_node))
}
