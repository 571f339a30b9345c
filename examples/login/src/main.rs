//! Signing in with a password: argon2, axum, sessions in a file, forms that no other site can send, messages shown once.
//!
//! The only user is `alice`, with the password `coat`.

mod users;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::{Error, Flash, Login, Session, SessionLayer, Sessions};
use cloakroom_sqlite::SqliteStore;
use serde::{Deserialize, Serialize};

use users::Users;

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    flash: Flash,
}

/// A page for who is signed in, and a form for who is not.
async fn home(mut session: Session<Visitor>) -> Result<Html<String>, Error> {
    let messages = session.update(|visitor| visitor.flash.take()).await?.join(" ");
    let form = if let Some(name) = session.principal().cloned() {
        let token = session.csrf_token("sign out").await?;
        format!(
            r#"<p>You are {name}.</p><form method="post" action="/logout">
            <input type="hidden" name="token" value="{token}"><button>Sign out</button></form>"#
        )
    } else {
        // Sign-in forms are forged too: a visitor would go on in the forger's account.
        let token = session.csrf_token("sign in").await?;
        format!(
            r#"<form method="post" action="/login"><input type="hidden" name="token" value="{token}">
            <input name="name" autocomplete="username"><input name="password" type="password" autocomplete="current-password">
            <button>Sign in</button></form>"#
        )
    };
    Ok(Html(format!("<!doctype html><title>Sign in</title><p>{messages}</p>{form}")))
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
    token: String,
}

async fn login(
    State(users): State<Arc<Users>>,
    sessions: Sessions<Visitor>,
    mut session: Session<Visitor>,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    session.check_csrf("sign in", &form.token)?;
    let asked_at = sessions.now(); // before the password is looked up: a change that comes between refuses this login
    match users.check(form.name, form.password).await {
        Some(user) => {
            session.login(Login::of(&user).checked_at(asked_at)).await?;
            session.update(|visitor| visitor.flash.push("Welcome.")).await?;
        }
        None => session.update(|visitor| visitor.flash.push("That is not it.")).await?,
    }
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

async fn logout(mut session: Session<Visitor>, Form(form): Form<Token>) -> Result<Redirect, Error> {
    session.check_csrf("sign out", &form.token)?;
    session.logout().await?;
    session.update(|visitor| visitor.flash.push("Goodbye.")).await?; // in a new session, under a new key
    Ok(Redirect::to("/"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::var("SESSIONS").unwrap_or("login-example.db".into());
    let sessions: Sessions<Visitor> = Sessions::new(SqliteStore::open(path)?)?;
    let app = Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .with_state(Arc::new(Users::with_alice()?))
        .layer(SessionLayer::new(sessions));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
