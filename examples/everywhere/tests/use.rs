//! Uses the example as a browser does.

use example_client::{Browser, Example};

#[test]
fn a_visitor_sees_their_devices_and_signs_out_of_all_of_them() {
    let example = Example::start(env!("CARGO_BIN_EXE_example-everywhere"));
    let mut devices: Vec<Browser> = (0..3).map(|_| example.browser()).collect();
    for device in &mut devices {
        assert_eq!(device.post("/login", "name=alice"), 303);
    }
    let page = devices[0].get("/").says("Devices of alice").says("this one");
    assert_eq!(page.body.matches("<li>").count(), 3, "not three devices in `{}`", page.body);
    let token = page.between("value=\"", "\"");
    assert_eq!(devices[1].post("/everywhere", &format!("token={token}")), 403);
    assert_eq!(devices[0].post("/everywhere", &format!("token={token}")), 303);
    devices[0].get("/").says("Not signed in");
    for device in &mut devices[1..] {
        device.get("/").says("SignedOutElsewhere");
    }
}
