//! An application over TLS whose sessions are bound to devices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use cloakroom::device_binding::DeviceBinding;
use cloakroom::http::{CookiePolicy, SameSite};
use cloakroom::stores::CachedStore;
use cloakroom::{NoSession, SessionLayer, Sessions, Store, block_on};
use cloakroom_browsers::Driver;
use cloakroom_testkit::{Fault, FaultyStore, FeedStore};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::tls::{Identity, TlsListener};
use crate::gate::{Exchange, Gate};
use crate::pages::{self, Visitor};
use crate::server::{Backend, page_at};

pub(super) const REGISTER: &str = "/.cloakroom/device/register";
pub(super) const REFRESH: &str = "/.cloakroom/device/refresh";

/// An application over TLS, on one node or on two that take turns. It runs until it is dropped.
pub(super) struct BoundServer {
    pub(super) backend: Backend,
    store: FaultyStore<Arc<dyn Store>>,
    nodes: Vec<Sessions<Visitor>>,
    gate: Gate,
    identity: Identity,
    port: u16,
    runtime: Runtime,
}

impl BoundServer {
    pub(super) fn start() -> Self {
        let backend = Backend::new();
        let store: Arc<dyn Store> = backend.store();
        Self::on(backend, Identity::new(), 0, FaultyStore::new(store), |store| vec![store])
    }

    /// Whose cookie browsers keep back from requests that other sites start, links too.
    pub(super) fn under_strict() -> Self {
        let strict = CookiePolicy::default().with_same_site(SameSite::Strict);
        let backend = Backend::new().with_cookie(strict);
        let store: Arc<dyn Store> = backend.store();
        Self::on(backend, Identity::new(), 0, FaultyStore::new(store), |store| vec![store])
    }

    /// Two nodes with a near cache each, which take turns.
    pub(super) fn on_two_nodes() -> Self {
        let backend = Backend::new();
        let store: Arc<dyn Store> = Arc::new(FeedStore::new(backend.store()));
        Self::on(backend, Identity::new(), 0, FaultyStore::new(store), |store| {
            let node = || block_on(CachedStore::builder(Arc::clone(&store)).build());
            (0..2).map(|_| Arc::new(node().expect("a cache")) as Arc<dyn Store>).collect()
        })
    }

    /// The same sessions, certificate and port, in a new process.
    pub(super) fn restarted(self) -> Self {
        let Self { backend, store, identity, port, runtime, .. } = self;
        runtime.shutdown_timeout(Duration::from_secs(10));
        Self::on(backend, identity, port, store, |store| vec![store])
    }

    fn on(
        backend: Backend,
        identity: Identity,
        port: u16,
        store: FaultyStore<Arc<dyn Store>>,
        nodes: impl FnOnce(Arc<dyn Store>) -> Vec<Arc<dyn Store>>,
    ) -> Self {
        let gate = Gate::new();
        let nodes: Vec<_> = nodes(Arc::new(store.clone()))
            .into_iter()
            .map(|store| {
                let builder = backend.adjust(Sessions::builder(store));
                builder.device_binding(DeviceBinding::offer()).build().expect("a valid policy")
            })
            .collect();
        let layer = |sessions: &Sessions<Visitor>| {
            let layer = SessionLayer::new(sessions.clone()).redirect_withheld("/again");
            layer.serving_device_binding()
        };
        let app = |sessions: &Sessions<Visitor>| {
            pages::application()
                .merge(pages::static_pages())
                .layer(layer(sessions))
                .layer(from_fn_with_state(gate.clone(), Gate::pass))
                .layer(Extension(gate.clone()))
        };
        let apps: Arc<[Router]> = nodes.iter().map(app).collect();
        let turn = Arc::new(AtomicUsize::new(0));
        let in_turn = Router::new().fallback(move |request: Request| {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            apps[turn % apps.len()].clone().oneshot(request)
        });
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let address = format!("127.0.0.1:{port}");
        let listener = runtime.block_on(TcpListener::bind(address)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let tls = identity.clone();
        runtime.spawn(async move { axum::serve(TlsListener::new(listener, &tls), in_turn).await });
        Self { backend, store, nodes, gate, identity, port, runtime }
    }

    /// The digest of the certificate's key, for the browser to trust.
    pub(super) fn key_digest(&self) -> &str {
        &self.identity.key_digest
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The URL of a page with this content at another site.
    pub(super) fn foreign(&self, html: &str) -> String {
        format!("https://127.0.0.1:{}{}", self.port, page_at(html))
    }

    /// Signs in with the form, and waits until the browser has bound the session and used it.
    pub(super) fn sign_in(&self, driver: &Driver) {
        let before = self.exchanges(REGISTER).len();
        driver.go(&self.url("/login"));
        driver.type_into("#name", "alice");
        driver.click("#login button");
        assert_eq!(driver.text("#who"), "alice");
        self.bind(driver, before);
    }

    /// Waits until the browser has bound the session, after so many registrations, and used it.
    pub(super) fn bind(&self, driver: &Driver, before: usize) {
        let registration = self.runtime.block_on(self.gate.exchange(REGISTER, before + 1));
        assert_eq!(registration.status, 200);
        let bound = registration.set_cookie.concat();
        let is_bound =
            || Self::cookie(driver).split(';').all(|cookie| bound.contains(cookie.trim()));
        let attempts = (0..20_000).find(|_| is_bound());
        assert!(attempts.is_some(), "the browser takes the bound cookie");
        driver.go(&self.url("/"));
        assert_eq!(driver.text("#who"), "alice");
    }

    /// The browser's session cookie, as a request would carry it.
    pub(super) fn cookie(driver: &Driver) -> String {
        let cookie = driver.cookie("__Host-id").expect("a session cookie");
        format!("__Host-id={}", cookie["value"].as_str().expect("a text"))
    }

    /// Why a request with this cookie has no session, at the next node.
    pub(super) fn visit_with(&self, cookie: &str) -> Option<NoSession> {
        let turn = self.backend.events().len() % self.nodes.len();
        let headers = HeaderMap::from_iter([(
            axum::http::header::COOKIE,
            cookie.parse().expect("a cookie is ASCII"),
        )]);
        let request_session = self.nodes[turn].request_session();
        block_on(request_session.session(&headers)).expect("the store answers").no_session()
    }

    /// An operator ends the browser's session.
    pub(super) fn revoke(&self, driver: &Driver) {
        let key = Self::cookie(driver);
        let key = key.trim_start_matches("__Host-id=").parse::<cloakroom::Key>().expect("a key");
        block_on(self.nodes[0].revoke(key.id())).expect("the store answers");
    }

    /// Whether the store fails from now on.
    pub(super) fn fail(&self, fails: bool) {
        self.store.fail_all(fails.then_some(Fault::NotSent));
    }

    pub(super) fn advance(&self, span: Duration) {
        self.backend.clock.advance(span);
    }

    /// Waits for the `count`-th request of this path to be answered, and returns it.
    pub(super) fn exchange(&self, path: &str, count: usize) -> Exchange {
        self.runtime.block_on(self.gate.exchange(path, count))
    }

    pub(super) fn exchanges(&self, path: &str) -> Vec<Exchange> {
        self.gate.exchanges(path)
    }

    /// The last request of this path.
    pub(super) fn last(&self, path: &str) -> Exchange {
        self.exchanges(path).pop().expect("there was one")
    }
}
