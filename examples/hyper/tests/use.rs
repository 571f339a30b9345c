//! Uses the example as a browser does.

use example_client::Example;

#[test]
fn a_form_of_another_site_is_refused() {
    let example = Example::start(env!("CARGO_BIN_EXE_example-hyper"));
    let mut visitor = example.browser();
    assert_eq!(visitor.post_from("cross-site", "/", ""), 403);
    assert!(!visitor.has_cookies());
    assert_eq!(visitor.post_from("same-origin", "/", ""), 200);
}

#[test]
fn two_visitors_are_counted_apart() {
    example_client::counts_visitors_apart(env!("CARGO_BIN_EXE_example-hyper"));
}
