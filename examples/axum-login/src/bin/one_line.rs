//! An application of axum-login 0.18, after its own example: a page for users only, a sign-in form
//! that leads back to it, and messages that are shown once.

use std::error::Error;

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::get;
use axum::{Form, Router};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use axum_messages::{Messages, MessagesManagerLayer};
use example_axum_login::{Credentials, Return, User, Users, login_page, login_url, protected_page};
use time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer};

type AuthSession = axum_login::AuthSession<Backend>;

#[derive(Clone, Debug)]
struct Account(User);

impl AuthUser for Account {
    type Id = i64;

    fn id(&self) -> i64 {
        self.0.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.0.password.as_bytes()
    }
}

#[derive(Clone, Debug)]
struct Backend(Users);

impl AuthnBackend for Backend {
    type User = Account;
    type Credentials = Credentials;
    type Error = rusqlite::Error;

    async fn authenticate(&self, form: Credentials) -> rusqlite::Result<Option<Account>> {
        Ok(self.0.check(&form).await?.map(Account))
    }

    async fn get_user(&self, id: &i64) -> rusqlite::Result<Option<Account>> {
        Ok(self.0.by_id(*id)?.map(Account))
    }
}

async fn protected(auth: AuthSession, messages: Messages) -> Result<Html<String>, StatusCode> {
    let user = auth.user.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(protected_page(&texts(messages), &user.0.username))
}

async fn login_form(messages: Messages, Query(query): Query<Return>) -> Html<String> {
    login_page(&texts(messages), query.next.as_deref())
}

async fn login(
    mut auth: AuthSession,
    messages: Messages,
    Form(form): Form<Credentials>,
) -> Result<Redirect, StatusCode> {
    let Some(user) = auth.authenticate(form.clone()).await.map_err(failed)? else {
        messages.error("Wrong name or password.");
        return Ok(Redirect::to(&login_url(form.next())));
    };
    auth.login(&user).await.map_err(failed)?;
    messages.success(format!("Welcome, {}.", user.0.username));
    Ok(Redirect::to(form.next().unwrap_or("/")))
}

async fn logout(mut auth: AuthSession) -> Result<Redirect, StatusCode> {
    auth.logout().await.map_err(failed)?;
    Ok(Redirect::to("/login"))
}

fn texts(messages: Messages) -> Vec<String> {
    messages.into_iter().map(|message| message.message).collect()
}

fn failed(_: axum_login::Error<Backend>) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[rustfmt::skip] // One line, which is the one that changes: `tests/lines.rs`.
    let store = cloakroom_tower_sessions::TowerSessionStore::new(cloakroom_sqlite::SqliteStore::open("sessions.db")?)?;
    let sessions = SessionManagerLayer::new(store)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(1)));
    let auth = AuthManagerLayerBuilder::new(Backend(Users::open("users.db")?), sessions).build();
    let app = Router::new()
        .route("/", get(protected))
        .route_layer(login_required!(Backend, login_url = "/login"))
        .route("/login", get(login_form).post(login))
        .route("/logout", get(logout))
        .layer(MessagesManagerLayer)
        .layer(auth);

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
