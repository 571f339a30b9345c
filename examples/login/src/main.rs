//! Sign-in with a password: argon2, axum, sessions in a file, protection from forms of other sites,
//! messages shown once.
//!
//! The only user is `alice`, with the password `wonderland`.

mod users;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::http::SiteData;
use cloakroom::{Error, Flash, Login, Session, SessionLayer, Sessions};
use cloakroom_sqlite::SqliteStore;
use serde::{Deserialize, Serialize};
use tower_http::csrf::CsrfLayer;

use users::Users;

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    flash: Flash,
}

/// The visitor's page if they are signed in, else the sign-in form.
async fn home(mut session: Session<Visitor>) -> Result<Html<String>, Error> {
    let messages = session.update(|visitor| visitor.flash.take()).await?.join(" ");
    let form = if let Some(name) = session.principal().cloned() {
        // For browsers from before 2020, which do not say which site a form is from.
        let token = session.csrf_token("sign out").await?;
        format!(
            r#"<p>You are {name}.</p><form method="post" action="/logout">
            <input type="hidden" name="token" value="{token}"><button>Sign out</button></form>"#
        )
    } else {
        // No token: it would need a session, and so a record for every robot that loads this page.
        // `login` refuses requests of other sites, which could sign the visitor in as the attacker.
        r#"<form method="post" action="/login">
        <input name="name" autocomplete="username"><input name="password" type="password" autocomplete="current-password">
        <button>Sign in</button></form>"#
            .to_owned()
    };
    Ok(Html(format!("<!doctype html><title>Sign in</title><p>{messages}</p>{form}")))
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn login(
    State(users): State<Arc<Users>>,
    sessions: Sessions<Visitor>,
    mut session: Session<Visitor>,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    // If the password changes after this time, `login` refuses.
    let asked_at = sessions.now();
    match users.check(form.name, form.password).await {
        Some(user) => {
            session.login(Login::of(&user).with_authenticated_at(asked_at)).await?;
            session.update(|visitor| visitor.flash.push("Welcome.")).await?;
        }
        None => session.update(|visitor| visitor.flash.push("Wrong name or password.")).await?,
    }
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

async fn logout(mut session: Session<Visitor>, Form(form): Form<Token>) -> Result<Redirect, Error> {
    // The second of two clicks finds no session, and nothing to protect.
    if session.exists() {
        session.check_csrf("sign out", &form.token)?;
    }
    session.logout().await?;
    // This begins a new session, with a new key.
    session.update(|visitor| visitor.flash.push("Goodbye.")).await?;
    Ok(Redirect::to("/"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::var("SESSIONS").unwrap_or("login-example.db".into());
    let sessions: Sessions<Visitor> = Sessions::builder(SqliteStore::open(path)?)
        .private_pages() // Back shows none of them after the sign-out
        .clear_site_data(SiteData::Cache)
        .build()?;
    let app = Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .with_state(Arc::new(Users::with_alice()?))
        .layer(SessionLayer::new(sessions))
        .layer(CsrfLayer::new()); // outside: refuses forms of other sites before anything else

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
