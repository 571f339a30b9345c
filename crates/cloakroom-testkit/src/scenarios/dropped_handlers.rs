//! Handlers whose client has disconnected at a known point.
//!
//! They are dropped there or, on a server that does not drop handlers, run to their end.

use cloakroom::Store;
use cloakroom::store::Operation;

use super::browser::Browser;
use super::server::ScenarioServer;

/// What it would have written afterwards is not written, unless the handler runs on.
pub fn a_handler_dropped_at_the_barrier_keeps_what_it_wrote(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let slow = visitor.begin("POST", "/slow");
    server.barrier.wait_for_arrivals(1);
    drop(slow);
    let count = if server.running.cancels {
        server.barrier.wait_for_drop();
        2
    } else {
        let second = server.steps.hold_answer(Operation::Replace);
        server.barrier.open();
        second.wait_for_arrival();
        second.release();
        3
    };
    assert_eq!(visitor.get("/read").body, count.to_string());
    assert_eq!(visitor.post("/count").body, (count + 1).to_string());
    assert_logout_holds(&mut visitor);
}

/// Other requests succeed while its operation is held and after. The operation is atomic.
pub fn a_handler_dropped_during_a_store_call_blocks_no_other(server: ScenarioServer<impl Store>) {
    for (round, is_done) in (1..).zip([false, true]) {
        let mut visitor = server.visitor();
        let held = if is_done {
            server.steps.hold_answer(Operation::Replace)
        } else {
            server.steps.hold(Operation::Replace)
        };
        let slow = visitor.begin("POST", "/slow");
        held.wait_for_arrival();
        drop(slow);
        let mut count = if is_done { 3 } else { 2 };
        assert_eq!(visitor.post("/count").body, count.to_string(), "while the operation is held");
        if server.running.cancels {
            held.wait_for_drop();
        } else {
            held.release();
            server.barrier.wait_for_arrivals(round);
            count = 3; // both updates, in either order
        }
        assert_eq!(visitor.get("/read").body, count.to_string());
        assert_logout_holds(&mut visitor);
    }
    server.barrier.open();
}

/// The old key stays in use. Where handlers run on, the login counts and the old key is superseded.
/// The two keys never both work.
pub fn a_login_dropped_before_its_write_signs_no_one_in(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let held = server.steps.hold(Operation::Replace);
    let login = visitor.begin("POST", "/login");
    held.wait_for_arrival();
    drop(login);
    if server.running.cancels {
        held.wait_for_drop();
        assert_eq!(visitor.post("/count").body, "2");
    } else {
        let written = server.steps.hold_answer(Operation::Replace);
        held.release();
        written.wait_for_arrival();
        written.release();
        assert!(visitor.post("/count").is_bare(409));
    }
    let mut old = visitor.clone();
    assert_eq!(visitor.post("/login").status.as_u16(), 200);
    assert_ne!(visitor.key(), old.key());
    assert_eq!(old.get("/read").body, "null");
    assert_eq!(visitor.post("/count").status.as_u16(), 200);
    assert_logout_holds(&mut visitor);
}

/// The body is dropped, or runs to its end.
pub fn a_client_that_disconnects_during_a_stream_leaves_nothing_stuck(
    server: ScenarioServer<impl Store>,
) {
    let mut visitor = server.visitor();
    let mut stream = visitor.begin("POST", "/stream");
    stream.head().expect("a response head");
    assert_eq!(stream.chunk().as_deref(), Some("2"));
    server.barrier.wait_for_arrivals(1);
    drop(stream);
    if server.running.cancels {
        server.barrier.wait_for_drop();
        assert_eq!(visitor.post("/count").body, "3");
    } else {
        let written = server.steps.hold_answer(Operation::Replace);
        server.barrier.open();
        written.wait_for_arrival();
        written.release();
        assert_eq!(visitor.post("/count").body, "4");
    }
    assert_logout_holds(&mut visitor);
}

/// A logout holds, also against a copy of the key.
fn assert_logout_holds(visitor: &mut Browser) {
    let mut copy = visitor.clone();
    assert_eq!(visitor.post("/logout").status.as_u16(), 200);
    assert_eq!(copy.get("/read").body, "null");
    assert_eq!(visitor.post("/count").body, "1", "a new session");
}
