//! What the server was sent and what it answered.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;

/// A request and its response, as far as cookies are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The path that was asked for.
    pub path: String,
    /// The `Cookie` headers.
    pub cookie: Vec<String>,
    /// The `Set-Cookie` headers.
    pub set_cookie: Vec<String>,
}

/// All exchanges so far. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Exchange>>>);

impl Log {
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every key that was sent to the client, in the order of its first appearance.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for line in self.exchanges().iter().flat_map(|exchange| &exchange.set_cookie) {
            let pair = line.split(';').next().unwrap_or(line);
            let value = pair.split_once('=').map_or("", |(_, value)| value);
            if !value.is_empty() && !keys.iter().any(|key| key == value) {
                keys.push(value.to_owned());
            }
        }
        keys
    }

    /// A middleware that writes the log.
    pub(crate) async fn write(State(log): State<Self>, request: Request, next: Next) -> Response {
        let path = request.uri().path().to_owned();
        let cookie = texts(request.headers(), &header::COOKIE);
        let response = next.run(request).await;
        let set_cookie = texts(response.headers(), &header::SET_COOKIE);
        let exchange = Exchange { path, cookie, set_cookie };
        log.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        response
    }
}

fn texts(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}
