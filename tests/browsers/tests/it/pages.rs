//! The application's pages.

use std::sync::Arc;

use axum::extract::Query;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use cloakroom::http::CrossOriginProtection;
use cloakroom::{Error, Flash, Principal, Session};
use serde::{Deserialize, Serialize};
use tower_http::csrf::CsrfLayer;

use crate::gate::Gate;

/// The session's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    pub(crate) visits: u64,
    messages: Flash,
}

/// Pages that open the session.
pub(crate) fn application() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/again", get(home))
        .route("/visit", get(visit).post(visit))
        .route("/slow", post(slow))
        .route("/notice", post(notice))
        .route("/messages", get(messages))
        .route("/login", get(login_form).post(login))
        .route("/enter", post(enter))
        .route("/callback", get(callback))
        .route("/token", post(token))
        .route("/logout", post(logout))
        .route("/leave", post(leave))
        .merge(Router::new().route("/checked", post(visit)).layer(from_fn(check)))
        .merge(Router::new().route("/layered", post(visit)).layer(CsrfLayer::new()))
        .layer(axum::middleware::map_response(explain))
}

/// Refuses requests of other origins, as a server without a framework would.
async fn check(request: Request, next: Next) -> Result<Response, Error> {
    let (method, uri) = (request.method().as_str(), request.uri());
    CrossOriginProtection::new().check(method, uri, request.headers())?;
    Ok(next.run(request).await)
}

/// Pages that do not.
pub(crate) fn static_pages() -> Router {
    Router::new()
        .route("/goodbye", get(async || Html("<p id=goodbye>Goodbye")))
        .route("/page", get(page))
}

/// What a foreign site shows: whatever the test writes.
#[derive(Deserialize)]
struct Page {
    html: String,
}

async fn page(Query(page): Query<Page>) -> Html<String> {
    Html(format!("<!doctype html>{}", page.html))
}

/// An error's name in the body, for the tests to see.
async fn explain(mut response: Response) -> Response {
    if let Some(error) = response.extensions().get::<Arc<Error>>() {
        let page = format!("<!doctype html><p id=error>{:?}", error.kind());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = page.into();
    }
    response
}

async fn home(session: Session<Visitor>) -> Html<String> {
    shown(&session)
}

fn shown(session: &Session<Visitor>) -> Html<String> {
    let name = session.principal().map_or("no one", |principal| principal.as_str());
    let why = session.no_session().map_or_else(String::new, |why| format!("{why:?}"));
    let visits = session.value().visits;
    Html(format!(
        "<!doctype html><p id=who>{name}<p id=visits>{visits}<p id=why>{why}
<form id=visit method=post action=/visit><button>Visit</button></form>
<form id=notice method=post action=/notice><button>Leave a message</button></form>
<form id=logout method=post action=/logout><button>Sign out</button></form>
<form id=leave method=post action=/leave><button>Sign out with a message</button></form>
<a id=again href=/again>Again</a>"
    ))
}

async fn visit(mut session: Session<Visitor>) -> Result<Html<String>, Error> {
    session.update(|visitor| visitor.visits += 1).await?;
    Ok(shown(&session))
}

/// A long upload: the session is opened with the head of the request, and changed at the end.
async fn slow(
    Extension(gate): Extension<Gate>,
    session: Session<Visitor>,
) -> Result<Html<String>, Error> {
    gate.hold("upload").await;
    visit(session).await
}

async fn notice(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.messages.push("Saved")).await?;
    Ok(Redirect::to("/"))
}

async fn messages(mut session: Session<Visitor>) -> Result<Html<String>, Error> {
    let messages = session.update(|visitor| visitor.messages.take()).await?;
    Ok(Html(format!("<!doctype html><p id=messages>{}", messages.join(", "))))
}

async fn login_form(mut session: Session<Visitor>) -> Result<Html<String>, Error> {
    let token = session.csrf_token("login").await?;
    Ok(Html(format!(
        "<!doctype html>
<form id=login method=post action=/login>
<input type=hidden name=token value={token}><input name=name id=name><button>Sign in</button>
</form>"
    )))
}

#[derive(Deserialize)]
struct Login {
    name: String,
    token: Option<String>,
}

async fn login(session: Session<Visitor>, Form(form): Form<Login>) -> Result<Response, Error> {
    session.check_csrf("login", form.token.as_deref().unwrap_or_default())?;
    sign_in(session, form.name).await
}

/// A sign-in form without a token.
async fn enter(session: Session<Visitor>, Form(form): Form<Login>) -> Result<Response, Error> {
    sign_in(session, form.name).await
}

/// Where an identity provider leads the browser, with a code that was checked.
async fn callback(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    let alice = Principal::new("alice").expect("a short name");
    session.login(cloakroom::Login::of(&alice).cross_site_verified()).await?;
    Ok(Redirect::to("/"))
}

async fn sign_in(mut session: Session<Visitor>, name: String) -> Result<Response, Error> {
    let Ok(name) = Principal::new(name) else {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    };
    session.login(&name).await?;
    Ok(Redirect::to("/").into_response())
}

/// A sign-in of a program, which is sent its key in the body.
async fn token(mut session: Session<Visitor>, Form(form): Form<Login>) -> Result<String, Error> {
    let name = Principal::new(form.name).expect("a short name");
    session.login(cloakroom::Login::of(&name).bearer()).await?;
    Ok(session.key().map_or_else(String::new, |key| key.expose().clone()))
}

async fn logout(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.logout().await?;
    Ok(Redirect::to("/goodbye"))
}

/// A sign-out after which a new session begins, for the message.
async fn leave(mut session: Session<Visitor>) -> Result<Redirect, Error> {
    session.logout().await?;
    session.update(|visitor| visitor.messages.push("Signed out")).await?;
    Ok(Redirect::to("/goodbye"))
}
