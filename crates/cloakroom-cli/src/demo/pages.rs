//! The pages. A GET writes nothing; a form does, and redirects the browser to a page.

use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::http::header::REFRESH;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::{Error, PublicId, Session, Sessions};
use serde::Deserialize;

use super::live_session::LiveSession;
use super::users::Credentials;
use super::visitor::Visitor;
use super::{device, experiments, response, view};
use crate::page::file;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/visit", post(visit))
        .route("/cart", post(add))
        .route("/cart/remove", post(remove))
        .route("/cart/empty", post(empty))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/devices", get(devices))
        .route("/devices/sign-out", post(logout_one))
        .route("/devices/name", post(rename))
        .route("/export", get(export).post(sign_in_to_export))
        .route("/logout/others", post(logout_others))
        .route("/logout/everywhere", post(logout_everywhere))
        .route("/goodbye", get(async || view::goodbye()))
        .route("/style.css", get(async || file("text/css", include_str!("style.css"))))
        .route("/favicon.ico", get(async || file("image/svg+xml", include_str!("favicon.svg"))))
}

async fn home(session: Session<Visitor>) -> impl IntoResponse {
    // Another URL than this page's: a browser would only scroll to the fragment.
    let reload = experiments::seconds_left(&session)
        .map(|seconds| [(REFRESH, format!("{}; url=/?expired#expiry-result", seconds + 1))]);
    (reload, view::home(&session, None))
}

async fn visit(LiveSession(mut session): LiveSession) -> Result<Redirect, Error> {
    session.update(Visitor::count_visit).await?;
    Ok(to_home())
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn add(
    LiveSession(mut session): LiveSession,
    Form(new): Form<Item>,
) -> Result<Response, Error> {
    Ok(match session.try_update(|visitor| visitor.add(&new.item)).await? {
        Ok(()) => to_home().into_response(),
        Err(error) => {
            let page = view::home(&session, Some(&format!("Not added: {error}.")));
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    })
}

async fn remove(
    LiveSession(mut session): LiveSession,
    Form(old): Form<Item>,
) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.remove(&old.item)).await?;
    Ok(to_home())
}

async fn empty(LiveSession(mut session): LiveSession) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.cart.clear()).await?;
    Ok(to_home())
}

/// Signing in needs no live session: a visitor whose session has ended can sign in at once.
async fn login(
    sessions: Sessions<Visitor>,
    mut session: Session<Visitor>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Error> {
    let Some(login) = credentials.login(sessions.now()) else {
        let page = view::home(&session, Some("Not signed in: wrong name or password."));
        return Ok(response::unauthorized(page));
    };
    session.login(login).await?;
    Ok(to_home().into_response())
}

async fn logout(LiveSession(mut session): LiveSession) -> Result<Redirect, Error> {
    session.logout().await?;
    Ok(Redirect::to("/goodbye"))
}

async fn devices(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
) -> Result<Response, Error> {
    if session.principal().is_none() {
        return Ok(match session.no_session() {
            Some(no_session) if view::end_notice(no_session).is_some() => {
                view::session_ended(no_session).into_response()
            }
            _ => to_home().into_response(),
        });
    }
    Ok(view::devices(&device::all(&sessions, &session).await?, sessions.now()).into_response())
}

#[derive(Deserialize)]
struct Label {
    label: String,
}

async fn rename(
    LiveSession(mut session): LiveSession,
    Form(new): Form<Label>,
) -> Result<Redirect, Error> {
    if session.exists() {
        session.set_label(&new.label).await?;
    }
    Ok(Redirect::to("/devices"))
}

/// The visitor's data, after a recent sign-in; otherwise a sign-in form that leads back here.
async fn export(LiveSession(mut session): LiveSession) -> Result<Response, Error> {
    match session.require(super::RECENT_SIGN_IN).await {
        Ok(()) => Ok(view::export(&session).into_response()),
        Err(error) if error.auth_shortfall().is_some() => {
            Ok(response::unauthorized(view::sign_in_again(&session)))
        }
        Err(error) => Err(error),
    }
}

async fn sign_in_to_export(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
    credentials: Form<Credentials>,
) -> Result<Response, Error> {
    let response = login(sessions, session, credentials).await?;
    Ok(if response.status() == StatusCode::SEE_OTHER {
        Redirect::to("/export").into_response()
    } else {
        response
    })
}

#[derive(Deserialize)]
struct Device {
    id: String,
}

async fn logout_one(
    LiveSession(mut session): LiveSession,
    Form(device): Form<Device>,
) -> Result<Redirect, Error> {
    // A device that is signed out already needs no error.
    if let Ok(id) = device.id.parse::<PublicId>() {
        session.logout_other(id).await?;
    }
    Ok(Redirect::to(if session.exists() { "/devices" } else { "/goodbye" }))
}

async fn logout_others(LiveSession(mut session): LiveSession) -> Result<Redirect, Error> {
    session.logout_others().await?;
    Ok(Redirect::to("/devices"))
}

async fn logout_everywhere(LiveSession(mut session): LiveSession) -> Result<Redirect, Error> {
    session.logout_everywhere().await?;
    Ok(Redirect::to("/goodbye"))
}

/// A redirect (303), so that reloading the page does not submit the form again.
fn to_home() -> Redirect {
    Redirect::to("/")
}
