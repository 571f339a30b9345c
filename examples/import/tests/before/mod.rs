//! The application before the move: tower-sessions 0.14 with axum-login.

use std::convert::Infallible;

use axum::Router;
use axum::routing::{get, post};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend};
use tower_sessions::{SessionManagerLayer, SessionStore};

type AuthSession = axum_login::AuthSession<Users>;

/// There is one user, who needs no password.
#[derive(Clone)]
struct Users;

#[derive(Clone, Debug)]
struct Alice;

impl AuthUser for Alice {
    type Id = String;

    fn id(&self) -> String {
        "alice".to_owned()
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"hash"
    }
}

impl AuthnBackend for Users {
    type User = Alice;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<Alice>, Infallible> {
        Ok(Some(Alice))
    }

    async fn get_user(&self, _: &String) -> Result<Option<Alice>, Infallible> {
        Ok(Some(Alice))
    }
}

async fn home(auth: AuthSession) -> String {
    let visits = auth.session.get::<u64>("visits").await.unwrap().unwrap_or(0) + 1;
    auth.session.insert("visits", visits).await.unwrap();
    let user = auth.user.map_or("no one".to_owned(), |user| user.id());
    format!("{user}, visit number {visits}")
}

async fn login(mut auth: AuthSession) {
    auth.login(&Alice).await.unwrap();
}

async fn logout(mut auth: AuthSession) {
    auth.logout().await.unwrap();
}

pub fn app(store: impl SessionStore + Clone) -> Router {
    let auth = AuthManagerLayerBuilder::new(Users, SessionManagerLayer::new(store)).build();
    Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .layer(auth)
}
