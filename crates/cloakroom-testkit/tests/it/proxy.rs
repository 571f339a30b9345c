//! Tests of the proxy, with a server that answers each byte with the next one.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use cloakroom_testkit::servers::Proxy;

/// Longer than a busy machine needs to pass a byte on.
const AT_MOST: Duration = Duration::from_secs(20);
/// How long nothing must arrive, of what would otherwise be there at once.
const SILENCE: Duration = Duration::from_millis(100);

/// A proxy, and how many bytes its server was sent.
fn proxy() -> (Proxy, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap().port());
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() {
                    counter.fetch_add(1, Ordering::SeqCst);
                    if stream.write_all(&[byte[0] + 1]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (proxy, asked)
}

/// Connects and is answered once, so that its number is known.
fn connect(proxy: &Proxy) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    assert_eq!(ask(&mut stream, 1), Some(2));
    stream
}

fn ask(stream: &mut TcpStream, byte: u8) -> Option<u8> {
    stream.write_all(&[byte]).unwrap();
    answer(stream, AT_MOST)
}

/// Asks, and is true if no answer comes.
fn is_silent(stream: &mut TcpStream, byte: u8) -> bool {
    stream.write_all(&[byte]).unwrap();
    answer(stream, SILENCE).is_none()
}

fn answer(stream: &mut TcpStream, within: Duration) -> Option<u8> {
    let mut byte = [0];
    stream.set_read_timeout(Some(within)).unwrap();
    stream.read_exact(&mut byte).ok().map(|()| byte[0])
}

fn until(holds: impl Fn() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "a test that waits must end")]
    let now = std::time::Instant::now;
    let began = now();
    while !holds() {
        assert!(began.elapsed() < AT_MOST, "timed out");
        thread::yield_now();
    }
}

#[test]
fn without_its_answers_a_request_is_carried_out() {
    let (proxy, asked) = proxy();
    let mut stream = connect(&proxy);
    proxy.on(..).cut_answers();
    assert!(is_silent(&mut stream, 5));
    until(|| asked.load(Ordering::SeqCst) == 2);
    proxy.restore();
    assert_eq!(answer(&mut stream, AT_MOST), Some(6), "the answer comes late");
}

#[test]
fn a_request_that_is_held_back_is_carried_out_late() {
    let (proxy, asked) = proxy();
    let mut stream = connect(&proxy);
    proxy.on(..).cut_requests();
    assert!(is_silent(&mut stream, 5));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // Its sender gives up, which the server does not see either.
    drop(stream);
    proxy.restore();
    until(|| asked.load(Ordering::SeqCst) == 2);
}

#[test]
fn a_reset_loses_what_is_held_back() {
    let (proxy, asked) = proxy();
    let mut stream = connect(&proxy);
    proxy.on(..).cut();
    assert!(is_silent(&mut stream, 5));
    proxy.reset();
    proxy.restore();
    assert_eq!(answer(&mut stream, AT_MOST), None, "the connection is closed");
    let mut next = connect(&proxy);
    assert_eq!(ask(&mut next, 7), Some(8));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[test]
fn chosen_connections_are_cut_and_restored() {
    let (proxy, _) = proxy();
    let [mut first, mut second] = [connect(&proxy), connect(&proxy)];
    proxy.on(1..).cut();
    assert_eq!(ask(&mut first, 5), Some(6));
    assert!(is_silent(&mut second, 5));
    let mut third = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    assert!(is_silent(&mut third, 7), "it is made, and cut");
    proxy.on(1..2).restore();
    assert_eq!(answer(&mut second, AT_MOST), Some(6));
    assert_eq!(answer(&mut third, SILENCE), None);
    proxy.on(..).cut_requests();
    proxy.restore();
    assert_eq!(answer(&mut third, AT_MOST), Some(8));
}

#[test]
fn a_delay_holds_each_direction_back_for_its_span() {
    #[expect(clippy::disallowed_methods, reason = "measures the delay")]
    let now = std::time::Instant::now;
    let (proxy, _) = proxy();
    let mut stream = connect(&proxy);
    let span = Duration::from_millis(150);
    proxy.on(..).delay_requests(span);
    proxy.on(..).delay_answers(span);
    let began = now();
    stream.write_all(&[5]).unwrap();
    assert_eq!(answer(&mut stream, AT_MOST), Some(6));
    assert!(began.elapsed() >= 2 * span, "{:?}", began.elapsed());
    // A delay that is lifted ends at once.
    proxy.on(..).delay_answers(Duration::from_secs(60 * 60));
    assert!(is_silent(&mut stream, 7));
    proxy.restore();
    assert_eq!(answer(&mut stream, AT_MOST), Some(8));
}
