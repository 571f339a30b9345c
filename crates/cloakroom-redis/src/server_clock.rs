//! The clock of a server, which removes entries by it.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::time::Clock;
use redis::Value;

use crate::error::{RedisError, RedisErrorKind};

/// How far a server's clock may be ahead of this host's. Entries are kept a minute longer than
/// this after they expire.
pub(crate) const MAX_AHEAD: Duration = Duration::from_secs(240);

/// The time in the answer to `TIME`; `None` if the server does not permit the command.
pub(crate) fn time_in(answer: &Value) -> Option<Timestamp> {
    let (seconds, micros): (u64, u64) = redis::from_redis_value_ref(answer).ok()?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1_000).saturating_add(micros / 1_000)))
}

/// Fails if a server would remove sessions that have not expired by this host's clock.
///
/// The answer took some time to arrive, so a server never looks further ahead than it is.
pub(crate) fn check(answer: &Value, clock: &dyn Clock) -> Result<(), RedisError> {
    let (Some(server), here) = (time_in(answer), clock.now()) else { return Ok(()) };
    let ahead = Duration::from_millis(server.as_millis().saturating_sub(here.as_millis()));
    if ahead <= MAX_AHEAD {
        return Ok(());
    }
    let cause = format!("it is {} s ahead of this host's clock: set one of them", ahead.as_secs());
    Err(RedisError::caused(RedisErrorKind::ClockAhead, "use the server's clock", cause))
}
