//! The same site for programs, in JSON.

use axum::Router;
use axum::extract::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cloakroom::{Error, Principal, Session, Sessions};
use serde::{Deserialize, Serialize};

use super::answer;
use super::users::Credentials;
use super::visitor::Visitor;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/api/session", get(show))
        .route("/api/visit", post(visit))
        .route("/api/cart", post(add))
        .route("/api/login", post(login))
        .route("/api/logout", post(logout))
        .route("/healthz", get(health))
}

/// True if whoever asks for `path` expects JSON.
pub(super) fn owns(path: &str) -> bool {
    path.starts_with("/api/") || path == "/healthz"
}

#[derive(Serialize)]
struct State<'a> {
    visits: u64,
    cart: &'a [String],
    principal: Option<&'a str>,
    /// Whole seconds; 0 if there is no session.
    expires_in: u64,
}

fn state(session: &Session<Visitor>) -> Response {
    Json(State {
        visits: session.visits,
        cart: &session.cart,
        principal: session.principal().map(Principal::as_str),
        expires_in: session.expires_in().as_secs(),
    })
    .into_response()
}

async fn show(session: Session<Visitor>) -> Response {
    state(&session)
}

async fn visit(mut session: Session<Visitor>) -> Result<Response, Error> {
    session.update(Visitor::count).await?;
    Ok(state(&session))
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn add(mut session: Session<Visitor>, Json(new): Json<Item>) -> Result<Response, Error> {
    Ok(match session.try_update(|visitor| visitor.add(&new.item)).await? {
        Ok(()) => state(&session),
        Err(refusal) => answer::error(StatusCode::UNPROCESSABLE_ENTITY, &refusal.to_string()),
    })
}

async fn login(
    mut session: Session<Visitor>,
    Json(credentials): Json<Credentials>,
) -> Result<Response, Error> {
    let Some(principal) = credentials.principal() else {
        let error = answer::error(StatusCode::UNAUTHORIZED, "wrong name or password");
        return Ok(answer::challenge(error));
    };
    session.login(&principal).await?;
    Ok(state(&session))
}

async fn logout(mut session: Session<Visitor>) -> Result<Response, Error> {
    session.logout().await?;
    Ok(state(&session))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

async fn health(sessions: Sessions<Visitor>) -> Result<Json<Health>, StatusCode> {
    match sessions.health().await {
        Ok(()) => Ok(Json(Health { status: "ok" })),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}
