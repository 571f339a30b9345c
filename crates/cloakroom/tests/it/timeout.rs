//! A store that is slow, behind one that is not.

use std::error::Error as _;
use std::time::Duration;

use cloakroom::record::{EndReason, Ending};
use cloakroom::store::{Operation, Outcome, StoreErrorKind};
use cloakroom::stores::TimeoutStore;
use cloakroom::{MemoryStore, PublicId, SessionMap, Sessions, Store, Timestamp};
use cloakroom_testkit::StepStore;
use tokio::time::Instant;

const SPAN: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_an_error_in_time_that_says_what_is_known() {
    let steps = StepStore::new(MemoryStore::new());
    let store = TimeoutStore::new(steps.clone(), SPAN);
    let id = PublicId::from_bytes([1; 16]);
    let ending = Ending::new(EndReason::Revoked, Timestamp::EPOCH, Timestamp::EPOCH);
    for (operation, outcome) in
        [(Operation::Get, Outcome::NotSent), (Operation::End, Outcome::Unknown)]
    {
        let _held = steps.hold(operation);
        let began = Instant::now();
        let error = match operation {
            Operation::Get => store.get(id).await.unwrap_err(),
            _ => store.end(id, ending).await.unwrap_err(),
        };
        assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Unavailable, outcome));
        assert!((SPAN..SPAN * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
        let why = error.source().unwrap().to_string();
        assert!(why.contains(operation.as_str()) && why.contains("2s"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_an_error_and_never_a_new_session() {
    let steps = StepStore::new(MemoryStore::new());
    let sessions: Sessions<SessionMap> =
        Sessions::new(TimeoutStore::new(steps.clone(), SPAN)).unwrap();
    let key = sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().clone();
    let held = steps.hold(Operation::Get);
    assert_eq!(sessions.of_key(&key).await.unwrap_err().kind(), cloakroom::ErrorKind::Unavailable);
    drop(held);
    assert!(sessions.of_key(&key).await.is_ok(), "the session is where it was");
}
