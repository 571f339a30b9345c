//! A TCP proxy between a store and its server.

mod link;
mod traffic;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::RangeBounds;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub use link::Link;
use traffic::{Direction, Traffic};

/// A TCP proxy on 127.0.0.1 that counts round trips, resets connections, and cuts or delays them
/// in either direction.
///
/// ```no_run
/// use cloakroom_testkit::servers::{Durability, Proxy, Redis, Server as _};
///
/// let server = Redis::start(Durability::None);
/// let proxy = Proxy::to(server.port());
/// let url = server.url_at(proxy.port()); // for the store
///
/// proxy.on(..).cut_answers(); // the server does what it is asked, and no one learns of it
/// proxy.restore();
/// let next = proxy.connections();
/// proxy.on(next..).cut_requests(); // connections that are made from now on
/// ```
///
/// Dropping it resets all connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    round_trips: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
    /// The number of connections made.
    made: AtomicUsize,
    traffic: Traffic,
    is_closed: AtomicBool,
}

impl Proxy {
    /// A proxy to the server on this port.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            round_trips: AtomicU64::new(0),
            connections: Mutex::default(),
            made: AtomicUsize::new(0),
            traffic: Traffic::default(),
            is_closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_closed.load(Ordering::Relaxed) {
                    return;
                }
                if let (Ok(client), Ok(server)) =
                    (client, TcpStream::connect(("127.0.0.1", server)))
                {
                    accepting.connect(client, server);
                }
            }
        });
        Self { port, shared }
    }

    /// The port for clients to connect to.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How often a client has sent something and waited for an answer.
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// How many connections were made, which is the number of the next one: the first is 0.
    pub fn connections(&self) -> usize {
        self.shared.made.load(Ordering::SeqCst)
    }

    /// The connections with these numbers, to be cut or delayed; `..` are all, those that are made
    /// later included.
    pub fn on(&self, connections: impl RangeBounds<usize>) -> Link<'_> {
        Link::new(&self.shared.traffic, connections)
    }

    /// Ends all cuts and delays.
    ///
    /// What was held back arrives now, as TCP sends lost bytes again. [`reset`](Self::reset) before
    /// this loses it for good.
    pub fn restore(&self) {
        self.on(..).restore();
    }

    /// Resets all connections. New ones can be made.
    pub fn reset(&self) {
        let mut connections =
            self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.traffic.close(self.connections());
        for connection in connections.drain(..) {
            // With a linger time of zero, closing a socket resets the connection.
            let _ = socket2::SockRef::from(&connection).set_linger(Some(Duration::ZERO));
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        self.reset();
        // Also those that are being made.
        self.shared.traffic.close(usize::MAX);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some(there), Some(back)) = (both(), both()) else { return };
        // A number is below that of a reset if and only if the reset finds the sockets here.
        let number = {
            let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            connections.extend([client, server]);
            self.made.fetch_add(1, Ordering::SeqCst)
        };
        let is_waiting = Arc::new(AtomicBool::new(false));
        let (asked, answered) = (Arc::clone(&is_waiting), is_waiting);
        let (shared, same) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || {
            copy(there.0, there.1, |length| {
                if length > 0 && !asked.swap(true, Ordering::SeqCst) {
                    shared.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                shared.traffic.lets_pass(number, Direction::Requests)
            });
        });
        thread::spawn(move || {
            copy(back.1, back.0, |_| {
                answered.store(false, Ordering::SeqCst);
                same.traffic.lets_pass(number, Direction::Answers)
            });
        });
    }
}

/// Copies bytes from one socket to the other. `passes` is given how many there are, 0 at the end,
/// waits until they may go on, and returns false if they never may.
fn copy(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(usize) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = from.read(&mut buffer) {
        if !passes(length) || length == 0 || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
