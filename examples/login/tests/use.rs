//! Uses the example as a browser does.

use example_client::{Answer, Example};

fn token(page: &Answer) -> String {
    page.between("value=\"", "\"").to_owned()
}

#[test]
fn signing_in_needs_the_password_and_a_form_of_ours_and_survives_a_crash() {
    let mut example = Example::start(env!("CARGO_BIN_EXE_example-login"));
    let mut alice = example.browser();
    let form = token(&alice.get("/"));
    assert_eq!(alice.post("/login", "name=alice&password=wonderland&token=forged"), 403);
    assert_eq!(alice.post("/login", &format!("name=alice&password=wrong&token={form}")), 303);
    alice.get("/").says("Wrong name or password.");
    assert_eq!(alice.post("/login", &format!("name=alice&password=wonderland&token={form}")), 303);
    alice.get("/").says("Welcome.").says("You are alice");

    example.restart();
    alice.move_to(example.port());
    let page = alice.get("/").says("You are alice");
    assert!(!page.body.contains("Welcome."), "the message is shown twice");
    assert_eq!(alice.post("/logout", &format!("token={form}")), 403);
    assert_eq!(alice.post("/logout", &format!("token={}", token(&page))), 303);
    alice.get("/").says("Goodbye.").says("autocomplete=\"username\"");
}
