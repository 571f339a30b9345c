//! The server: a store, a clock that the test moves, and a port.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::middleware::from_fn_with_state;
use cloakroom::observe::{Event, Observer};
use cloakroom::time::{Clock as _, SystemClock};
use cloakroom::{CookiePolicy, MemoryStore, SessionLayer, Sessions, SessionsBuilder, Transport};
use cloakroom_browsers::Driver;
use cloakroom_testkit::ManualClock;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::gate::{Exchange, Gate};
use crate::pages::{self, Visitor};

/// What outlives a server: sessions, the time, and what was reported.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    store: Arc<MemoryStore>,
    pub(crate) clock: ManualClock,
    cookie: CookiePolicy,
    events: Events,
}

impl Backend {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        // Browsers have clocks, too.
        clock.set(SystemClock.now());
        let (cookie, events) = (CookiePolicy::default(), Events::default());
        Self { store: Arc::new(MemoryStore::new()), clock, cookie, events }
    }

    /// With another cookie.
    pub(crate) fn with_cookie(self, cookie: CookiePolicy) -> Self {
        Self { cookie, ..self }
    }

    pub(crate) fn store(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.store)
    }

    /// The builder with this clock, this cookie and these events.
    pub(crate) fn adjust(&self, builder: SessionsBuilder<Visitor>) -> SessionsBuilder<Visitor> {
        let builder = builder.transport(Transport::cookie(self.cookie.clone()));
        builder.clock(self.clock.clone()).observer(self.events.clone())
    }

    /// How many sessions there are.
    pub(crate) fn records(&self) -> usize {
        self.store.len()
    }

    /// The names of the events so far.
    pub(crate) fn events(&self) -> Vec<String> {
        self.events.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Clone, Debug, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        let text = format!("{event:?}");
        let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }
}

/// The path of a page with this content.
pub(crate) fn page_at(html: &str) -> String {
    let mut path = "/page?html=".to_owned();
    for byte in html.bytes() {
        write!(path, "%{byte:02x}").expect("a String takes everything");
    }
    path
}

/// An application with sessions on a free port, and pages of other sites on the same port. It runs
/// until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) backend: Backend,
    gate: Gate,
    port: u16,
    runtime: Runtime,
}

impl Server {
    /// With the default cookie, `__Host-id`.
    pub(crate) fn start() -> Self {
        Self::with_cookie(CookiePolicy::default())
    }

    pub(crate) fn with_cookie(policy: CookiePolicy) -> Self {
        Self::on(&Backend::new().with_cookie(policy), |builder| builder)
    }

    /// With the sessions of another server, or a policy of its own.
    pub(crate) fn on(
        backend: &Backend,
        adjust: impl FnOnce(SessionsBuilder<Visitor>) -> SessionsBuilder<Visitor>,
    ) -> Self {
        let builder = backend.adjust(Sessions::builder(backend.store()));
        let sessions = adjust(builder).build().expect("the policy is valid");
        let gate = Gate::new();
        let app = pages::application()
            .layer(SessionLayer::new(sessions).redirect_withheld("/again"))
            .merge(pages::static_pages())
            .layer(from_fn_with_state(gate.clone(), Gate::pass))
            .layer(Extension(gate.clone()));
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        runtime.spawn(async { axum::serve(listener, app).await });
        Self { backend: backend.clone(), gate, port, runtime }
    }

    /// The URL of a page at this host.
    pub(crate) fn at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// The URL of one of the application's pages.
    pub(crate) fn url(&self, path: &str) -> String {
        self.at("localhost", path)
    }

    /// The URL of a page with this content at another site.
    pub(crate) fn foreign(&self, html: &str) -> String {
        self.page("127.0.0.1", html)
    }

    /// The URL of a page with this content.
    pub(crate) fn page(&self, host: &str, html: &str) -> String {
        self.at(host, &page_at(html))
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.backend.clock.advance(span);
    }

    /// Waits until the request or response of this name is held back.
    pub(crate) fn wait_for(&self, name: &str) {
        self.runtime.block_on(self.gate.wait_for(name));
    }

    pub(crate) fn release(&self, name: &str) {
        self.gate.release(name);
    }

    /// Waits for the `count`-th request of this path to be answered, and returns it.
    pub(crate) fn exchange(&self, path: &str, count: usize) -> Exchange {
        self.runtime.block_on(self.gate.exchange(path, count))
    }

    /// The requests of this path that were answered so far.
    pub(crate) fn exchanges(&self, path: &str) -> Vec<Exchange> {
        self.gate.exchanges(path)
    }

    /// Signs in with the form, at `localhost`.
    pub(crate) fn sign_in(&self, driver: &Driver, name: &str) {
        driver.go(&self.url("/login"));
        driver.type_into("#name", name);
        driver.click("#login button");
        assert_eq!(driver.text("#who"), name);
    }
}
