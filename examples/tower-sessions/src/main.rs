//! An application of tower-sessions 0.14, axum-login and axum-messages on a store of Cloakroom's.
//!
//! One line is ours: the one that makes the store. The only user is `alice`, with the password
//! `wonderland`.

mod users;

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_login::AuthManagerLayerBuilder;
use axum_messages::{Messages, MessagesManagerLayer};
use cloakroom_sqlite::SqliteStore;
use cloakroom_tower_sessions::TowerSessionStore;
use tower_sessions::{ExpiredDeletion, Expiry, SessionManagerLayer};

use users::{Credentials, Users};

type AuthSession = axum_login::AuthSession<Users>;

/// The visitor's page if they are signed in, else the sign-in form.
async fn home(auth: AuthSession, messages: Messages) -> Html<String> {
    let messages: Vec<_> = messages.into_iter().map(|message| message.message).collect();
    let messages = messages.join(" ");
    let form = match auth.user {
        Some(user) => format!(
            r#"<p>You are {user}.</p>
            <form method="post" action="/logout"><button>Sign out</button></form>"#
        ),
        None => r#"<form method="post" action="/login">
            <input name="name" autocomplete="username">
            <input name="password" type="password" autocomplete="current-password">
            <button>Sign in</button></form>"#
            .to_owned(),
    };
    Html(format!("<!doctype html><title>Sign in</title><p>{messages}</p>{form}"))
}

async fn login(
    mut auth: AuthSession,
    messages: Messages,
    Form(form): Form<Credentials>,
) -> Result<Redirect, StatusCode> {
    match auth.authenticate(form).await.map_err(unavailable)? {
        Some(user) => {
            auth.login(&user).await.map_err(unavailable)?;
            messages.success("Welcome.");
        }
        None => {
            messages.error("Wrong name or password.");
        }
    }
    Ok(Redirect::to("/"))
}

async fn logout(mut auth: AuthSession, messages: Messages) -> Result<Redirect, StatusCode> {
    auth.logout().await.map_err(unavailable)?;
    messages.info("Goodbye.");
    Ok(Redirect::to("/"))
}

fn unavailable(_: axum_login::Error<Users>) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = TowerSessionStore::new(SqliteStore::open("sessions.db")?)?;
    tokio::spawn(store.clone().continuously_delete_expired(Duration::from_secs(60)));
    let expiry = Expiry::OnInactivity(time::Duration::hours(1));
    let sessions = SessionManagerLayer::new(store).with_expiry(expiry);
    let app = Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .layer(MessagesManagerLayer)
        .layer(AuthManagerLayerBuilder::new(Users, sessions).build());

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
