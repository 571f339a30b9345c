//! Uses the example as a browser does.

use example_client::Example;

#[test]
fn a_visitor_signs_in_keeps_their_count_and_signs_out() {
    let example = Example::start(env!("CARGO_BIN_EXE_example-actix"));
    let mut alice = example.browser();
    alice.get("/").says("Visit number 1 of a visitor");
    assert_eq!(alice.post_from("cross-site", "/login/alice", ""), 403);
    assert_eq!(alice.post_from("same-origin", "/login/alice", ""), 200);
    alice.get("/").says("Visit number 2 of alice");
    assert_eq!(alice.post("/logout", ""), 200);
    assert!(!alice.has_cookies(), "the cookie is still there after signing out");
    alice.get("/").says("Visit number 1 of a visitor");
}
