//! A visitor whose browser binds sessions, and the server that they visit.

use std::time::Duration;

use cloakroom::device_binding::{DeviceBinding, DeviceEndpoint};
use cloakroom::{Error, Login, NoSession, Session, SessionsBuilder, Store};
use http::{HeaderMap, Response, StatusCode};

use super::super::{Counter, TestSessions, alice, increment};
use crate::{Client, DeviceBrowser, DeviceRequest};

pub(super) const PAGE: &str = "https://shop.example/";

/// How long a bound cookie is good for.
pub(super) const LIFE: Duration = Duration::from_secs(10 * 60);

/// A visitor whose browser binds sessions, and the server that they visit.
pub(super) struct Visitor {
    pub(super) test: TestSessions,
    pub(super) browser: DeviceBrowser,
}

impl Visitor {
    /// A visitor without a session.
    pub(super) fn new(store: impl Store) -> Self {
        Self::with(store, |builder| builder)
    }

    pub(super) fn with(
        store: impl Store,
        adjust: impl FnOnce(SessionsBuilder<Counter>) -> SessionsBuilder<Counter>,
    ) -> Self {
        let offering = |builder: SessionsBuilder<_>| builder.device_binding(DeviceBinding::offer());
        let test = TestSessions::with(store, |builder| adjust(offering(builder)));
        let browser = DeviceBrowser::new().with_clock(test.clock.clone());
        Self { test, browser }
    }

    /// A visitor who has signed in, and whose session is bound and confirmed.
    pub(super) async fn bound(store: impl Store) -> Self {
        let mut visitor = Self::new(store);
        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());
        visitor
    }

    /// Signs in as Alice, and registers the device if asked to.
    pub(super) async fn sign_in(&mut self) -> Result<(), Error> {
        let (signed_in, response) = self.sign_in_with(&alice()).await;
        signed_in?;
        self.take_page(&response).await;
        Ok(())
    }

    /// The response to a sign-in, which has not arrived yet.
    pub(super) async fn sign_in_with(
        &self,
        login: impl Into<Login>,
    ) -> (Result<(), Error>, HeaderMap) {
        let login = login.into();
        self.request(self.browser.client(), async move |session| session.login(login).await).await
    }

    /// Visits a page, as browsers do: a bound cookie that is gone is refreshed before.
    ///
    /// Returns how often pages have been visited, or why there is no session.
    pub(super) async fn visit(&mut self) -> Result<u64, NoSession> {
        self.refresh_if_due().await;
        let (visited, response) = self.visit_with(self.browser.client()).await;
        self.take_page(&response).await;
        visited
    }

    /// What a page answers to a client with these cookies.
    pub(super) async fn visit_with(&self, client: &Client) -> (Result<u64, NoSession>, HeaderMap) {
        self.request(client, async |session| match session.no_session() {
            None => Ok(increment(session).await.unwrap()),
            Some(no_session) => Err(no_session),
        })
        .await
    }

    /// One request of a client with these cookies.
    pub(super) async fn request<R>(
        &self,
        client: &Client,
        handler: impl AsyncFnOnce(&mut Session<Counter>) -> R,
    ) -> (R, HeaderMap) {
        let mut headers = HeaderMap::new();
        if let Some(cookies) = client.cookies_for(PAGE) {
            headers.insert("cookie", cookies);
        }
        let request_session = self.test.sessions.request_session().with_method("POST");
        let mut session = request_session.session(&headers).await.unwrap();
        let result = handler(&mut session).await;
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        (result, response)
    }

    /// The browser takes a page's response, and does what it asks for.
    pub(super) async fn take_page(&mut self, response: &HeaderMap) {
        for registration in self.browser.receive(PAGE, response) {
            let answer = self.send(&registration).await;
            assert!(self.browser.take_answer(registration, &answer).is_none());
        }
    }

    /// Refreshes the bound cookie if it is gone, and signs the challenges that come back.
    pub(super) async fn refresh_if_due(&mut self) -> Option<StatusCode> {
        let due = self.browser.refresh_if_due(PAGE)?;
        Some(self.refresh(due).await)
    }

    /// Sends a refresh and what follows from its answer; the last status.
    pub(super) async fn refresh(&mut self, mut refresh: DeviceRequest) -> StatusCode {
        loop {
            let answer = self.send(&refresh).await;
            match self.browser.take_answer(refresh, &answer) {
                Some(next) => refresh = next,
                None => return answer.status(),
            }
        }
    }

    /// What the server answers to a request of the browser's own.
    pub(super) async fn send(&self, sent: &DeviceRequest) -> Response<String> {
        let request = sent.request();
        self.answer(request.uri().path(), request.headers()).await
    }

    pub(super) async fn answer(&self, path: &str, headers: &HeaderMap) -> Response<String> {
        let endpoint = self.test.sessions.device_endpoint(path).expect("an endpoint");
        self.test.sessions.answer_device(endpoint, "POST", headers).await
    }

    /// What the refresh endpoint answers to these headers and the browser's cookies.
    pub(super) async fn refresh_with(&self, headers: &[(&str, &str)]) -> Response<String> {
        let cookies = self.browser.client().cookies_for(PAGE);
        let cookies = cookies.as_ref().and_then(|cookies| cookies.to_str().ok());
        let mut headers = headers.to_vec();
        headers.extend(cookies.map(|cookies| ("cookie", cookies)));
        let refresh = DeviceEndpoint::Refresh;
        self.test.sessions.answer_device(refresh, "POST", headers.as_slice()).await
    }

    pub(super) fn wait(&self, span: Duration) {
        self.test.clock.advance(span);
    }

    /// Whether an event with this name was reported.
    pub(super) fn saw(&self, event: &str) -> bool {
        self.test.events().iter().any(|seen| seen.starts_with(event))
    }
}
