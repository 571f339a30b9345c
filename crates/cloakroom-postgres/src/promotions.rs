//! Noticing that another server was promoted while the former primary still answers.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connect_options::ConnectOptions;
use crate::error::{PostgresError, PostgresErrorKind};
use crate::facts::Facts;
use crate::servers::Connected;

/// How often the servers that are not in use are asked.
const INTERVAL: Duration = Duration::from_millis(500);
/// How much longer a server that refused is left alone.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// Asks the servers that are not in use whether they were promoted, for as long as it is polled.
/// Connections to a former primary are not used again then.
///
/// Without this they would be used until one fails. A former primary that no one stopped answers
/// reads with what has been changed elsewhere since, and takes writes that will be lost.
pub(crate) async fn watch(options: ConnectOptions) {
    if !options.servers.can_change() {
        return;
    }
    let mut watching = JoinSet::new();
    for index in 0..options.servers.count() {
        watching.spawn(watch_one(options.clone(), index));
    }
    while watching.join_next().await.is_some() {}
}

async fn watch_one(options: ConnectOptions, index: usize) {
    let ConnectOptions { servers, tls, timeout, .. } = options;
    let mut connected = None;
    loop {
        sleep(INTERVAL).await;
        if servers.is_last(index) {
            connected = None;
            continue;
        }
        connected = match connected.take() {
            Some(connected) => ask_again(connected, timeout).await,
            None => match servers.ask(index, &tls, timeout).await {
                Ok(connected) => Some(connected),
                Err(error) => {
                    if !may_pass_soon(&error) {
                        sleep(AFTER_REFUSAL).await;
                    }
                    None
                }
            },
        };
        if let Some(Connected { facts, .. }) = &connected {
            servers.learn(index, facts);
        }
    }
}

/// Whether a server is only down, starting or out of connections, so that it may be promoted next.
/// One that refuses the login is not asked as often: some count such attempts.
fn may_pass_soon(error: &PostgresError) -> bool {
    use PostgresErrorKind::{NotReady, TimedOut, Unreachable};

    matches!(error.kind(), NotReady | TimedOut | Unreachable)
}

async fn ask_again(connected: Connected, limit: Duration) -> Option<Connected> {
    let Connected { client, mut driver, .. } = connected;
    let facts = timeout(limit, Facts::ask(&client, &mut driver)).await.ok()?.ok()?;
    Some(Connected { client, driver, facts })
}
