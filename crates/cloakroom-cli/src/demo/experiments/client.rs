//! A client with one cookie, as the experiments need it: one that keeps old keys.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use cloakroom::{Error, Session, Sessions};

use super::super::visitor::Visitor;

/// The headers that a client sends with each request.
#[derive(Clone, Default)]
pub(super) struct Client {
    headers: HeaderMap,
}

impl Client {
    /// The client that sent a request with these headers, once it has the response.
    pub(super) fn after(request: &HeaderMap, session: &Session<Visitor>) -> Self {
        let mut client = Self { headers: request.clone() };
        client.receive(session);
        client
    }

    /// The session of one more request.
    pub(super) async fn request(
        &self,
        sessions: &Sessions<Visitor>,
    ) -> Result<Session<Visitor>, Error> {
        sessions.request_session().session(&self.headers).await
    }

    /// Takes the cookie out of a response, if it has one.
    pub(super) fn receive(&mut self, session: &Session<Visitor>) {
        let headers = session.headers();
        let set_cookie = headers.iter().find(|(name, _)| name == SET_COOKIE);
        let cookie = set_cookie.as_ref().and_then(|(_, value)| {
            HeaderValue::from_bytes(value.as_bytes().split(|byte| *byte == b';').next()?).ok()
        });
        if let Some(cookie) = cookie {
            self.headers.insert(COOKIE, cookie);
        }
    }
}
