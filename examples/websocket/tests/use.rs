//! Uses the example as a browser does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must panic")]

use std::io::{Read, Write};

use example_client::Example;

#[test]
fn a_socket_is_open_to_its_own_site_until_its_visitor_signs_out() {
    let example = Example::start(env!("CARGO_BIN_EXE_example-websocket"));
    let mut alice = example.browser();
    let here = "http://localhost";
    assert!(alice.upgrade("/socket", here).is_none(), "no one is signed in");
    assert_eq!(alice.post("/login", ""), 200);
    assert!(alice.upgrade("/socket", "http://evil.localhost").is_none(), "another site's page");

    let mut socket = alice.upgrade("/socket", here).unwrap();
    // A text frame of two bytes under a mask of zeros (RFC 6455 section 5.2).
    socket.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut frame = [0; 11];
    socket.read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"\x81\x09message 1");

    assert_eq!(alice.post("/logout", ""), 200);
    let mut close = [0; 4];
    socket.read_exact(&mut close).unwrap();
    assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, 4401));
}
