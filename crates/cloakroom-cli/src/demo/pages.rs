//! The site for people. Looking writes nothing; forms do, and send the browser back to look.

use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::{Error, PublicId, Session, Sessions};
use maud::Markup;
use serde::Deserialize;

use super::here::Here;
use super::users::Credentials;
use super::visitor::Visitor;
use super::{answer, device, view};

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
        .route("/export", get(export).post(prove))
        .route("/logout/others", post(logout_others))
        .route("/logout/everywhere", post(logout_everywhere))
        .route("/goodbye", get(async || view::goodbye()))
        .route("/style.css", get(async || file("text/css", include_str!("style.css"))))
        .route("/favicon.ico", get(async || file("image/svg+xml", include_str!("favicon.svg"))))
}

async fn home(session: Session<Visitor>) -> Markup {
    view::home(&session, None)
}

async fn visit(Here(mut session): Here) -> Result<Redirect, Error> {
    session.update(Visitor::count).await?;
    Ok(back())
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn add(Here(mut session): Here, Form(new): Form<Item>) -> Result<Response, Error> {
    Ok(match session.try_update(|visitor| visitor.add(&new.item)).await? {
        Ok(()) => back().into_response(),
        Err(refusal) => {
            let page = view::home(&session, Some(&format!("Not added: {refusal}.")));
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    })
}

async fn remove(Here(mut session): Here, Form(old): Form<Item>) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.remove(&old.item)).await?;
    Ok(back())
}

async fn empty(Here(mut session): Here) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.cart.clear()).await?;
    Ok(back())
}

/// Signing in needs no session to begin with, so whoever was signed out meanwhile may do it at once.
async fn login(
    sessions: Sessions<Visitor>,
    mut session: Session<Visitor>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Error> {
    let Some(login) = credentials.login(sessions.now()) else {
        let page = view::home(&session, Some("Not signed in: wrong name or password."));
        return Ok(answer::challenge(page));
    };
    session.login(login).await?;
    Ok(back().into_response())
}

async fn logout(Here(mut session): Here) -> Result<Redirect, Error> {
    session.logout().await?;
    Ok(Redirect::to("/goodbye"))
}

async fn devices(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
) -> Result<Response, Error> {
    if session.principal().is_none() {
        return Ok(match session.no_session() {
            Some(no_session) if view::farewell(no_session).is_some() => {
                view::signed_out(no_session).into_response()
            }
            _ => back().into_response(),
        });
    }
    Ok(view::devices(&device::all(&sessions, &session).await?, sessions.now()).into_response())
}

#[derive(Deserialize)]
struct Label {
    label: String,
}

async fn rename(Here(mut session): Here, Form(new): Form<Label>) -> Result<Redirect, Error> {
    if session.exists() {
        session.set_label(&new.label).await?;
    }
    Ok(Redirect::to("/devices"))
}

/// A sensitive page: whoever signed in a while ago is asked again, and comes back here.
async fn export(Here(mut session): Here) -> Result<Response, Error> {
    match session.require(super::SENSITIVE).await {
        Ok(()) => Ok(view::export(&session).into_response()),
        Err(error) if error.auth_shortfall().is_some() => {
            Ok(answer::challenge(view::sign_in_again(&session)))
        }
        Err(error) => Err(error),
    }
}

/// The same after another look at the password.
async fn prove(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
    credentials: Form<Credentials>,
) -> Result<Response, Error> {
    let signed_in = login(sessions, session, credentials).await?;
    Ok(if signed_in.status() == StatusCode::SEE_OTHER {
        Redirect::to("/export").into_response()
    } else {
        signed_in
    })
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

async fn logout_one(Here(mut session): Here, Form(which): Form<Named>) -> Result<Redirect, Error> {
    // One that is gone already is what was wanted.
    if let Ok(id) = which.id.parse::<PublicId>() {
        session.logout_other(id).await?;
    }
    Ok(Redirect::to(if !session.exists() { "/goodbye" } else { "/devices" }))
}

async fn logout_others(Here(mut session): Here) -> Result<Redirect, Error> {
    session.logout_others().await?;
    Ok(Redirect::to("/devices"))
}

async fn logout_everywhere(Here(mut session): Here) -> Result<Redirect, Error> {
    session.logout_everywhere().await?;
    Ok(Redirect::to("/goodbye"))
}

/// The browser looks at the page anew, so that reloading it sends no form twice.
fn back() -> Redirect {
    Redirect::to("/")
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}
