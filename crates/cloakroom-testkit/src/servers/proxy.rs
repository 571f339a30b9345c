//! The proxy between a store and its server: round trips on it are counted, and connections on it cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Stands between clients and a server on this machine, and passes on what they send_command.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    round_trips: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
    /// How many connections were made, and from which on nothing is passed on.
    made: AtomicUsize,
    mute_from: AtomicUsize,
    is_over: AtomicBool,
}

impl Proxy {
    /// A proxy to the server at this port.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            round_trips: AtomicU64::new(0),
            connections: Mutex::default(),
            made: AtomicUsize::new(0),
            mute_from: AtomicUsize::new(usize::MAX),
            is_over: AtomicBool::new(false),
        });
        let accepted = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepted.is_over.load(Ordering::Relaxed) {
                    return;
                }
                if let (Ok(client), Ok(server)) =
                    (client, TcpStream::connect(("127.0.0.1", server)))
                {
                    accepted.join(client, server);
                }
            }
        });
        Self { port, shared }
    }

    /// The port where clients are to connect.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How often a client has spoken and waited for an answer, so far.
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.made.load(Ordering::SeqCst)
    }

    /// Swallows from now on all that is said on all connections but the first so many; those who speak are not told.
    pub fn mute_all_but(&self, first: usize) {
        self.shared.mute_from.store(first, Ordering::SeqCst);
    }

    /// Resets all connections; new ones may be made.
    pub fn cut(&self) {
        let mut connections =
            self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            // Without lingering, what is closed is reset.
            let _ = socket2::SockRef::from(&connection).set_linger(Some(Duration::ZERO));
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.cut();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn lets_pass(&self, connection: usize) -> bool {
        connection < self.mute_from.load(Ordering::SeqCst)
    }

    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some(there), Some(back)) = (both(), both()) else { return };
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).extend([client, server]);
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let is_asking = Arc::new(AtomicBool::new(false));
        let (asked, answered) = (Arc::clone(&is_asking), is_asking);
        let (shared, same) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || {
            pass(there.0, there.1, || {
                if !asked.swap(true, Ordering::SeqCst) {
                    shared.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                shared.lets_pass(number)
            });
        });
        thread::spawn(move || {
            pass(back.1, back.0, || {
                answered.store(false, Ordering::SeqCst);
                same.lets_pass(number)
            });
        });
    }
}

/// Passes on what `passes` does not swallow.
fn pass(mut from: TcpStream, mut to: TcpStream, passes: impl Fn() -> bool) {
    let mut some = vec![0; 1 << 16];
    while let Ok(length) = from.read(&mut some) {
        if length == 0 {
            break;
        }
        if passes() && to.write_all(&some[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
