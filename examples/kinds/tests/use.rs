//! Uses the example as a browser does.

use example_client::Example;

#[test]
fn a_cart_and_an_admin_have_sessions_apart() {
    let example = Example::start(env!("CARGO_BIN_EXE_example-kinds"));
    let mut admin = example.browser();
    admin.get("/").says("1 in the cart");
    admin.get("/admin").says("admins only");
    assert_eq!(admin.post("/admin/enter", ""), 200);
    admin.get("/").says("2 in the cart");
    admin.get("/admin").says("action 1 with 2 in the cart");
}
