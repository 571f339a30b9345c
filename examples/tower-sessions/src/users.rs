//! Who may sign in, as axum-login asks for it.

use std::convert::Infallible;
use std::fmt;

use axum_login::{AuthUser, AuthnBackend};
use serde::Deserialize;

/// The users. A real application keeps a hash of each password: see the example `login`.
#[derive(Clone, Debug)]
pub struct Users;

#[derive(Clone, Debug)]
pub struct User {
    name: &'static str,
    password: &'static str,
}

const ALICE: User = User { name: "alice", password: "wonderland" };

#[derive(Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.name.to_owned()
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, form: Credentials) -> Result<Option<User>, Infallible> {
        Ok((form.name == ALICE.name && form.password == ALICE.password).then_some(ALICE))
    }

    async fn get_user(&self, name: &String) -> Result<Option<User>, Infallible> {
        Ok((name == ALICE.name).then_some(ALICE))
    }
}
