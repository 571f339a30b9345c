//! Uses the example as a browser does.

use example_client::{Answer, Example};

fn token(page: &Answer) -> String {
    page.between("value=\"", "\"").to_owned()
}

#[test]
fn signing_in_needs_the_password_and_a_form_of_ours_and_survives_a_crash() {
    let mut example = Example::start(env!("CARGO_BIN_EXE_example-login"));
    let mut alice = example.browser();
    alice.get("/").says("autocomplete=\"username\"");
    assert!(!alice.has_cookies(), "the sign-in form begins no session");
    assert_eq!(alice.post_from("cross-site", "/login", "name=alice&password=wonderland"), 403);
    assert_eq!(alice.post_from("same-site", "/login", "name=alice&password=wonderland"), 403);
    assert!(!alice.has_cookies(), "a form of another site began a session");
    assert_eq!(alice.post("/login", "name=alice&password=wrong"), 303);
    alice.get("/").says("Wrong name or password.");
    let sent = "name=alice&password=wonderland";
    assert_eq!(alice.post_from("same-origin", "/login", sent), 303);
    alice.get("/").says("Welcome.").says("You are alice");

    example.restart();
    alice.move_to(example.port());
    let page = alice.get("/").says("You are alice");
    assert!(!page.body.contains("Welcome."), "the message is shown twice");
    assert_eq!(alice.post("/logout", "token=forged"), 403);
    assert_eq!(alice.post("/logout", &format!("token={}", token(&page))), 303);
    alice.get("/").says("Goodbye.").says("autocomplete=\"username\"");
}
