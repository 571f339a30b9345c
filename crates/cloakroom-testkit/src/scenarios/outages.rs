//! A store that is gone for a while, and requests that were on their way to it.

use cloakroom::Store;

use super::server::ScenarioServer;
use crate::Fault;

/// Whatever it was to do: no cookie goes either way, and afterwards everything is as it was.
pub fn an_outage_is_a_503_on_every_route_that_asks(server: ScenarioServer<impl Store>) {
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
            assert!(server.browser().post(route).is_bare(503), "{route} of somebody new");
        }
        server.faulty.fail_all(None);
        assert_eq!(visitor.get("/read").body, "1");
    }
    assert_eq!(visitor.post("/login").status.as_u16(), 200);
    assert_eq!(visitor.post("/count").body, "2");
}

/// Nobody could tell then; now everybody can.
pub fn a_post_that_got_lost_on_its_way_did_not_happen(server: ScenarioServer<impl Store>) {
    lost(&server, Fault::LostBefore, 2);
}

/// Once, and the visitor goes on from there.
pub fn a_post_whose_answer_got_lost_has_happened(server: ScenarioServer<impl Store>) {
    lost(&server, Fault::LostAfter, 3);
}

/// The store goes away between a handler's two updates, and can't be asked what became of the second.
fn lost(server: &ScenarioServer<impl Store>, fault: Fault, count: u64) {
    let mut visitor = server.visitor();
    let mut slow = visitor.begin("POST", "/slow");
    server.barrier.wait_for_arrivals(1);
    server.faulty.fail_all(Some(fault));
    server.barrier.open();
    assert!(slow.reply().expect("an answer").is_bare(503));
    server.faulty.fail_all(None);
    assert_eq!(visitor.get("/read").body, count.to_string());
    assert_eq!(visitor.post("/count").body, (count + 1).to_string());
}
