//! The operator's sign-in: the first browser to open the printed URL.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::http::SameSite;
use cloakroom::{
    Lifetime, MemoryStore, Principal, Session, SessionKind, SessionLayer, Sessions, Transport,
};
use serde::{Deserialize, Serialize};

use super::site::Site;
use super::token::{self, MINUTES, Presented, Tokens};
use super::{AdminServer, view};
use crate::terminal;

/// The kind of operators' sessions. They are in this process's memory: no visitor's key opens one.
pub(super) struct OperatorKind;

impl SessionKind for OperatorKind {
    const NAME: &'static str = "operator";
}

/// The value of an operator's session: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Operator {}

/// The address that signs one browser in, and the operators' sessions.
///
/// # Security
/// Browsers send a cookie to every port of its host (RFC 6265 section 8.5), so any other server on
/// this machine would be sent the operator's key. Therefore all pages are under a random path, and
/// the cookie is for that path only: a server that cannot guess the path is not sent the key.
///
/// A random name under `.localhost` would do the same, and Chromium, Firefox and curl take every
/// such name for this machine by themselves. Safari and most programs ask the system, which in many
/// versions does not know these names.
pub(super) struct Auth {
    site: Site,
    /// The random path: `/` and 32 hexadecimal digits.
    path: String,
    tokens: Mutex<Tokens>,
    operators: Sessions<Operator, OperatorKind>,
}

impl Auth {
    pub(super) fn new(site: Site) -> Result<Self, Box<dyn Error>> {
        let path = format!("/{}", token::random()?);
        let cookie = site.cookie().with_path(&path);
        let operators = Sessions::builder(MemoryStore::bounded(1_000, 1 << 20))
            .lifetime(Lifetime::default().until_browser_closes())
            .transport(Transport::cookie(cookie.with_same_site(SameSite::Strict)))
            .build()?;
        Ok(Self { site, path, tokens: Mutex::default(), operators })
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// The path that all pages are under, without a slash at the end.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn layer(&self) -> SessionLayer<Operator, OperatorKind> {
        SessionLayer::new(self.operators.clone())
    }

    /// A URL that signs its first visitor in, within some minutes. `None` while there is another.
    pub(super) fn new_login_url(&self) -> io::Result<Option<String>> {
        let token = self.tokens().issue(self.operators.now())?;
        Ok(token.map(|token| self.site.url(&format!("{}/login?token={token}", self.path))))
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    token: String,
}

/// Signs the operator in, if the token has not been used.
///
/// A browser that fetches the page before anyone has asked for it is refused, and the token stays
/// valid.
pub(super) async fn login(
    State(server): State<AdminServer>,
    mut session: Session<Operator, OperatorKind>,
    Query(query): Query<LoginQuery>,
    headers: HeaderMap,
) -> Result<Response, cloakroom::Error> {
    if is_speculative(&headers) {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    if session.principal().is_some() {
        return Ok(Redirect::to("./").into_response());
    }
    let presented = server.auth.tokens().redeem(&query.token, server.auth.operators.now());
    match presented {
        Presented::Accepted => {}
        Presented::Unknown => return Ok(forbidden()),
        Presented::UsedBefore | Presented::Expired => return Ok(too_late(&server, presented)),
    }
    let Ok(operator) = Principal::new("operator") else { return Ok(forbidden()) };
    if let Err(error) = session.login(&operator).await {
        // Refused, as one that another site's page makes in the background is.
        server.auth.tokens().restore(&query.token);
        return Err(error);
    }
    if is_direct(&headers) {
        return Ok(Redirect::to("./").into_response());
    }
    // A page, not a redirect: a browser that followed a link from elsewhere does not send a Strict
    // cookie with the redirected request.
    Ok(view::logged_in().into_response())
}

/// True if no other site led to this request, so that a redirect has the cookie.
fn is_direct(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "none" || site == "same-origin")
}

/// Tells the visitor what became of the address, and the operator how to get in.
///
/// # Security
/// A new address is printed only to a terminal. A log can be read by others, who could open the old
/// address to have a new one written there.
fn too_late(server: &AdminServer, presented: Presented) -> Response {
    let is_used = presented == Presented::UsedBefore;
    let has_terminal = io::stderr().is_terminal();
    if has_terminal {
        if let Ok(Some(url)) = server.auth.new_login_url() {
            let fate = if is_used { "used" } else { "expired" };
            terminal::message(&format!(
                "someone opened an address that was {fate}; a new one, for {MINUTES} minutes: {url}"
            ));
        }
    }
    (StatusCode::GONE, view::too_late(is_used, has_terminal)).into_response()
}

/// Signs the operator out.
pub(super) async fn logout(
    mut session: Session<Operator, OperatorKind>,
) -> Result<Response, cloakroom::Error> {
    session.logout().await?;
    Ok(view::logged_out().into_response())
}

/// True if a browser loads the page in case it is wanted: `Sec-Purpose` is the standard's header
/// (Fetch, "HTTP header fields"), and the others are those of older browsers.
fn is_speculative(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| headers.contains_key(*name))
}

/// Answers 403 to anyone but the operator.
pub(super) async fn require_operator(
    session: Session<Operator, OperatorKind>,
    request: Request,
    next: Next,
) -> Response {
    if session.principal().is_some() { next.run(request).await } else { forbidden() }
}

fn forbidden() -> Response {
    (StatusCode::FORBIDDEN, view::forbidden()).into_response()
}
