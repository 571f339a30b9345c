//! Answers that reach the browser after newer ones.

use std::time::Duration;

use crate::browser;
use crate::server::Server;

#[test]
fn the_late_answer_of_a_read_removes_no_newer_cookie() {
    let (server, driver) = (Server::start(), browser());
    server.sign_in(&driver, "alice");
    // The cookie is dead.
    server.advance(Duration::from_secs(13 * 60 * 60));
    driver.run(
        "const frame = document.createElement('iframe');
        frame.onload = () => { window.isAnswered = true };
        frame.src = '/again?hold=late';
        document.body.append(frame)",
    );
    server.wait_for("late");
    let page = driver.tab();
    driver.open_tab();
    server.sign_in(&driver, "alice");
    let cookie = driver.cookie("__Host-id");

    server.release("late");
    driver.switch(&page);
    driver.wait_until("window.isAnswered");
    assert_eq!(driver.cookie("__Host-id"), cookie);
    driver.go(&server.url("/"));
    assert_eq!(driver.text("#who"), "alice");
}

#[test]
fn the_late_answer_of_a_renewal_locks_no_one_out() {
    let (server, driver) = (Server::start(), browser());
    server.sign_in(&driver, "alice");
    server.advance(Duration::from_secs(15 * 60));
    driver.run("fetch('/again?hold=late').then(() => { window.isAnswered = true })");
    server.wait_for("late");
    let page = driver.tab();
    driver.open_tab();
    for _ in 0..3 {
        driver.go(&server.url("/"));
        server.advance(Duration::from_secs(60));
    }
    server.release("late");
    driver.switch(&page);
    driver.wait_until("window.isAnswered");
    driver.go(&server.url("/visit"));
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "1"));
}
