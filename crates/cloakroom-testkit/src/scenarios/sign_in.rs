//! Signing in and out.

use std::time::Duration;

use cloakroom::Store;

use super::server::ScenarioServer;
use crate::CookieSeen;

/// A tab that still has the old key is told to try again, and gets no cookie that could replace the
/// new one.
pub fn after_login_the_old_key_opens_nothing(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let mut late = visitor.clone();
    assert_eq!(visitor.post("/login").status.as_u16(), 200);
    assert!(visitor.key() != late.key() && visitor.key().id() == late.key().id());
    let refused = late.post("/count");
    assert_eq!(
        (refused.status.as_u16(), refused.body.as_str(), refused.seen()),
        (409, "", CookieSeen::None)
    );
    assert_eq!(late.get("/read").body, "null");
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(late.post("/count").body, "1", "a minute later it is as good as no key");
    assert_eq!(visitor.post("/count").body, "2");
}

/// A copy of the cookie opens nothing either.
pub fn a_logout_removes_the_cookie_and_ends_the_session(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    visitor.post("/login");
    let mut copy = visitor.clone();
    assert_eq!(visitor.post("/logout").seen(), CookieSeen::Removed);
    assert_eq!(visitor.cookie(), None);
    assert_eq!((visitor.get("/read").body, copy.get("/read").body), ("null".into(), "null".into()));
    // What begins now is another session.
    let ended = copy.key();
    assert_eq!(copy.post("/count").body, "1");
    assert_ne!(copy.key().id(), ended.id());
}

/// It began before the logout, writes after it, and is refused.
pub fn a_request_in_flight_across_a_logout_revives_nothing(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let mut copy = visitor.clone();
    let mut slow = visitor.begin("POST", "/slow");
    server.barrier.wait_for_arrivals(1);
    assert_eq!(visitor.post("/logout").status.as_u16(), 200);
    server.barrier.open();
    let refused = slow.reply().expect("a response");
    assert_eq!((refused.status.as_u16(), refused.body.as_str()), (409, ""));
    assert_eq!(copy.get("/read").body, "null");
}

/// The cookie stays, and opens nothing.
pub fn a_revoked_session_is_gone_at_the_next_request(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let revoked = visitor.key();
    assert_eq!(visitor.post("/revoke").status.as_u16(), 200);
    let reply = visitor.navigate("/read");
    assert_eq!((reply.body.as_str(), reply.seen()), ("null", CookieSeen::None));
    // What begins now is another session.
    assert_eq!(visitor.post("/count").body, "1");
    assert_ne!(visitor.key().id(), revoked.id());
}

/// The same as for a logout.
pub fn a_session_revoked_during_a_request_is_written_no_more(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let mut slow = visitor.begin("POST", "/slow");
    server.barrier.wait_for_arrivals(1);
    assert_eq!(visitor.post("/revoke").status.as_u16(), 200);
    assert_eq!(visitor.get("/read").body, "null");
    server.barrier.open();
    assert!(slow.reply().expect("a response").is_bare(409));
    assert_eq!(visitor.get("/read").body, "null");
}

/// The manual clock makes this a matter of milliseconds.
pub fn an_idle_session_ends_at_its_deadline(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    server.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(visitor.get("/read").body, "1");
    server.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(visitor.get("/read").body, "null");
}
