//! A store that is down for a while, and requests in flight.

use cloakroom::Store;

use super::server::ScenarioServer;
use crate::Fault;

/// No cookie is set or removed, and afterwards everything is as it was.
pub fn an_outage_is_a_503_on_every_route_that_uses_the_session(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    for fault in [Fault::NotSent, Fault::LostBefore] {
        server.faulty.fail_all(Some(fault));
        assert!(visitor.get("/read").is_bare(503));
        assert!(visitor.navigate("/read").is_bare(503));
        for route in [
            "/count", "/login", "/logout", "/revoke", "/both", "/slow", "/fail", "/panic",
            "/stream",
        ] {
            assert!(visitor.post(route).is_bare(503), "{route}");
        }
        for route in ["/count", "/login", "/both"] {
            assert!(server.browser().post(route).is_bare(503), "{route} of a new visitor");
        }
        server.faulty.fail_all(None);
        assert_eq!(visitor.get("/read").body, "1");
    }
    assert_eq!(visitor.post("/login").status.as_u16(), 200);
    assert_eq!(visitor.post("/count").body, "2");
}

/// The handler cannot know then; the next request can.
pub fn a_request_lost_before_the_store_did_not_happen(server: ScenarioServer<impl Store>) {
    lost(&server, Fault::LostBefore, 2);
}

/// It happened once, and the visitor goes on from there.
pub fn a_write_whose_answer_was_lost_has_happened(server: ScenarioServer<impl Store>) {
    lost(&server, Fault::LostAfter, 3);
}

/// The store goes down between the two updates of a handler, which cannot learn the outcome of the
/// second.
fn lost(server: &ScenarioServer<impl Store>, fault: Fault, count: u64) {
    let mut visitor = server.visitor();
    let mut slow = visitor.begin("POST", "/slow");
    server.barrier.wait_for_arrivals(1);
    server.faulty.fail_all(Some(fault));
    server.barrier.open();
    assert!(slow.reply().expect("a response").is_bare(503));
    server.faulty.fail_all(None);
    assert_eq!(visitor.get("/read").body, count.to_string());
    assert_eq!(visitor.post("/count").body, (count + 1).to_string());
}
