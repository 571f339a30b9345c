//! The operator's sign-in: the first browser to open the printed URL.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::http::SameSite;
use cloakroom::key::{Entropy, OsEntropy};
use cloakroom::{
    CookiePolicy, Lifetime, MemoryStore, Principal, Session, SessionKind, SessionLayer, Sessions,
    Transport,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{AdminServer, view};

/// The kind of operators' sessions. They are in this process's memory: no visitor's key opens one.
pub(super) struct OperatorKind;

impl SessionKind for OperatorKind {
    const NAME: &'static str = "operator";
}

/// The value of an operator's session: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Operator {}

/// A token that signs one browser in, and the operators' sessions.
///
/// # Security
/// Browsers send a cookie to every port of its host (RFC 6265 section 8.5), so any other server on
/// this machine would be sent the operator's key. Therefore all pages are under a random path, and
/// the cookie is for that path only: a server that cannot guess the path is not sent the key.
///
/// A random name under `.localhost` would do the same, but Safari and most programs cannot resolve
/// one.
pub(super) struct Auth {
    address: SocketAddr,
    /// The random path: `/` and 32 hexadecimal digits.
    path: String,
    /// `None` once it was used.
    token: Mutex<Option<String>>,
    operators: Sessions<Operator, OperatorKind>,
}

impl Auth {
    pub(super) fn new(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let (path, token) = (format!("/{}", random()?), random()?);
        let cookie = CookiePolicy::for_plain_http("cloakroom").with_path(&path);
        let operators = Sessions::builder(MemoryStore::bounded(1_000, 1 << 20))
            .lifetime(Lifetime::default().until_browser_closes())
            .transport(Transport::cookie(cookie.with_same_site(SameSite::Strict)))
            .build()?;
        Ok(Self { address, path, token: Mutex::new(Some(token)), operators })
    }

    /// The path that all pages are under, without a slash at the end.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The URL that signs its first visitor in.
    pub(super) fn login_url(&self) -> String {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let token = token.as_deref().unwrap_or_default();
        format!("http://{}{}/login?token={token}", self.address, self.path)
    }

    pub(super) fn layer(&self) -> SessionLayer<Operator, OperatorKind> {
        SessionLayer::new(self.operators.clone())
    }

    /// Uses up the token: true the first time it is presented.
    fn redeem(&self, presented: &str) -> bool {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right =
            token.as_ref().is_some_and(|token| token.as_bytes().ct_eq(presented.as_bytes()).into());
        if is_right {
            *token = None;
        }
        is_right
    }
}

/// 128 random bits as hexadecimal digits.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    OsEntropy.fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
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
    let Some(operator) =
        Principal::new("operator").ok().filter(|_| server.auth.redeem(&query.token))
    else {
        return Ok(forbidden());
    };
    session.login(&operator).await?;
    // A page, not a redirect: a browser that followed a link from elsewhere does not send a Strict
    // cookie with the redirected request.
    Ok(view::logged_in().into_response())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_signs_in_one_visitor() {
        let auth = Auth::new(([127, 0, 0, 1], 4000).into()).unwrap();
        let url = auth.login_url();
        let token = url.rsplit_once("/login?token=").unwrap().1.to_owned();
        assert!(url.starts_with("http://127.0.0.1:4000/") && token.len() == 32, "{url}");
        assert!(!auth.redeem("") && !auth.redeem(&token[1..]));
        assert!(auth.redeem(&token));
        assert!(!auth.redeem(&token) && !auth.redeem(""));
    }
}
