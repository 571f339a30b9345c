//! Redis stores.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::Store;
use cloakroom_redis::{Inspection, RedisBuilder, RedisError, RedisErrorKind, RedisStore};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::server_url::UNIX;

pub(crate) fn validate(url: &str, options: Options) -> Result<(), OpenError> {
    builder(url, options).map(drop)
}

pub(crate) async fn open(url: &str, options: Options) -> Result<Arc<dyn Store>, OpenError> {
    builder(url, options)?.connect().await.map(|store| Arc::new(store) as _).map_err(failed)
}

pub(crate) async fn check(url: &str, options: Options) -> Result<Vec<Check>, OpenError> {
    let min_replicas = options.clone().take("min_replicas").is_some_and(|count| count != "0");
    let store = builder(url, options)?.accept_evictions().connect().await.map_err(failed)?;
    let found = store.inspect().await.map_err(failed)?;
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
    checks.push(check_all("replicas", &found, |server| guards(server, min_replicas)));
    checks.push(check_all("clock", &found, clock));
    checks.push(check_all("compare-and-set", &found, compare_and_set));
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

/// Whether a master that was cut off, or that dies, can lose writes that it acknowledged.
fn guards(server: &Inspection, waits: bool) -> (bool, String) {
    let replicas = server.replicas;
    match server.min_replicas_to_write {
        _ if replicas == 0 => (true, "none".to_owned()),
        _ if waits => (true, format!("{replicas}; a write is acknowledged once they have it")),
        Some(0) => (
            false,
            format!(
                "{replicas}, and a write is acknowledged before one has it: a failover loses the \
                 last writes, and a master that is cut off goes on to take some. Add \
                 `min_replicas=1` to the URL, or `min-replicas-to-write 1` to the server's settings"
            ),
        ),
        Some(guard) => {
            (true, format!("{replicas}; the server refuses writes with fewer than {guard}"))
        }
        None => {
            (true, format!("{replicas}; the server does not report with how few it refuses writes"))
        }
    }
}

fn compare_and_set(server: &Inspection) -> (bool, String) {
    let text = if server.has_native_compare_and_set {
        "`SET .. IFEQ` of the server"
    } else {
        "a script: Valkey 8.1 and Redis 8.4 have a command for it, which costs a third"
    };
    (true, text.to_owned())
}

fn clock(server: &Inspection) -> (bool, String) {
    let seconds = server.clock_ahead / 1_000;
    match seconds {
        -59..=59 => (true, "within a minute of this host's".to_owned()),
        60.. => (
            false,
            format!("{seconds} s ahead of this host's: from 240 s on the server is not used"),
        ),
        _ => (
            false,
            format!("{} s behind this host's: sessions are removed that much later", -seconds),
        ),
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

fn failed(error: RedisError) -> OpenError {
    match error.kind() {
        RedisErrorKind::Url | RedisErrorKind::Prefix => OpenError::refused_url(error),
        _ => OpenError::store(error),
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
    let evictions = options.take("evictions");
    if evictions.as_deref().is_some_and(|evictions| evictions != "accepted") {
        return Err(OpenError::url("`evictions` has one value: write `evictions=accepted`"));
    }
    let replica_timeout =
        options.take_duration("replica_timeout")?.unwrap_or(Duration::from_millis(500));
    let socket = if is_socket(url) { socket_options(&mut options)? } else { String::new() };
    options.expect_empty(&[
        "prefix",
        "timeout",
        "root_certificate",
        "min_replicas",
        "replica_timeout",
        "evictions",
    ])?;
    let mut builder =
        if is_socket(url) { RedisStore::builder(format!("{url}{socket}")) } else { servers(url)? };
    if evictions.is_some() {
        builder = builder.accept_evictions();
    }
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

fn is_socket(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| scheme == UNIX)
}

/// The options of a URL with a socket, which the driver reads.
fn socket_options(options: &mut Options) -> Result<String, OpenError> {
    let mut query = Vec::new();
    for name in ["db", "user", "pass"] {
        let Some(value) = options.take(name) else { continue };
        if name == "db" && value.parse::<u32>().is_err() {
            return Err(OpenError::url("`db` is not a number: write `db=0`"));
        }
        query.push(format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)));
    }
    Ok(if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) })
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
