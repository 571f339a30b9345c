//! The addresses of the server: one, or several of which one accepts writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connect_options::Driver;
use crate::error::{PostgresError, PostgresErrorKind};

/// The addresses, and which of them answered last.
#[derive(Clone)]
pub(crate) struct Servers {
    each: Arc<[Config]>,
    last: Arc<AtomicUsize>,
}

impl Servers {
    /// The servers of one configuration, which can name several.
    pub(crate) fn new(config: &Config) -> Self {
        let count = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        let each = (0..count).map(|index| only(config, index)).collect();
        Self { each, last: Arc::default() }
    }

    /// Connects to the server that answered last, or to the next one that answers. Each gets an
    /// equal share of the timeout.
    pub(crate) async fn connect(
        &self,
        tls: &MakeRustlsConnect,
        limit: Duration,
    ) -> Result<(Client, Driver), PostgresError> {
        let count = self.each.len();
        let share = limit / u32::try_from(count).unwrap_or(u32::MAX);
        let first = self.last.load(Ordering::Relaxed);
        let mut failure = PostgresError::new(PostgresErrorKind::Url, "connect without an address");
        for index in (first..count).chain(0..first) {
            let server = &self.each[index];
            let error = match timeout(share, server.connect(tls.clone())).await {
                Ok(Ok(connected)) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(error)) => PostgresError::driver("connect to the server", error),
                Err(_) => PostgresError::new(PostgresErrorKind::TimedOut, "connect to the server"),
            };
            failure = error.at(address(server));
        }
        Err(failure)
    }

    /// The address of the server that answered last.
    pub(crate) fn last_address(&self) -> String {
        address(&self.each[self.last.load(Ordering::Relaxed)])
    }
}

/// The host and port of a configuration with one server.
fn address(server: &Config) -> String {
    let host = match (server.get_hosts().first(), server.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => name.clone(),
        #[cfg(unix)]
        (Some(Host::Unix(path)), _) => return path.display().to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    format!("{host}:{}", server.get_ports().first().unwrap_or(&5432))
}

/// A configuration with only one of the servers: `Config` has no way to remove one.
fn only(all: &Config, index: usize) -> Config {
    let mut one = Config::new();
    if let Some(host) = all.get_hosts().get(index) {
        match host {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(path) => one.host_path(path),
        };
    }
    if let Some(address) = all.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    // A single port applies to all hosts.
    if let Some(port) = all.get_ports().get(index).or_else(|| all.get_ports().first()) {
        one.port(*port);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(limit) = all.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(span) = all.get_keepalives_interval() {
        one.keepalives_interval(span);
    }
    if let Some(count) = all.get_keepalives_retries() {
        one.keepalives_retries(count);
    }
    one.ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_keeps_all_options_of_the_configuration() {
        let all: Config =
            "postgres://u:p@a:1,b:2/d?sslmode=require&application_name=n&keepalives_idle=7"
                .parse()
                .unwrap();
        let servers = Servers::new(&all);
        let debug = |config: &Config| format!("{config:?}");
        for (index, (host, port)) in [("a", 1), ("b", 2)].into_iter().enumerate() {
            let alone: Config = format!(
                "postgres://u:p@{host}:{port}/d?sslmode=require&application_name=n&keepalives_idle=7"
            )
            .parse()
            .unwrap();
            assert_eq!(debug(&servers.each[index]), debug(&alone));
        }
        let one: Config = "host=a,b port=5 user=u".parse().unwrap();
        assert_eq!(Servers::new(&one).each[1].get_ports(), [5]);
    }
}
