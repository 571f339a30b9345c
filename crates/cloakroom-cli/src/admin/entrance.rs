//! Who may come in: the first to open the address that was printed.

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

use super::{Office, view};

/// Operators' sessions are of a kind of their own, in this process's memory: no visitor's key opens one.
pub(super) struct Operators;

impl SessionKind for Operators {
    const NAME: &'static str = "operator";
}

/// Nothing is remembered of an operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Operator {}

/// Lets one browser in.
pub(crate) struct Entrance {
    site: SocketAddr,
    /// Gone once it was used.
    token: Mutex<Option<String>>,
    operators: Sessions<Operator, Operators>,
}

impl Entrance {
    pub(super) fn new(site: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let mut bytes = [0; 16];
        OsEntropy.fill(&mut bytes)?;
        let token = format!("{:032x}", u128::from_be_bytes(bytes));
        // Cookies know no ports: two such pages on one machine must not sign each other out.
        let cookie = CookiePolicy::for_plain_http(format!("cloakroom-{}", site.port()));
        let operators = Sessions::builder(MemoryStore::bounded(1_000, 1 << 20))
            .lifetime(Lifetime::default().until_browser_closes())
            .transport(Transport::cookie(cookie.with_same_site(SameSite::Strict)))
            .build()?;
        Ok(Self { site, token: Mutex::new(Some(token)), operators })
    }

    /// The address that lets its first visitor in.
    pub(crate) fn address(&self) -> String {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        format!("http://{}/enter?token={}", self.site, token.as_deref().unwrap_or_default())
    }

    pub(super) fn layer(&self) -> SessionLayer<Operator, Operators> {
        SessionLayer::new(self.operators.clone())
    }

    /// True once, for the right token.
    fn takes(&self, offered: &str) -> bool {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let right =
            token.as_ref().is_some_and(|token| token.as_bytes().ct_eq(offered.as_bytes()).into());
        if right {
            *token = None;
        }
        right
    }
}

#[derive(Deserialize)]
pub(super) struct Ticket {
    #[serde(default)]
    token: String,
}

/// Signs in whoever brings the token, and sends them to an address without it.
pub(super) async fn enter(
    State(office): State<Office>,
    mut session: Session<Operator, Operators>,
    Query(ticket): Query<Ticket>,
) -> Result<Response, cloakroom::Error> {
    if session.principal().is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let Some(operator) =
        Principal::new("operator").ok().filter(|_| office.entrance.takes(&ticket.token))
    else {
        return Ok(refused());
    };
    session.login(&operator).await?;
    // A page, not a redirect: a Strict cookie does not come along where another program's link led.
    Ok(view::entered().into_response())
}

/// Shows nobody anything who did not come in by the token.
pub(super) async fn operators_only(
    session: Session<Operator, Operators>,
    request: Request,
    next: Next,
) -> Response {
    if session.principal().is_some() { next.run(request).await } else { refused() }
}

fn refused() -> Response {
    (StatusCode::FORBIDDEN, view::closed()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lets_one_visitor_in() {
        let entrance = Entrance::new(([127, 0, 0, 1], 4000).into()).unwrap();
        let address = entrance.address();
        let token = address.strip_prefix("http://127.0.0.1:4000/enter?token=").unwrap().to_owned();
        assert_eq!(token.len(), 32);
        assert!(!entrance.takes("") && !entrance.takes(&token[1..]));
        assert!(entrance.takes(&token));
        assert!(!entrance.takes(&token) && !entrance.takes(""));
    }
}
