//! Uses the example as a browser does.

use example_client::Example;

const RIGHT: &str = "name=alice&password=wonderland";

#[test]
fn a_sign_in_survives_a_crash_and_a_message_is_shown_once() {
    let mut example = Example::start(env!("CARGO_BIN_EXE_example-tower-sessions"));
    let mut alice = example.browser();
    assert_eq!(alice.post("/login", "name=alice&password=wrong"), 303);
    alice.get("/").says("Wrong name or password.").says("autocomplete=\"username\"");
    assert_eq!(alice.post("/login", RIGHT), 303);
    alice.get("/").says("Welcome.").says("You are alice");

    example.restart();
    alice.move_to(example.port());
    let page = alice.get("/").says("You are alice");
    assert!(!page.body.contains("Welcome."), "the message is shown twice");
    assert_eq!(alice.post("/logout", ""), 303);
    alice.get("/").says("Goodbye.").says("autocomplete=\"username\"");
}

#[test]
fn a_sign_out_holds_and_a_key_from_before_the_sign_in_opens_nothing() {
    let example = Example::start(env!("CARGO_BIN_EXE_example-tower-sessions"));
    let mut alice = example.browser();
    alice.post("/login", "name=alice&password=wrong");
    let anonymous = alice.clone();
    alice.post("/login", RIGHT);
    let signed_in = alice.clone();
    alice.get("/").says("You are alice");
    alice.post("/logout", "");
    for mut former in [anonymous, signed_in] {
        assert!(former.has_cookies());
        former.get("/").says("autocomplete=\"username\"");
    }
}
