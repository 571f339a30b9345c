//! The server: a store, a clock, and a port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use cloakroom::time::{Clock as _, SystemClock};
use cloakroom::{CookiePolicy, SessionLayer, Transport};
use cloakroom_testkit::TestSessions;
use cloakroom_testkit::servers::Certificates;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;

use crate::log::{Exchange, Log};
use crate::pages::{self, Controls};
use crate::tls::TlsListener;

/// An application with sessions, which runs until this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    log: Log,
    _runtime: Runtime,
}

impl Server {
    /// Serves over plain HTTP on a free port of 127.0.0.1.
    pub fn plain(policy: CookiePolicy) -> Self {
        let (app, log) = application(policy);
        Self::start(log, async |listener| {
            axum::serve(listener, app).await.expect("the server runs until it is stopped");
        })
    }

    /// Serves over TLS, with a certificate for localhost and the default cookie, `__Host-id`.
    pub fn encrypted(certificates: &Certificates) -> Self {
        let (app, log) = application(CookiePolicy::default());
        let acceptor = crate::tls::acceptor(certificates);
        Self::start(log, async |listener| {
            let listener = TlsListener::new(listener, acceptor);
            axum::serve(listener, app).await.expect("the server runs until it is stopped");
        })
    }

    /// Its address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked and what it answered, in the order of the answers.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.log.exchanges()
    }

    /// Every key that it has sent, in the order of their first appearance.
    pub fn keys(&self) -> Vec<String> {
        self.log.keys()
    }

    fn start<F>(log: Log, serve: impl FnOnce(TcpListener) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(serve(listener));
        Self { address, log, _runtime: runtime }
    }
}

fn application(policy: CookiePolicy) -> (Router, Log) {
    let test = TestSessions::with(cloakroom_test_stores::sqlite(), |builder| {
        builder.transport(Transport::cookie(policy))
    });
    // The clients have clocks too, and may compare them with `Expires`.
    test.clock.set(SystemClock.now());
    let log = Log::default();
    let controls = Controls {
        sessions: test.sessions.clone(),
        clock: test.clock,
        log: log.clone(),
        pair: Arc::new(Barrier::new(2)),
    };
    let app = pages::application()
        .merge(pages::controls(controls))
        .layer(SessionLayer::new(test.sessions))
        .layer(from_fn_with_state(log.clone(), Log::write));
    (app, log)
}
