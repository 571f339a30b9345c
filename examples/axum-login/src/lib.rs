//! What the three programs share: the users in a database, and the pages.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Html;
use rusqlite::{Connection, OptionalExtension as _, Params};
use serde::Deserialize;

#[derive(Clone)]
pub struct User {
    pub id: i64,
    pub username: String,
    /// Its hash.
    pub password: String,
}

/// Without the hash, which must not be in a log.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The users, in a database: `ferris` has the password `hunter42`.
#[derive(Clone, Debug)]
pub struct Users(Arc<Mutex<Connection>>);

impl Users {
    /// # Errors
    ///
    /// If SQLite cannot open or make the file.
    pub fn open(path: &str) -> Result<Self, Box<dyn Error>> {
        let database = Connection::open(path)?;
        database.execute_batch(
            "create table if not exists users (
                id integer primary key, username text not null unique, password text not null)",
        )?;
        let user = ("ferris", password_auth::generate_hash("hunter42"));
        // A new hash would end the sessions of axum-login, which remember the one from before.
        let insert = "insert or ignore into users (username, password) values (?1, ?2)";
        database.execute(insert, user)?;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    /// The user with this id.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn by_id(&self, id: i64) -> rusqlite::Result<Option<User>> {
        self.query("select id, username, password from users where id = ?1", [id])
    }

    /// The user with this name, if the password is right.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn check(&self, form: &Credentials) -> rusqlite::Result<Option<User>> {
        let query = "select id, username, password from users where username = ?1";
        let Some(user) = self.query(query, [&form.username])? else { return Ok(None) };
        let (password, hash) = (form.password.clone(), user.password.clone());
        // A hash takes time on purpose, which a thread that serves requests must not spend.
        let is_right = tokio::task::spawn_blocking(move || {
            password_auth::verify_password(password, &hash).is_ok()
        });
        Ok(is_right.await.unwrap_or(false).then_some(user))
    }

    fn query(&self, query: &str, params: impl Params) -> rusqlite::Result<Option<User>> {
        let database = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let user = database.query_row(query, params, |row| {
            Ok(User { id: row.get(0)?, username: row.get(1)?, password: row.get(2)? })
        });
        user.optional()
    }
}

/// The fields of the sign-in form.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    username: String,
    password: String,
    next: Option<String>,
}

impl Credentials {
    /// The page to return to. Only one of ours: any site can link to the form.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        let next = self.next.as_deref()?;
        let is_ours = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
        is_ours.then_some(next)
    }
}

/// The query of the sign-in page.
#[derive(Deserialize)]
pub struct Return {
    pub next: Option<String>,
}

/// The address of the sign-in page that leads back to `next`.
#[must_use]
pub fn login_url(next: Option<&str>) -> String {
    let query = next.map(|next| form_urlencoded::byte_serialize(next.as_bytes()).collect());
    query.map_or("/login".to_owned(), |next: String| format!("/login?next={next}"))
}

pub fn login_page(messages: &[String], next: Option<&str>) -> Html<String> {
    let next = next.map_or(String::new(), |next| {
        format!(r#"<input type="hidden" name="next" value="{}">"#, escaped(next))
    });
    page(
        messages,
        &format!(
            r#"<form method="post" action="/login">
            <input name="username" autocomplete="username">
            <input name="password" type="password" autocomplete="current-password">
            {next}<button>Sign in</button></form>"#
        ),
    )
}

pub fn protected_page(messages: &[String], username: &str) -> Html<String> {
    let name = escaped(username);
    page(messages, &format!(r#"<p>You are {name}.</p><p><a href="/logout">Sign out</a></p>"#))
}

fn page(messages: &[String], content: &str) -> Html<String> {
    let mut page = "<!doctype html><title>Users only</title>".to_owned();
    for message in messages {
        let _ = write!(page, "<p>{}</p>", escaped(message));
    }
    Html(page + content)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
