//! Streaming responses, and clients that disconnect.

use std::time::Duration;

use cloakroom::Store;
use cloakroom::store::Operation;

use super::server::ScenarioServer;

/// After the response head the value can still be changed, and no key can be sent.
pub fn a_stream_changes_the_session_and_mints_no_key(server: ScenarioServer<impl Store>) {
    let mut visitor = server.browser();
    let mut stream = visitor.begin("POST", "/stream");
    let (status, headers) = stream.head().expect("a response head");
    visitor.take(&headers);
    assert_eq!((status.as_u16(), stream.chunk().as_deref()), (200, Some("1")));
    // The head has arrived, the body has not: the cookie works.
    assert_eq!(visitor.post("/count").body, "2");
    server.barrier.open();
    assert_eq!(stream.chunk().as_deref(), Some("Ok(3) Err(HeadersSent)"));
    assert_eq!(stream.chunk(), None);
    assert_eq!(visitor.get("/read").body, "3");
}

/// The body goes on under the key that the head sent.
pub fn a_stream_sends_a_renewed_key_with_its_head(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let old = visitor.key();
    server.clock.advance(Duration::from_secs(15 * 60));
    let mut stream = visitor.begin("POST", "/stream");
    let (_, headers) = stream.head().expect("a response head");
    visitor.take(&headers);
    assert_eq!(
        (visitor.key() == old, headers["cache-control"].to_str().unwrap()),
        (false, "no-store")
    );
    assert_eq!(stream.chunk().as_deref(), Some("2"));
    assert_eq!(visitor.post("/count").body, "3");
    server.barrier.open();
    assert_eq!(stream.chunk().as_deref(), Some("Ok(4) Err(HeadersSent)"));
    assert_eq!(visitor.get("/read").body, "4");
}

/// Its handler is dropped or runs on. Either way the session is whole, and a logout holds.
pub fn a_client_that_disconnects_at_the_barrier_leaves_nothing_stuck(
    server: ScenarioServer<impl Store>,
) {
    let mut visitor = server.visitor();
    let mut copy = visitor.clone();
    let connection = visitor.begin("POST", "/slow");
    server.barrier.wait_for_arrivals(1);
    drop(connection);
    assert_eq!(visitor.post("/count").body, "3");
    server.barrier.open();
    let count = visitor.post("/count").body;
    assert!(count == "4" || count == "5", "{count}");
    assert_eq!(visitor.post("/logout").status.as_u16(), 200);
    assert_eq!(copy.get("/read").body, "null");
}

/// The write happened or it did not; where handlers run on, it happens a little later.
pub fn a_client_that_disconnects_during_a_write_leaves_it_whole(
    server: ScenarioServer<impl Store>,
) {
    let mut visitor = server.visitor();
    let mut before = 1;
    for is_done in [false, true] {
        let held = if is_done {
            server.steps.hold_answer(Operation::Replace)
        } else {
            server.steps.hold(Operation::Replace)
        };
        let connection = visitor.begin("POST", "/count");
        held.wait_for_arrival();
        drop(connection);
        held.release();
        let count: u64 = visitor.post("/count").body.parse().expect("a number");
        assert!(count > before, "{count} after {before}");
        before = count;
    }
    // Two updates that were answered, and up to two that were not.
    assert!((3..=5).contains(&before), "{before}");
    let mut copy = visitor.clone();
    visitor.post("/logout");
    assert_eq!(copy.get("/read").body, "null");
}

/// The new key never arrives. The old one may still open the session; the two never both do.
pub fn a_client_that_disconnects_during_its_login_never_has_two_keys(
    server: ScenarioServer<impl Store>,
) {
    let mut visitor = server.visitor();
    let held = server.steps.hold_answer(Operation::Replace);
    let connection = visitor.begin("POST", "/login");
    held.wait_for_arrival();
    // The store has the new key now, and no client was given it.
    drop(connection);
    assert_eq!(visitor.get("/read").body, "null");
    held.release();
    assert_eq!(visitor.post("/count").status.as_u16(), 409);
    // Signing in again works.
    assert_eq!(visitor.post("/login").status.as_u16(), 200);
    assert_eq!(visitor.post("/count").status.as_u16(), 200);
}
