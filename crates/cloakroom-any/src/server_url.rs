//! URLs of stores that are servers.

use crate::error::OpenError;
use crate::options::Options;

/// The scheme of Redis by a socket.
pub(crate) const UNIX: &str = "redis+unix";

/// The schemes of stores that are servers.
const SERVERS: [&str; 9] = [
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "redis+cluster",
    "rediss+cluster",
    "redis+sentinel",
    "rediss+sentinel",
    UNIX,
];

/// Whether a URL with this scheme names a server.
pub(crate) fn is_server(scheme: &str) -> bool {
    SERVERS.contains(&canonical(scheme).as_str())
}

/// The URL without its options, with the first name of its scheme, and the options.
pub(crate) fn parse(scheme: &str, rest: &str) -> Result<(String, Options), OpenError> {
    let scheme = canonical(scheme);
    let (rest, options) = Options::split(rest)?;
    check_host(&scheme, rest, &options)?;
    Ok((format!("{scheme}:{rest}"), options))
}

/// The scheme of Redis for one of its other names.
fn canonical(scheme: &str) -> String {
    match scheme {
        "unix" => UNIX.to_owned(),
        other => other.replacen("valkey", "redis", 1),
    }
}

/// Fails if a URL, without its scheme, names no server.
fn check_host(scheme: &str, rest: &str, options: &Options) -> Result<(), OpenError> {
    let place = rest.strip_prefix("//").unwrap_or_default();
    if scheme == UNIX {
        return match place.strip_prefix('/') {
            Some(path) if !path.is_empty() => Ok(()),
            _ => Err(OpenError::url(format!("the path is missing: `{UNIX}:///run/redis.sock`"))),
        };
    }
    // The driver of PostgreSQL takes the host from an option, too.
    let is_named = scheme.starts_with("postgres") && options.value("host").is_some();
    if rest.starts_with("//") && (is_named || !(place.is_empty() || place.starts_with('/'))) {
        return Ok(());
    }
    let socket = if scheme == "redis" && place.len() > 1 && place.contains('.') {
        format!("; for a socket, write `{UNIX}://{place}`")
    } else {
        String::new()
    };
    Err(OpenError::url(format!("the host is missing: `{scheme}://127.0.0.1`{socket}")))
}

/// What follows the user and password in a URL, without a port that is not one: it is a password
/// if the host was forgotten.
pub(crate) fn without_password(place: &str) -> String {
    let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
    let hosts = hosts.split(',').map(|server| match server.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && port.parse::<u16>().is_err() => host,
        _ => server,
    });
    let slash = if place.contains('/') { "/" } else { "" };
    format!("{}{slash}{path}", hosts.collect::<Vec<_>>().join(","))
}
