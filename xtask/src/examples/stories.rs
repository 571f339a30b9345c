//! What happens in each example when somebody uses it.

use std::io::{Read, Write};

use super::Example;
use super::visitor::{Visitor, text};

type Story = fn(&mut Example) -> Result<(), String>;

pub(super) const STORIES: [(&str, Story); 10] = [
    ("counter", counted),
    ("hyper", counted),
    ("blocking", counted),
    ("warp", counted),
    ("sealed", counted),
    ("actix", signed_in_by_actix),
    ("kinds", two_kinds),
    ("login", signed_in),
    ("everywhere", signed_out_everywhere),
    ("websocket", closed_by_signing_out),
];

/// Two visitors are counted apart, and neither cookie may be cached.
fn counted(example: &mut Example) -> Result<(), String> {
    let (mut one, mut other) = (example.visitor(), example.visitor());
    let first = one.get("/")?.says("Visit number 1")?;
    for header in ["vary: cookie", "cache-control: no-store", "set-cookie: __host-id="] {
        if !first.head.contains(header) {
            return Err(format!("no `{header}` in `{}`", first.head));
        }
    }
    one.get("/")?.says("Visit number 2")?;
    other.get("/")?.says("Visit number 1")?;
    one.get("/")?.says("Visit number 3")?;
    Ok(())
}

fn signed_in_by_actix(example: &mut Example) -> Result<(), String> {
    let mut alice = example.visitor();
    alice.get("/")?.says("Visit number 1 of a visitor")?;
    alice.post("/login/alice", "")?.is(200)?;
    alice.get("/")?.says("Visit number 2 of alice")?;
    alice.post("/logout", "")?.is(200)?;
    if alice.has_cookies() {
        return Err("the cookie is still there after the logout".into());
    }
    alice.get("/")?.says("Visit number 1 of a visitor")?;
    Ok(())
}

fn two_kinds(example: &mut Example) -> Result<(), String> {
    let mut admin = example.visitor();
    admin.get("/")?.says("1 in the cart")?;
    admin.get("/admin")?.says("not for visitors")?;
    admin.post("/admin/enter", "")?.says("at the desk")?;
    admin.get("/")?.says("2 in the cart")?;
    admin.get("/admin")?.says("action 1 of somebody with 2 in the cart")?;
    Ok(())
}

/// With a forged form, a wrong password, and a server that is killed in between.
fn signed_in(example: &mut Example) -> Result<(), String> {
    let mut alice = example.visitor();
    let token = |page: super::visitor::Answer| page.between("value=\"", "\"").map(ToOwned::to_owned);
    let form = token(alice.get("/")?)?;
    alice.post("/login", "name=alice&password=coat&token=forged")?.is(403)?;
    alice.post("/login", &format!("name=alice&password=cloak&token={form}"))?.is(303)?;
    alice.get("/")?.says("That is not it.")?;
    alice.post("/login", &format!("name=alice&password=coat&token={form}"))?.is(303)?;
    alice.get("/")?.says("Welcome.")?.says("You are alice")?;

    example.restart()?;
    let mut alice = alice.moved_to(example.port());
    let page = alice.get("/")?.says("You are alice")?;
    if page.body.contains("Welcome.") {
        return Err("the message is shown twice".into());
    }
    alice.post("/logout", &format!("token={form}"))?.is(403)?;
    alice.post("/logout", &format!("token={}", token(page)?))?.is(303)?;
    alice.get("/")?.says("Goodbye.")?.says("autocomplete=\"username\"")?;
    Ok(())
}

fn signed_out_everywhere(example: &mut Example) -> Result<(), String> {
    let mut devices: Vec<Visitor> = (0..3).map(|_| example.visitor()).collect();
    for device in &mut devices {
        device.post("/login", "name=alice")?.is(303)?;
    }
    let page = devices[0].get("/")?.says("Devices of alice")?.says("this one")?;
    if page.body.matches("<li>").count() != 3 {
        return Err(format!("not three devices in `{}`", page.body));
    }
    let token = page.between("value=\"", "\"")?.to_owned();
    devices[1].post("/everywhere", &format!("token={token}"))?.is(403)?;
    devices[0].post("/everywhere", &format!("token={token}"))?.is(303)?;
    devices[0].get("/")?.says("Not signed in")?;
    for device in &mut devices[1..] {
        device.get("/")?.says("SignedOutElsewhere")?;
    }
    Ok(())
}

/// The socket stays through a message, and is closed with a code of its own when its session ends.
fn closed_by_signing_out(example: &mut Example) -> Result<(), String> {
    let mut alice = example.visitor();
    let here = "http://localhost";
    if alice.upgrade("/socket", here).is_ok() {
        return Err("a socket for somebody who is not signed in".into());
    }
    alice.post("/login", "")?.is(200)?;
    if alice.upgrade("/socket", "http://evil.localhost").is_ok() {
        return Err("a socket for another site's page".into());
    }
    let mut socket = alice.upgrade("/socket", here)?;
    // A text frame of two bytes under a mask of zeros (RFC 6455 section 5.2).
    socket.write_all(b"\x81\x82\0\0\0\0hi").map_err(text)?;
    let mut frame = [0; 11];
    socket.read_exact(&mut frame).map_err(text)?;
    if &frame != b"\x81\x09message 1" {
        return Err(format!("no answer but {frame:?}"));
    }
    alice.post("/logout", "")?.is(200)?;
    let mut close = [0; 4];
    socket.read_exact(&mut close).map_err(text)?;
    let code = u16::from_be_bytes([close[2], close[3]]);
    if (close[0], code) == (0x88, 4401) { Ok(()) } else { Err(format!("closed by {close:?}")) }
}
