//! A store that is slow, in a `TimeoutStore`.

use std::error::Error as _;
use std::time::Duration;

use cloakroom::record::{EndReason, Ending};
use cloakroom::store::{Operation, Outcome, StoreErrorKind};
use cloakroom::stores::TimeoutStore;
use cloakroom::{MemoryStore, PublicId, SessionMap, Sessions, Store, Timestamp};
use cloakroom_testkit::StepStore;
use tokio::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_fails_in_time_and_says_whether_it_was_sent() {
    let steps = StepStore::new(MemoryStore::new());
    let store = TimeoutStore::new(steps.clone(), TIMEOUT);
    let id = PublicId::from_bytes([1; 16]);
    let ending = Ending::new(EndReason::Revoked, Timestamp::EPOCH, Timestamp::EPOCH);
    for (operation, outcome) in
        [(Operation::Get, Outcome::NotSent), (Operation::End, Outcome::Unknown)]
    {
        let _guard = steps.hold(operation);
        let began = Instant::now();
        let error = match operation {
            Operation::Get => store.get(id).await.unwrap_err(),
            _ => store.end(id, ending).await.unwrap_err(),
        };
        assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Unavailable, outcome));
        assert!((TIMEOUT..TIMEOUT * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains(operation.as_str()) && cause.contains("2s"), "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_an_error_and_never_a_new_session() {
    let steps = StepStore::new(MemoryStore::new());
    let sessions: Sessions<SessionMap> =
        Sessions::new(TimeoutStore::new(steps.clone(), TIMEOUT)).unwrap();
    let key = sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().clone();
    let guard = steps.hold(Operation::Get);
    assert_eq!(sessions.of_key(&key).await.unwrap_err().kind(), cloakroom::ErrorKind::Unavailable);
    drop(guard);
    assert!(sessions.of_key(&key).await.is_ok(), "the session is still there");
}
