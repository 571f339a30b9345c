//! Where a test holds requests and responses back.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long anything is waited for: after that, the test fails.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What happens, in a form that a test can wait for. Clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate(watch::Sender<Happened>);

#[derive(Debug, Default)]
struct Happened {
    arrived: HashSet<String>,
    released: HashSet<String>,
    exchanges: Vec<Exchange>,
}

/// A request and its response, as far as sessions are concerned.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) path: String,
    pub(crate) status: u16,
    /// The request's headers, by name.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) set_cookie: Vec<String>,
}

impl Exchange {
    /// The values of a header of the request.
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(found, _)| found == name);
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Which name a request is held back under: before its handler, or once its handler has answered.
#[derive(Deserialize)]
pub(crate) struct Held {
    delay: Option<String>,
    hold: Option<String>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Waits until the request or response of this name is held back.
    pub(crate) async fn wait_for(&self, name: &str) {
        self.wait_until(name, |happened| happened.arrived.contains(name)).await;
    }

    pub(crate) fn release(&self, name: &str) {
        self.0.send_modify(|happened| {
            happened.released.insert(name.into());
        });
    }

    /// Waits for the `count`-th request of this path to be answered, and returns it.
    pub(crate) async fn exchange(&self, path: &str, count: usize) -> Exchange {
        let find = |happened: &Happened| {
            let mut found = happened.exchanges.iter().filter(|exchange| exchange.path == path);
            found.nth(count - 1).cloned()
        };
        self.wait_until(path, |happened| find(happened).is_some()).await;
        find(&self.0.borrow()).expect("just seen")
    }

    /// The requests of this path that were answered so far.
    pub(crate) fn exchanges(&self, path: &str) -> Vec<Exchange> {
        let happened = self.0.borrow();
        happened.exchanges.iter().filter(|exchange| exchange.path == path).cloned().collect()
    }

    async fn wait_until(&self, what: &str, condition: impl Fn(&Happened) -> bool) {
        let mut receiver = self.0.subscribe();
        let waited = timeout(LONGEST_WAIT, receiver.wait_for(condition)).await.is_ok();
        assert!(waited, "{what} never happened: {:#?}", self.0.borrow());
    }

    /// Holds the caller back until the test releases this name.
    pub(crate) async fn hold(&self, name: &str) {
        self.0.send_modify(|happened| {
            happened.arrived.insert(name.into());
        });
        self.wait_until(name, |happened| happened.released.contains(name)).await;
    }

    /// A middleware that holds back what a request's query names, and writes down the exchange.
    pub(crate) async fn pass(
        State(gate): State<Self>,
        held: Query<Held>,
        request: Request,
        next: Next,
    ) -> Response {
        let path = request.uri().path().to_owned();
        let text = |value: &axum::http::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let pairs = request.headers().iter();
        let headers = pairs.map(|(name, value)| (name.to_string(), text(value))).collect();
        if path == "/favicon.ico" {
            return StatusCode::NOT_FOUND.into_response();
        }
        if let Some(name) = &held.delay {
            gate.hold(name).await;
        }
        let response = next.run(request).await;
        let set_cookie = response.headers().get_all("set-cookie").iter().map(text).collect();
        let status = response.status().as_u16();
        gate.0.send_modify(|happened| {
            happened.exchanges.push(Exchange { path, status, headers, set_cookie });
        });
        if let Some(name) = &held.hold {
            gate.hold(name).await;
        }
        response
    }
}
