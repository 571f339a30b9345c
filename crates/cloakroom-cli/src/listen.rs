//! The value of `--listen`.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// What a command listens on: a port of an address, or of every address of a host name, of which
/// the first that works is taken.
#[derive(Clone, Debug)]
pub(crate) struct ListenAddress {
    given: String,
    resolved: Vec<SocketAddr>,
}

impl ListenAddress {
    /// The host, if a name was given.
    pub(crate) fn host_name(&self) -> Option<&str> {
        let (host, _) = self.given.rsplit_once(':')?;
        Some(host).filter(|_| self.given.parse::<SocketAddr>().is_err())
    }

    /// Not empty.
    pub(crate) fn resolved(&self) -> &[SocketAddr] {
        &self.resolved
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self { given: address.to_string(), resolved: vec![address] }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        if let Ok(address) = given.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let (host, port) = split(given)?;
        let found = (host, port).to_socket_addrs();
        let mut resolved: Vec<_> =
            found.map_err(|error| format!("cannot look up `{host}`: {error}"))?.collect();
        if resolved.is_empty() {
            return Err(format!("`{host}` has no address"));
        }
        // Every client can reach `localhost` at 127.0.0.1; some do not try ::1.
        resolved.sort_by_key(SocketAddr::is_ipv6);
        Ok(Self { given: given.to_owned(), resolved })
    }
}

/// Splits a host name and a port.
fn split(given: &str) -> Result<(&str, u16), String> {
    if given.parse::<std::net::Ipv6Addr>().is_ok() {
        return Err(format!("the port is missing: `[{given}]:3000`"));
    }
    if given.trim_start_matches(':').parse::<u16>().is_ok() {
        let port = given.trim_start_matches(':');
        return Err(format!("the host is missing: `127.0.0.1:{port}`"));
    }
    if given.starts_with('[') && given.ends_with(']') {
        return Err(format!("the port is missing: `{given}:3000`"));
    }
    match given.rsplit_once(':') {
        Some(("*", port)) => Err(format!("for every address, write `0.0.0.0:{port}`")),
        None if given.is_empty() => Err("write HOST:PORT, such as `127.0.0.1:3000`".to_owned()),
        None => Err(format!("the port is missing: `{given}:3000`")),
        Some((host, port)) => match port.parse() {
            Ok(port) => Ok((host, port)),
            Err(_) => Err("write HOST:PORT, such as `127.0.0.1:3000`".to_owned()),
        },
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}
