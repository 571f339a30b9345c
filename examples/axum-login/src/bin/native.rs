//! The same application without axum-login, axum-messages and tower-sessions.

use std::error::Error;
use std::time::Duration;

use axum::extract::{OriginalUri, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use cloakroom::{Flash, Lifetime, Principal, Session, SessionLayer, Sessions};
use cloakroom_sqlite::SqliteStore;
use example_axum_login::{Credentials, Return, Users, login_page, login_url, protected_page};

/// What a session keeps: messages. Who is signed in, each session knows.
type Visitor = Flash;

async fn protected(
    mut session: Session<Visitor>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, cloakroom::Error> {
    let Some(user) = session.principal().cloned() else {
        return Ok(Redirect::temporary(&login_url(Some(&uri.to_string()))).into_response());
    };
    let messages = session.update(Flash::take).await?;
    Ok(protected_page(&messages, user.as_str()).into_response())
}

async fn login_form(
    mut session: Session<Visitor>,
    Query(query): Query<Return>,
) -> Result<Html<String>, cloakroom::Error> {
    Ok(login_page(&session.update(Flash::take).await?, query.next.as_deref()))
}

async fn login(
    State(users): State<Users>,
    mut session: Session<Visitor>,
    Form(form): Form<Credentials>,
) -> axum::response::Result<Redirect> {
    let user = users.check(&form).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let Some(user) = user.and_then(|user| Principal::new(user.username).ok()) else {
        session.update(|flash| flash.push("Wrong name or password.")).await?;
        return Ok(Redirect::to(&login_url(form.next())));
    };
    session.login_with(&user, |flash| flash.push(format!("Welcome, {user}."))).await?;
    Ok(Redirect::to(form.next().unwrap_or("/")))
}

async fn logout(mut session: Session<Visitor>) -> Result<Redirect, cloakroom::Error> {
    session.logout().await?;
    Ok(Redirect::to("/login"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions: Sessions<Visitor> = Sessions::builder(SqliteStore::open("sessions.db")?)
        .lifetime(Lifetime::one_week().with_idle_timeout(Duration::from_secs(24 * 60 * 60)))
        .build()?;
    let app = Router::new()
        .route("/", get(protected))
        .route("/login", get(login_form).post(login))
        .route("/logout", get(logout))
        .with_state(Users::open("users.db")?)
        .layer(SessionLayer::new(sessions));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
