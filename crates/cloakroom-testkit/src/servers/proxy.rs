//! A TCP proxy between a store and its server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A TCP proxy on 127.0.0.1 that counts round trips, and resets or mutes connections on demand.
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
    /// The number of connections made, and the number of the first that is muted.
    made: AtomicUsize,
    mute_from: AtomicUsize,
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
            mute_from: AtomicUsize::new(usize::MAX),
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

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.made.load(Ordering::SeqCst)
    }

    /// Drops all bytes from now on, on all connections but the `first` made. Neither side notices.
    pub fn mute_all_but(&self, first: usize) {
        self.shared.mute_from.store(first, Ordering::SeqCst);
    }

    /// Resets all connections. New ones can be made.
    pub fn reset(&self) {
        let mut connections =
            self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
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
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn lets_pass(&self, connection: usize) -> bool {
        connection < self.mute_from.load(Ordering::SeqCst)
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some(there), Some(back)) = (both(), both()) else { return };
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).extend([client, server]);
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let is_waiting = Arc::new(AtomicBool::new(false));
        let (asked, answered) = (Arc::clone(&is_waiting), is_waiting);
        let (shared, same) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || {
            copy(there.0, there.1, || {
                if !asked.swap(true, Ordering::SeqCst) {
                    shared.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                shared.lets_pass(number)
            });
        });
        thread::spawn(move || {
            copy(back.1, back.0, || {
                answered.store(false, Ordering::SeqCst);
                same.lets_pass(number)
            });
        });
    }
}

/// Copies bytes from one socket to the other, dropping those that `passes` is false for.
fn copy(mut from: TcpStream, mut to: TcpStream, passes: impl Fn() -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 {
            break;
        }
        if passes() && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
