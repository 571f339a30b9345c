//! The routes of the operator's page. They are under a random path, so all links are relative.

use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::{Principal, PublicId};
use maud::Markup;
use serde::Deserialize;

use super::lookup::{self, Filter};
use super::{AdminServer, auth, view};
use crate::page::{self, file};

/// What anyone can request.
pub(super) fn public_routes() -> Router<AdminServer> {
    Router::new()
        // `get` alone would also run the handler for HEAD, which must not use up the token.
        .route("/login", get(auth::login).head(only_get))
        .route("/style.css", get(async || file("text/css", include_str!("../demo/style.css"))))
        .route("/admin.css", get(async || file("text/css", include_str!("admin.css"))))
}

/// Refuses HEAD (RFC 9110 section 15.5.6).
async fn only_get() -> impl IntoResponse {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")])
}

/// The icon, which browsers request at the root.
pub(super) fn icon() -> Router {
    const ICON: &str = include_str!("../demo/favicon.svg");
    Router::new().route("/favicon.ico", get(async || file("image/svg+xml", ICON)))
}

/// What only the operator can request.
pub(super) fn operator_routes() -> Router<AdminServer> {
    Router::new()
        .route("/", get(overview))
        .route("/admin.js", get(async || file("text/javascript", include_str!("admin.js"))))
        .route("/sessions", get(sessions))
        .route("/revoke", get(confirm).post(revoke))
        .route("/events", get(async || view::events()))
        .route("/logout", post(auth::logout))
}

/// The store could not be reached.
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

async fn overview(State(server): State<AdminServer>) -> Markup {
    view::overview(&server.stats.current())
}

/// A search, as the query string has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    age: String,
    after: String,
    /// The session that was just ended, or `all` of the principal searched for.
    ended: String,
}

impl Search {
    fn filter(&self) -> Option<Filter> {
        match (&*self.q, &*self.age) {
            ("", "") => Some(Filter::All),
            ("", age) => Filter::age(age),
            (text, _) => Filter::parse(text),
        }
    }

    /// What was just done, which brought the operator here.
    fn notice(&self, filter: &Filter) -> Option<String> {
        match (self.ended.parse::<PublicId>(), filter) {
            (Ok(id), _) => Some(format!("Session {id} was ended.")),
            (_, Filter::Principal(principal)) if self.ended == "all" => {
                Some(format!("All sessions of {principal} were ended."))
            }
            _ => None,
        }
    }
}

async fn sessions(
    State(server): State<AdminServer>,
    Query(search): Query<Search>,
) -> Result<Response, Unavailable> {
    let Some(filter) = search.filter() else {
        return Ok((StatusCode::BAD_REQUEST, view::invalid_search()).into_response());
    };
    let (now, after) = (server.sessions.now(), search.after.parse().ok());
    let (filter, results) = lookup::search(&*server.store, filter, after, now).await?;
    let notice = search.notice(&filter);
    Ok(view::sessions(&filter, &results, notice.as_deref(), now).into_response())
}

/// What to end: one session, or all of a principal's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    id: String,
    principal: String,
    /// The search that led to the session, to return to.
    q: String,
}

impl Target {
    fn filter(&self) -> Option<Filter> {
        match self.id.parse::<PublicId>() {
            Ok(id) => Some(Filter::Id(id)),
            Err(_) => Principal::new(&self.principal).ok().map(Filter::Principal),
        }
    }
}

/// Shows what would be ended, and asks for confirmation.
async fn confirm(
    State(server): State<AdminServer>,
    Query(target): Query<Target>,
) -> Result<Response, Unavailable> {
    let Some(filter) = target.filter() else { return Ok(StatusCode::BAD_REQUEST.into_response()) };
    let now = server.sessions.now();
    let results = lookup::find(&*server.store, &filter, None, now).await?;
    let from = if target.q.is_empty() { &target.principal } else { &target.q };
    Ok(view::confirm(&filter, &results, from, now).into_response())
}

async fn revoke(
    State(server): State<AdminServer>,
    Form(target): Form<Target>,
) -> Result<Response, Unavailable> {
    let list = match target.filter() {
        Some(Filter::Id(id)) => {
            server.sessions.revoke(id).await?;
            format!("sessions?q={}&ended={id}", view::encode(&target.q))
        }
        Some(Filter::Principal(principal)) => {
            // A millisecond later, to include sign-ins of this millisecond and those under way.
            let until = server.sessions.now().after(Duration::from_millis(1));
            server.sessions.revoke_issued_before(&principal, until).await?;
            format!("sessions?q={}&ended=all", view::encode(principal.as_str()))
        }
        _ => return Ok(StatusCode::BAD_REQUEST.into_response()),
    };
    Ok(Redirect::to(&list).into_response())
}

/// Sets the security headers. The policy allows the page's own script and nothing from elsewhere.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                       connect-src 'self'; form-action 'self'; base-uri 'none'; \
                       frame-ancestors 'none'";
    let mut response = next.run(request).await;
    page::harden(response.headers_mut(), CSP);
    response
}
