//! Uses the example as a browser does.

#[test]
fn two_visitors_are_counted_apart() {
    example_client::counts_visitors_apart(env!("CARGO_BIN_EXE_example-counter"));
}
