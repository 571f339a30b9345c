//! "Log out everywhere": a visitor sees where they are signed in, and can end each session.

use axum::extract::Query;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::http::ClientPolicy;
use cloakroom::store::Page;
use cloakroom::{
    Error, ErrorKind, MemoryStore, Principal, PublicId, Session, SessionLayer, Sessions,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {}

async fn devices(
    sessions: Sessions<Visitor>,
    mut session: Session<Visitor>,
) -> Result<Html<String>, Error> {
    let Some(user) = session.principal().cloned() else {
        let why = session.no_session().map(|why| format!("{why:?}")).unwrap_or_default();
        return Ok(Html(format!(
            r#"<p>Not signed in: {why}</p><form method="post" action="/login"><input name="name"><button>Sign in</button></form>"#
        )));
    };
    let token = session.csrf_token("end").await?;
    let devices = sessions.list(&user, Page::first(100)).await?;
    let rows = devices.iter().map(|device| {
        let what = escape(device.client().user_agent().unwrap_or("unknown device"));
        let here = if Some(device.id()) == session.id() { " (this one)" } else { "" };
        let id = device.id();
        format!(
            r#"<li>{what}{here} <form method="post" action="/end?id={id}">
            <input type="hidden" name="token" value="{token}"><button>Sign out</button></form>"#
        )
    });
    Ok(Html(format!(
        r#"<h1>Devices of {user}</h1><ul>{}</ul><form method="post" action="/everywhere">
        <input type="hidden" name="token" value="{token}"><button>Sign out everywhere</button></form>"#,
        rows.collect::<String>()
    )))
}

/// A browser can send any text as its user agent.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// Signs in anyone: the example `login` shows how to check a password.
async fn login(mut session: Session<Visitor>, Form(form): Form<Name>) -> Result<Redirect, Error> {
    if let Ok(user) =
        Principal::new(form.name.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
    {
        session.login(&user).await?;
    }
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Which {
    id: String,
}

/// Ends one of the visitor's own sessions. The id of another user's session has no effect.
async fn end(
    mut session: Session<Visitor>,
    Query(which): Query<Which>,
    Form(form): Form<Token>,
) -> Result<Redirect, Error> {
    session.check_csrf("end", &form.token)?;
    if let Ok(id) = which.id.parse::<PublicId>() {
        session.logout_other(id).await?;
    }
    Ok(Redirect::to("/"))
}

async fn everywhere(
    mut session: Session<Visitor>,
    Form(form): Form<Token>,
) -> Result<Redirect, Error> {
    session.check_csrf("end", &form.token)?;
    match session.logout_everywhere().await {
        // Another device has just done the same.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        done => drop(done?),
    }
    Ok(Redirect::to("/"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions: Sessions<Visitor> =
        Sessions::builder(MemoryStore::new()).clients(ClientPolicy::user_agents()).build()?;
    let app = Router::new()
        .route("/", get(devices))
        .route("/login", post(login))
        .route("/end", post(end))
        .route("/everywhere", post(everywhere))
        .layer(SessionLayer::new(sessions));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
