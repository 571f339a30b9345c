//! The JSON API.

use axum::Router;
use axum::extract::{Json, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use cloakroom::{Error, NoSession, Principal, PublicId, Session, Sessions};
use serde::{Deserialize, Serialize};

use super::users::Credentials;
use super::visitor::Visitor;
use super::{device, response};
use crate::time;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/api/session", get(show))
        .route("/api/visit", post(visit))
        .route("/api/cart", post(add))
        .route("/api/login", post(login))
        .route("/api/logout", post(logout))
        .route("/api/logout-others", post(logout_others))
        .route("/api/logout-everywhere", post(logout_everywhere))
        .route("/api/devices", get(devices))
        .route("/api/devices/{id}", delete(logout_one))
        .route("/api/export", get(export))
        .route("/healthz", get(health))
}

/// Whether errors at this path are JSON.
pub(super) fn has_path(path: &str) -> bool {
    path.starts_with("/api/") || path == "/healthz"
}

#[derive(Serialize)]
struct State<'a> {
    visits: u64,
    cart: &'a [String],
    principal: Option<&'a str>,
    /// In seconds; 0 if there is no session.
    expires_in: u64,
    /// Why the session of the client's key was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

impl<'a> State<'a> {
    fn of(session: &'a Session<Visitor>) -> Self {
        Self {
            visits: session.value().visits,
            cart: &session.value().cart,
            principal: session.principal().map(Principal::as_str),
            expires_in: session.expires_in().as_secs(),
            ended: None,
        }
    }
}

fn state(session: &Session<Visitor>) -> Response {
    Json(State::of(session)).into_response()
}

async fn show(session: Session<Visitor>) -> Response {
    let ended = match session.no_session() {
        Some(NoSession::Ended(reason)) => Some(reason.to_string()),
        _ => None,
    };
    Json(State { ended, ..State::of(&session) }).into_response()
}

async fn visit(mut session: Session<Visitor>) -> Result<Response, Error> {
    session.update(Visitor::count_visit).await?;
    Ok(state(&session))
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn add(mut session: Session<Visitor>, Json(new): Json<Item>) -> Result<Response, Error> {
    Ok(match session.try_update(|visitor| visitor.add(&new.item)).await? {
        Ok(()) => state(&session),
        Err(error) => response::error(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    })
}

async fn login(
    sessions: Sessions<Visitor>,
    mut session: Session<Visitor>,
    Json(credentials): Json<Credentials>,
) -> Result<Response, Error> {
    let Some(login) = credentials.login(sessions.now()) else {
        return Ok(unauthorized("wrong name or password"));
    };
    session.login(login).await?;
    Ok(state(&session))
}

async fn logout(mut session: Session<Visitor>) -> Result<Response, Error> {
    session.logout().await?;
    Ok(state(&session))
}

/// How many sessions an operation ended.
#[derive(Serialize)]
struct Ended {
    ended: usize,
}

async fn logout_others(mut session: Session<Visitor>) -> Result<Response, Error> {
    if session.principal().is_none() {
        return Ok(not_signed_in());
    }
    let ended = session.logout_others().await?;
    Ok(Json(Ended { ended }).into_response())
}

async fn logout_everywhere(mut session: Session<Visitor>) -> Result<Response, Error> {
    if session.principal().is_none() {
        return Ok(not_signed_in());
    }
    let others = session.logout_everywhere().await?;
    Ok(Json(Ended { ended: others + 1 }).into_response())
}

/// Times are in RFC 3339, UTC.
#[derive(Serialize)]
struct Device {
    id: String,
    current: bool,
    created: Option<String>,
    last_seen: Option<String>,
    client: String,
    label: Option<String>,
    address: Option<String>,
}

async fn devices(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
) -> Result<Response, Error> {
    if session.principal().is_none() {
        return Ok(not_signed_in());
    }
    let devices: Vec<Device> = device::all(&sessions, &session)
        .await?
        .into_iter()
        .map(|device| Device {
            id: device.id.to_string(),
            current: device.current,
            created: time::rfc3339(device.created),
            last_seen: time::rfc3339(device.last_seen),
            client: device.client,
            label: device.label,
            address: device.address,
        })
        .collect();
    Ok(Json(devices).into_response())
}

async fn logout_one(
    mut session: Session<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    if session.principal().is_none() {
        return Ok(not_signed_in());
    }
    let ended = match id.parse::<PublicId>() {
        Ok(id) => session.logout_other(id).await?,
        Err(_) => false,
    };
    Ok(if ended {
        StatusCode::NO_CONTENT.into_response()
    } else {
        response::error(StatusCode::NOT_FOUND, "you have no such session")
    })
}

/// The visitor's data, after a recent sign-in.
async fn export(mut session: Session<Visitor>) -> Result<Response, Error> {
    match session.require(super::RECENT_SIGN_IN).await {
        Ok(()) => Ok(Json(session.value().clone()).into_response()),
        Err(error) => match error.auth_shortfall() {
            Some(shortfall) => Ok(unauthorized(&format!("sign in again: {shortfall}"))),
            None => Err(error),
        },
    }
}

fn not_signed_in() -> Response {
    unauthorized("not signed in")
}

fn unauthorized(text: &str) -> Response {
    response::unauthorized(response::error(StatusCode::UNAUTHORIZED, text))
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
