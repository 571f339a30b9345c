//! The operator's sign-in: the first browser to open the printed URL.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
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
pub(super) struct Auth {
    address: SocketAddr,
    /// `None` once it was used.
    token: Mutex<Option<String>>,
    operators: Sessions<Operator, OperatorKind>,
}

impl Auth {
    pub(super) fn new(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let mut bytes = [0; 16];
        OsEntropy.fill(&mut bytes)?;
        let token = format!("{:032x}", u128::from_be_bytes(bytes));
        // Cookies are shared by all ports of a host: two such pages must not sign each other out.
        let cookie = CookiePolicy::for_plain_http(format!("cloakroom-{}", address.port()));
        let operators = Sessions::builder(MemoryStore::bounded(1_000, 1 << 20))
            .lifetime(Lifetime::default().until_browser_closes())
            .transport(Transport::cookie(cookie.with_same_site(SameSite::Strict)))
            .build()?;
        Ok(Self { address, token: Mutex::new(Some(token)), operators })
    }

    /// The URL that signs its first visitor in.
    pub(super) fn login_url(&self) -> String {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        format!("http://{}/login?token={}", self.address, token.as_deref().unwrap_or_default())
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

#[derive(Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    token: String,
}

/// Signs the operator in, if the token has not been used.
pub(super) async fn login(
    State(server): State<AdminServer>,
    mut session: Session<Operator, OperatorKind>,
    Query(query): Query<LoginQuery>,
) -> Result<Response, cloakroom::Error> {
    if session.principal().is_some() {
        return Ok(Redirect::to("/").into_response());
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
        let token = url.strip_prefix("http://127.0.0.1:4000/login?token=").unwrap().to_owned();
        assert_eq!(token.len(), 32);
        assert!(!auth.redeem("") && !auth.redeem(&token[1..]));
        assert!(auth.redeem(&token));
        assert!(!auth.redeem(&token) && !auth.redeem(""));
    }
}
