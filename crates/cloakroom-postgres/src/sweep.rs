//! The sweep: steps of a statement each, on a connection of its own, between which others get their turn.

use cloakroom::Timestamp;
use cloakroom::store::StoreError;

use crate::column::{limit, millis};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::link::Link;

/// Sessions that are looked at in one step.
const STEP: usize = 500;

/// Removes at most `most` sessions that are garbage at `now`, and what is garbage in directories; how many sessions.
pub(crate) async fn run(link: &Link, now: Timestamp, most: usize) -> Result<usize, StoreError> {
    let (mut swept, now) = (0, millis(now));
    while swept < most {
        let step = STEP.min(most - swept);
        let rows = link
            .ask(|words| &words.sweep, &[&now, &limit(step)])
            .await
            .map_err(|broken| broken.of_write())?;
        let number = |at| {
            rows.first()?.try_get::<_, i64>(at).ok().and_then(|number| usize::try_from(number).ok())
        };
        let (Some(looked_at), Some(gone)) = (number(0), number(1)) else {
            let error = PostgresError::new(PostgresErrorKind::Other, "understand an answer");
            return Err(error.outcome_unknown());
        };
        swept += gone;
        if looked_at < step {
            break;
        }
    }
    let directory = link.ask(|words| &words.sweep_directory, &[&now, &limit(most)]).await;
    directory.map(|_| swept).map_err(|broken| broken.of_write())
}
