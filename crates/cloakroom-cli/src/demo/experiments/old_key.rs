//! What an old key opens later, tried on a copy of the site whose clock is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Error, MemoryStore, Sessions, Timestamp};

use super::super::exposure::Exposure;
use super::super::users;
use super::super::visitor::Visitor;
use super::client::Client;
use super::outcome::{KeyAnswer, Moment};

/// When the old key is sent again, counted from the renewal.
const MOMENTS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(60),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
];

/// What the old key does at each moment after a renewal.
pub(super) async fn later() -> Result<Vec<Moment>, Response> {
    let clock = ManualClock::new();
    let builder = Sessions::builder(MemoryStore::new()).clock(clock.clone());
    let sessions = super::super::sessions(builder, Exposure::Loopback)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
    replay(&sessions, &clock).await.map_err(IntoResponse::into_response)
}

async fn replay(sessions: &Sessions<Visitor>, clock: &ManualClock) -> Result<Vec<Moment>, Error> {
    let mut owner = Client::default();
    let mut session = owner.request(sessions).await?;
    session.login(users::with_password(&users::first(), sessions.now())).await?;
    owner.receive(&session);
    let old = owner.clone();
    // The first request after this span renews the key, and the second one uses the new key.
    clock.advance(Duration::from_secs(15 * 60));
    for _ in 0..2 {
        let session = owner.request(sessions).await?;
        owner.receive(&session);
    }
    let mut moments = Vec::new();
    let mut now = Duration::ZERO;
    for after in MOMENTS {
        clock.advance(after.saturating_sub(now));
        now = after;
        // The owner goes on using the site.
        let _ = owner.request(sessions).await?;
        let answer = KeyAnswer::of(&old.request(sessions).await?);
        moments.push(Moment { seconds: after.as_secs(), answer });
    }
    Ok(moments)
}

/// A clock that moves only when it is told to. Clones show the same time.
#[derive(Clone, Debug)]
struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(SystemClock.now().as_millis())))
    }

    fn advance(&self, span: Duration) {
        self.0.store(self.now().after(span).as_millis(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_old_key_opens_is_superseded_opens_nothing_and_ends_the_session() {
        let answers: Vec<_> =
            later().await.unwrap().into_iter().map(|moment| moment.answer).collect();
        assert_eq!(
            answers,
            [KeyAnswer::Opens, KeyAnswer::TryAgain, KeyAnswer::Nothing, KeyAnswer::Ended]
        );
    }
}
