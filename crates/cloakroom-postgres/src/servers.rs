//! Where the server is: one address, or several of which one is the server that takes writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{PostgresError, PostgresErrorKind};
use crate::link::Wire;

/// Addresses, and which of them answered last.
#[derive(Clone)]
pub(crate) struct Servers {
    each: Arc<[Config]>,
    last: Arc<AtomicUsize>,
}

impl Servers {
    /// The servers of one address, which may name several.
    pub(crate) fn of(address: &Config) -> Self {
        let count = address.get_hosts().len().max(address.get_hostaddrs().len()).max(1);
        let each = (0..count).map(|index| only(address, index)).collect();
        Self { each, last: Arc::default() }
    }

    /// A connection to the one that answered last, or to another. One that is silent leaves time for the others.
    pub(crate) async fn dial(
        &self,
        tls: &MakeRustlsConnect,
        patience: Duration,
    ) -> Result<(Client, Wire), PostgresError> {
        let count = self.each.len();
        let share = patience / u32::try_from(count).unwrap_or(u32::MAX);
        let first = self.last.load(Ordering::Relaxed);
        let mut failure = PostgresError::new(PostgresErrorKind::Url, "use no address");
        for index in (first..count).chain(0..first) {
            match timeout(share, self.each[index].connect(tls.clone())).await {
                Ok(Ok(dialled)) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok(dialled);
                }
                Ok(Err(error)) => failure = PostgresError::driver("connect to the server", error),
                Err(_) => {
                    failure =
                        PostgresError::new(PostgresErrorKind::TimedOut, "connect to the server")
                }
            }
        }
        Err(failure)
    }
}

/// The same address with one of its servers: the driver has no way to take one away.
fn only(all: &Config, index: usize) -> Config {
    let mut one = Config::new();
    if let Some(host) = all.get_hosts().get(index) {
        match host {
            tokio_postgres::config::Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            tokio_postgres::config::Host::Unix(path) => one.host_path(path),
        };
    }
    if let Some(address) = all.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    // One port may be that of all.
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
    fn each_server_of_an_address_has_all_that_was_said_of_them() {
        let all: Config =
            "postgres://u:p@a:1,b:2/d?sslmode=require&application_name=n&keepalives_idle=7"
                .parse()
                .unwrap();
        let servers = Servers::of(&all);
        let said = |config: &Config| format!("{config:?}");
        for (index, (host, port)) in [("a", 1), ("b", 2)].into_iter().enumerate() {
            let alone: Config = format!(
                "postgres://u:p@{host}:{port}/d?sslmode=require&application_name=n&keepalives_idle=7"
            )
            .parse()
            .unwrap();
            assert_eq!(said(&servers.each[index]), said(&alone));
        }
        let one: Config = "host=a,b port=5 user=u".parse().unwrap();
        assert_eq!(Servers::of(&one).each[1].get_ports(), [5]);
    }
}
