//! The site for people. Looking writes nothing; forms do, and send the browser back to look.

use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::{Error, Session, Sessions};
use maud::Markup;
use serde::Deserialize;

use super::users::Credentials;
use super::visitor::Visitor;
use super::{answer, view};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/visit", post(visit))
        .route("/cart", post(add))
        .route("/cart/remove", post(remove))
        .route("/cart/empty", post(empty))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/logout/everywhere", post(logout_everywhere))
        .route("/goodbye", get(async || view::goodbye()))
        .route("/style.css", get(async || file("text/css", include_str!("style.css"))))
        .route("/favicon.ico", get(async || file("image/svg+xml", include_str!("favicon.svg"))))
}

async fn home(session: Session<Visitor>) -> Markup {
    view::home(&session, None)
}

async fn visit(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.update(Visitor::count).await?;
    Ok(back())
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn add(mut session: Session<Visitor>, Form(new): Form<Item>) -> Result<Response, Error> {
    Ok(match session.try_update(|visitor| visitor.add(&new.item)).await? {
        Ok(()) => back().into_response(),
        Err(refusal) => {
            let page = view::home(&session, Some(&format!("Not added: {refusal}.")));
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    })
}

async fn remove(mut session: Session<Visitor>, Form(old): Form<Item>) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.remove(&old.item)).await?;
    Ok(back())
}

async fn empty(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.cart.clear()).await?;
    Ok(back())
}

async fn login(
    mut session: Session<Visitor>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Error> {
    let Some(principal) = credentials.principal() else {
        let page = view::home(&session, Some("Not signed in: wrong name or password."));
        return Ok(answer::challenge(page));
    };
    session.login(&principal).await?;
    Ok(back().into_response())
}

async fn logout(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.logout().await?;
    Ok(Redirect::to("/goodbye"))
}

async fn logout_everywhere(
    sessions: Sessions<Visitor>,
    session: Session<Visitor>,
) -> Result<Redirect, Error> {
    if let Some(principal) = session.principal() {
        sessions.revoke_all(principal).await?;
    }
    // This session is over as any other of theirs: the page tells why, and takes the cookie away.
    Ok(back())
}

/// The browser looks at the page anew, so that reloading it sends no form twice.
fn back() -> Redirect {
    Redirect::to("/")
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}
