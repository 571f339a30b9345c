//! The wire between a store and its server: round trips on it are counted, and connections on it cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Stands between clients and a server on this machine, and passes on what they say.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    round_trips: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

impl Wire {
    /// A wire to the server at this port.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) {
                    accepting.join(client, server);
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

    /// Resets all connections; new ones may be made.
    pub fn cut(&self) {
        let mut connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            // Without lingering, what is closed is reset.
            let _ = socket2::SockRef::from(&connection).set_linger(Some(Duration::ZERO));
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.cut();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some(there), Some(back)) = (both(), both()) else { return };
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).extend([client, server]);
        let is_asking = Arc::new(AtomicBool::new(false));
        let (asked, answered) = (Arc::clone(&is_asking), is_asking);
        let shared = Arc::clone(self);
        thread::spawn(move || {
            pass(there.0, there.1, || {
                if !asked.swap(true, Ordering::SeqCst) {
                    shared.round_trips.fetch_add(1, Ordering::SeqCst);
                }
            });
        });
        thread::spawn(move || pass(back.1, back.0, || answered.store(false, Ordering::SeqCst)));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, heard: impl Fn()) {
    let mut some = vec![0; 1 << 16];
    while let Ok(length) = from.read(&mut some) {
        if length == 0 {
            break;
        }
        heard();
        if to.write_all(&some[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
