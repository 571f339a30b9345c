//! The addresses of the server: one, or several of which one accepts writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

use crate::connect_options::Driver;
use crate::error::{PostgresError, PostgresErrorKind};
use crate::facts::{Facts, Timeline};
use crate::tls::Tls;

/// The addresses, and what has been learned of them.
#[derive(Clone)]
pub(crate) struct Servers {
    each: Arc<[Config]>,
    /// Whether a server that accepts no writes is passed over.
    for_writes: bool,
    /// Which of them answered last.
    last: Arc<AtomicUsize>,
    /// The highest timeline seen: what is on a lower one was replaced by a promotion.
    newest: Arc<watch::Sender<Option<Timeline>>>,
}

/// A connection to which nothing has been done yet.
pub(crate) struct Connected {
    pub(crate) client: Client,
    pub(crate) driver: Driver,
    pub(crate) facts: Facts,
}

impl Servers {
    /// The servers of one configuration, which can name several.
    pub(crate) fn new(config: &Config, for_writes: bool) -> Self {
        let count = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        let each = (0..count).map(|index| only(config, index)).collect();
        let newest = Arc::new(watch::Sender::new(None));
        Self { each, for_writes, last: Arc::default(), newest }
    }

    /// Asks all servers, if there are several that may take writes, and begins with the one that
    /// was promoted last.
    pub(crate) async fn survey(&self, tls: &Tls, limit: Duration) {
        if !self.can_change() {
            return;
        }
        let mut asking = JoinSet::new();
        for index in 0..self.each.len() {
            let (this, tls) = (self.clone(), tls.clone());
            asking.spawn(async move { (index, this.ask(index, &tls, limit).await) });
        }
        let mut best: Option<(usize, Timeline)> = None;
        while let Some(answer) = asking.join_next().await {
            let Ok((index, Ok(Connected { facts, .. }))) = answer else { continue };
            let Some(found) = facts.timeline.filter(|_| self.suits(&facts).is_ok()) else {
                continue;
            };
            let is_better = best.is_none_or(|(first, best)| {
                best.is_before(found) || (index < first && !found.is_before(best))
            });
            if is_better {
                best = Some((index, found));
            }
        }
        if let Some((index, _)) = best {
            self.last.store(index, Ordering::Relaxed);
        }
    }

    /// Connects to the server that answered last, or to the next one that answers. Unless the URL
    /// limits each attempt, each gets an equal share of the timeout.
    pub(crate) async fn connect(
        &self,
        tls: &Tls,
        limit: Duration,
    ) -> Result<Connected, PostgresError> {
        let count = self.each.len();
        let first = self.last.load(Ordering::Relaxed);
        let mut failure = PostgresError::new(PostgresErrorKind::Url, "connect without an address");
        for index in (first..count).chain(0..first) {
            let asked = self.ask(index, tls, limit).await;
            let accepted = asked.and_then(|connected| {
                let accepted = self.accept(&connected.facts);
                accepted.map(|()| connected).map_err(|kind| {
                    PostgresError::new(kind, CONNECT).at(address(&self.each[index]))
                })
            });
            match accepted {
                Ok(connected) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok(connected);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Whether a promotion can put another server in the place of the one in use.
    pub(crate) fn can_change(&self) -> bool {
        self.each.len() > 1 && self.for_writes
    }

    pub(crate) fn count(&self) -> usize {
        self.each.len()
    }

    /// Whether this one answered last.
    pub(crate) fn is_last(&self, index: usize) -> bool {
        self.last.load(Ordering::Relaxed) == index
    }

    /// Takes note of a server that was promoted since the one in use.
    pub(crate) fn learn(&self, index: usize, facts: &Facts) {
        if self.suits(facts).is_err() {
            return;
        }
        self.newest.send_if_modified(|newest| {
            let is_newer = match (facts.timeline, *newest) {
                (Some(found), Some(newest)) => newest.is_before(found),
                _ => false,
            };
            if is_newer {
                self.last.store(index, Ordering::Relaxed);
                *newest = facts.timeline;
            }
            is_newer
        });
    }

    /// Connects to one of the servers.
    pub(crate) async fn ask(
        &self,
        index: usize,
        tls: &Tls,
        limit: Duration,
    ) -> Result<Connected, PostgresError> {
        let server = &self.each[index];
        let connecting = async {
            let failed = |error| PostgresError::driver(CONNECT, error);
            let (client, mut driver) = server.connect(tls.clone()).await.map_err(failed)?;
            let facts = Facts::ask(&client, &mut driver).await?;
            Ok(Connected { client, driver, facts })
        };
        let share = limit / u32::try_from(self.each.len()).unwrap_or(u32::MAX);
        let share = server.get_connect_timeout().map_or(share, |wanted| share.min(*wanted));
        let connected = timeout(share, connecting)
            .await
            .unwrap_or_else(|_| Err(PostgresError::new(PostgresErrorKind::TimedOut, CONNECT)));
        connected.map_err(|error| error.at(address(server)))
    }

    /// Whether a server does what this store needs.
    fn suits(&self, facts: &Facts) -> Result<(), PostgresErrorKind> {
        match facts {
            Facts { is_standby: true, .. } if self.for_writes => Err(PostgresErrorKind::Standby),
            Facts { is_read_only: true, .. } if self.for_writes => Err(PostgresErrorKind::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Whether a server is to be used. If so, servers on lower timelines no longer are.
    fn accept(&self, facts: &Facts) -> Result<(), PostgresErrorKind> {
        self.suits(facts)?;
        let mut accepted = Ok(());
        self.newest.send_if_modified(|newest| match (facts.timeline, *newest) {
            (Some(found), Some(newest)) if found.is_before(newest) => {
                accepted = Err(PostgresErrorKind::Outdated);
                false
            }
            (Some(_), _) => {
                *newest = facts.timeline;
                true
            }
            (None, _) => false,
        });
        accepted
    }

    /// Whether no later timeline has been seen since a connection was made.
    pub(crate) fn is_newest(&self, timeline: Option<Timeline>) -> bool {
        !is_replaced(timeline, *self.newest.borrow())
    }

    /// Waits until a later timeline than that of a connection is seen.
    pub(crate) async fn until_replaced(&self, timeline: Option<Timeline>) {
        if self.can_change() {
            let mut newest = self.newest.subscribe();
            if newest.wait_for(|newest| is_replaced(timeline, *newest)).await.is_ok() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// The address of the server that answered last.
    pub(crate) fn last_address(&self) -> String {
        address(&self.each[self.last.load(Ordering::Relaxed)])
    }
}

/// Whether what is on a timeline was replaced by a promotion.
fn is_replaced(timeline: Option<Timeline>, newest: Option<Timeline>) -> bool {
    matches!((timeline, newest), (Some(timeline), Some(newest)) if timeline.is_before(newest))
}

const CONNECT: &str = "connect to the server";

/// The host, port and database of a configuration with one server.
fn address(server: &Config) -> String {
    let host = match (server.get_hosts().first(), server.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => name.clone(),
        #[cfg(unix)]
        (Some(Host::Unix(path)), _) => path.display().to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    let port = server.get_ports().first().unwrap_or(&5432);
    // The server takes the user's name if none is given.
    let database = server.get_dbname().or_else(|| server.get_user()).unwrap_or_default();
    format!("{host}:{port}/{database}")
}

/// Refuses lists of which it cannot be told what belongs to which server. The driver does so too,
/// but is given one server at a time.
pub(crate) fn refuse_unequal_lists(all: &Config) -> Result<(), PostgresError> {
    let (hosts, addresses) = (all.get_hosts().len(), all.get_hostaddrs().len());
    let (servers, ports) = (hosts.max(addresses), all.get_ports().len());
    let cause = if hosts > 0 && addresses > 0 && hosts != addresses {
        format!("{hosts} of `host` and {addresses} of `hostaddr`: name as many of each")
    } else if ports > 1 && ports != servers {
        format!("{ports} of `port` for {servers} servers: name one for each, or one for all")
    } else {
        return Ok(());
    };
    Err(PostgresError::caused(PostgresErrorKind::Url, "use these servers", cause))
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
        let servers = Servers::new(&all, true);
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
        assert_eq!(Servers::new(&one, true).each[1].get_ports(), [5]);
    }
}
