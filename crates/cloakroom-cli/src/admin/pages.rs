//! What an operator can ask for.

use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use cloakroom::{Principal, PublicId};
use serde::Deserialize;

use super::lookup::{self, Which};
use super::{Office, entrance, view};
use crate::page;

pub(super) fn to_everybody() -> Router<Office> {
    Router::new()
        .route("/enter", get(entrance::enter))
        .route("/style.css", get(async || file("text/css", include_str!("../demo/style.css"))))
        .route("/admin.css", get(async || file("text/css", include_str!("admin.css"))))
        .route(
            "/favicon.ico",
            get(async || file("image/svg+xml", include_str!("../demo/favicon.svg"))),
        )
}

pub(super) fn to_operators() -> Router<Office> {
    Router::new()
        .route("/", get(overview))
        .route("/admin.js", get(async || file("text/javascript", include_str!("admin.js"))))
        .route("/sessions", get(sessions))
        .route("/revoke", get(confirm).post(revoke))
        .route("/events", get(async || view::events()))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

/// The store can't be asked.
struct Unavailable;

impl<E: std::error::Error> From<E> for Unavailable {
    fn from(_: E) -> Self {
        Self
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, view::unavailable()).into_response()
    }
}

async fn overview(State(office): State<Office>) -> impl IntoResponse {
    view::overview(&office.census.now())
}

/// What an operator looks for, as the address says it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    age: String,
    after: String,
}

impl Search {
    fn which(&self) -> Option<Which> {
        match (&*self.q, &*self.age) {
            ("", "") => Some(Which::All),
            ("", age) => Which::aged(age),
            (typed, _) => Which::typed(typed),
        }
    }
}

async fn sessions(
    State(office): State<Office>,
    Query(search): Query<Search>,
) -> Result<Response, Unavailable> {
    let Some(which) = search.which() else {
        return Ok((StatusCode::BAD_REQUEST, view::nobody_is_called_that()).into_response());
    };
    let now = office.sessions.now();
    let found = lookup::find(&*office.store, &which, search.after.parse().ok(), now).await?;
    Ok(view::sessions(&which, &found, now).into_response())
}

/// Whom to end: one session, or all of somebody's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    id: String,
    principal: String,
}

impl Target {
    fn which(&self) -> Option<Which> {
        match self.id.parse::<PublicId>() {
            Ok(id) => Some(Which::One(id)),
            Err(_) => Principal::new(&self.principal).ok().map(Which::Of),
        }
    }
}

/// Shows what would be ended, before it is.
async fn confirm(
    State(office): State<Office>,
    Query(target): Query<Target>,
) -> Result<Response, Unavailable> {
    let Some(which) = target.which() else { return Ok(StatusCode::BAD_REQUEST.into_response()) };
    let now = office.sessions.now();
    let found = lookup::find(&*office.store, &which, None, now).await?;
    Ok(view::confirm(&which, &found, now).into_response())
}

async fn revoke(
    State(office): State<Office>,
    Form(target): Form<Target>,
) -> Result<Response, Unavailable> {
    match target.which() {
        Some(Which::One(id)) => office.sessions.revoke(id).await?,
        Some(Which::Of(principal)) => {
            // This moment's included, and also who is just signing in with a password that was checked before.
            let until = office.sessions.now().after(Duration::from_millis(1));
            office.sessions.revoke_issued_before(&principal, until).await?;
        }
        _ => return Ok(StatusCode::BAD_REQUEST.into_response()),
    }
    Ok(Redirect::to("/sessions").into_response())
}

/// Nothing from elsewhere, no frames, and one small script of our own.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let mut response = next.run(request).await;
    page::harden(response.headers_mut(), POLICY);
    response
}
