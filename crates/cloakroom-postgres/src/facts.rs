//! What a server says of itself before a connection is used. Nothing is set meanwhile.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::connect_options::Driver;
use crate::error::{PostgresError, PostgresErrorKind};

/// What a server says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) is_standby: bool,
    pub(crate) is_read_only: bool,
    pub(crate) encoding: String,
    /// `None` on a standby, and on servers that do not tell.
    pub(crate) timeline: Option<Timeline>,
}

/// A history of writes. Every promotion of a standby begins a higher one of the same system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) system: i64,
    pub(crate) number: u32,
}

impl Timeline {
    /// Whether a promotion that led to `other` has made this one history.
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.system == other.system && self.number < other.number
    }
}

const ASK: &str = "ask the server about itself";

const FACTS: &str = "SELECT pg_catalog.pg_is_in_recovery(),
    pg_catalog.current_setting('transaction_read_only'),
    pg_catalog.current_setting('server_encoding')";

/// The name of a segment of the log begins with the number of its timeline. `pg_control_checkpoint`
/// learns of a promotion only at the next checkpoint.
const TIMELINE: &str = "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()),
    system_identifier FROM pg_catalog.pg_control_system()";

impl Facts {
    /// Asks the server, and polls the connection meanwhile.
    pub(crate) async fn ask(client: &Client, driver: &mut Driver) -> Result<Self, PostgresError> {
        let asking = async {
            let row = one_row(client, FACTS).await?;
            let read = |column| row.get(column).unwrap_or_default();
            let is_standby = read(0) == "t";
            // A service that resembles PostgreSQL may refuse this.
            let timeline = if is_standby { None } else { one_row(client, TIMELINE).await.ok() };
            let timeline = timeline.and_then(|row| parse(row.get(0)?, row.get(1)?));
            let (is_read_only, encoding) = (read(1) == "on", read(2).to_owned());
            Ok(Self { is_standby, is_read_only, encoding, timeline })
        };
        let mut asking = pin!(asking);
        let mut driver = pin!(driver);
        poll_fn(|context| {
            let ended = driver.as_mut().poll(context);
            match (asking.as_mut().poll(context), ended) {
                (Poll::Pending, Poll::Ready(ended)) => Poll::Ready(Err(match ended {
                    Err(error) => PostgresError::driver(ASK, error),
                    Ok(()) => PostgresError::new(PostgresErrorKind::Unreachable, ASK),
                })),
                (answer, _) => answer,
            }
        })
        .await
    }
}

/// The row that a query returns. It is not prepared, because a pooler may not permit that.
pub(crate) async fn one_row(client: &Client, query: &str) -> Result<SimpleQueryRow, PostgresError> {
    let answer = client.simple_query(query).await;
    let answer = answer.map_err(|error| PostgresError::driver(ASK, error))?;
    let row = answer.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.ok_or_else(|| PostgresError::new(PostgresErrorKind::Other, ASK))
}

fn parse(segment: &str, system: &str) -> Option<Timeline> {
    let number = u32::from_str_radix(segment.get(..8)?, 16).ok()?;
    Some(Timeline { system: system.parse().ok()?, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_is_before_later_ones_of_the_same_system_only() {
        let timeline = |segment, system| parse(segment, system).unwrap();
        let first = timeline("000000010000000000000007", "7");
        let tenth = timeline("0000000A0000000000000007", "7");
        assert_eq!(tenth, Timeline { system: 7, number: 10 });
        assert!(first.is_before(tenth) && !tenth.is_before(first) && !first.is_before(first));
        assert!(!first.is_before(timeline("0000000A0000000000000007", "-8")));
        assert_eq!(parse("", "7"), None);
    }
}
