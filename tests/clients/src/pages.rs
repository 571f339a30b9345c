//! The application's pages, and those that only the tests have.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use cloakroom::{Error, Key, Principal, Session, Sessions};
use cloakroom_testkit::ManualClock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::log::Log;

/// How long a request waits for its pair: a client that never sends one gets an error.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The session's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    visits: u64,
}

/// What the tests' own pages need.
#[derive(Clone)]
pub(crate) struct Controls {
    pub(crate) sessions: Sessions<Visitor>,
    pub(crate) clock: ManualClock,
    pub(crate) log: Log,
    pub(crate) pair: Arc<Barrier>,
}

/// What an application has.
pub(crate) fn application() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/visit", get(visit))
        .route("/login", get(login_form).post(login))
        .route("/logout", post(logout))
}

/// What lets a client play through hours in a second.
pub(crate) fn controls(controls: Controls) -> Router {
    Router::new()
        .route("/together", get(visit))
        .route_layer(from_fn_with_state(controls.clone(), wait_for_another))
        .route("/clock", post(advance))
        .route("/keys", get(keys))
        .with_state(controls)
}

async fn home(session: Session<Visitor>) -> Json<Value> {
    seen(&session)
}

async fn visit(mut session: Session<Visitor>) -> Result<Json<Value>, Error> {
    session.update(|visitor| visitor.visits += 1).await?;
    Ok(seen(&session))
}

async fn login_form(mut session: Session<Visitor>) -> Result<Html<String>, Error> {
    let token = session.csrf_token("login").await?;
    Ok(Html(format!(
        r#"<!doctype html>
<form method="post">
<input type="hidden" name="token" value="{token}">
<input name="name"> <button>Sign in</button>
</form>
"#
    )))
}

#[derive(Deserialize)]
struct Login {
    name: String,
    token: String,
}

async fn login(mut session: Session<Visitor>, Form(form): Form<Login>) -> Result<Response, Error> {
    session.check_csrf("login", &form.token)?;
    let Ok(name) = Principal::new(form.name) else {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    };
    session.login(&name).await?;
    Ok(Redirect::to("/").into_response())
}

async fn logout(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.logout().await?;
    Ok(Redirect::to("/"))
}

fn seen(session: &Session<Visitor>) -> Json<Value> {
    let name = session.principal().map(ToString::to_string);
    Json(json!({ "visits": session.value().visits, "name": name }))
}

#[derive(Deserialize)]
struct Span {
    minutes: u64,
}

/// Moves the server's clock.
async fn advance(State(controls): State<Controls>, Form(span): Form<Span>) -> StatusCode {
    controls.clock.advance(Duration::from_secs(60 * span.minutes));
    StatusCode::NO_CONTENT
}

/// What each key that the client was given is now.
async fn keys(State(controls): State<Controls>) -> Json<Vec<String>> {
    let mut keys = Vec::new();
    for text in controls.log.keys() {
        let key: Key = text.parse().expect("the server made it");
        keys.push(match controls.sessions.of_key(&key).await {
            Ok(_) => "valid".into(),
            Err(error) => {
                error.no_session().map_or_else(|| error.to_string(), |it| format!("{it:?}"))
            }
        });
    }
    Json(keys)
}

/// Lets requests pass in pairs, so that both have arrived before either opens its session.
async fn wait_for_another(
    State(controls): State<Controls>,
    request: Request,
    next: Next,
) -> Response {
    match timeout(LONGEST_WAIT, controls.pair.wait()).await {
        Ok(_) => next.run(request).await,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
