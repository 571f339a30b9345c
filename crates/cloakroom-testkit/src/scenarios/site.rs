//! The site that every framework serves.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

use cloakroom::{Error, Principal, Session, Sessions};
use serde::{Deserialize, Serialize};

use super::gate::Gate;

/// What the site's sessions carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    /// How often they were counted.
    pub visits: u64,
}

/// A server that runs, until it is dropped.
pub struct Site {
    pub(super) address: SocketAddr,
    pub(super) cancels: bool,
    _guard: Box<dyn Any>,
}

impl Site {
    /// The server at this address; what `guard` is ends it when it is dropped.
    pub fn new(address: SocketAddr, guard: impl Any) -> Self {
        Self { address, cancels: false, _guard: Box::new(guard) }
    }

    /// The server drops the handler of a browser that has left. Without this, handlers run on to their end.
    pub fn cancelling(self) -> Self {
        Self { cancels: true, ..self }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({})", self.address)
    }
}

/// Who signs in on the site.
///
/// # Panics
/// Never: it is a valid name.
pub fn alice() -> Principal {
    Principal::new("alice").expect("a valid name")
}

/// What every route but `/ignore` and `/stream` does, with two handles on the request's session: status and body. For servers that
/// can await; one that blocks writes the same by the `blocking` interface.
///
/// # Errors
/// Those of the session: the framework's integration answers them.
///
/// # Panics
/// On the route `/panic`, on purpose.
pub async fn answer(
    route: &str,
    sessions: &Sessions<Visitor>,
    mut session: Session<Visitor>,
    mut second: Session<Visitor>,
    gate: &Gate,
) -> Result<(u16, String), Error> {
    let status = if route == "/fail" { 500 } else { 200 };
    let body = match route {
        "/count" | "/fail" => count(&mut session).await?.to_string(),
        "/read" if !session.exists() => "null".into(),
        "/read" => session.value().visits.to_string(),
        "/login" => session.login(&alice()).await.map(|()| String::new())?,
        "/logout" => session.logout().await.map(|()| String::new())?,
        "/revoke" => {
            if let Some(id) = session.id() {
                sessions.revoke(id).await?;
            }
            String::new()
        }
        "/both" => {
            session.login(&alice()).await?;
            count(&mut second).await?.to_string()
        }
        "/slow" => {
            count(&mut session).await?;
            gate.pass().await;
            count(&mut session).await?.to_string()
        }
        "/panic" => {
            count(&mut session).await?;
            panic!("this handler panics on purpose");
        }
        _ => return Ok((404, String::new())),
    };
    Ok((status, body))
}

/// What comes after the head and the first piece of the body of `/stream`: a text for the second and last piece.
pub async fn stream(mut session: Session<Visitor>, gate: Gate) -> String {
    gate.pass().await;
    let counted = count(&mut session).await.map_err(|error| error.kind());
    let login = session.login(&alice()).await.map_err(|error| error.kind());
    format!("{counted:?} {login:?}")
}

async fn count(session: &mut Session<Visitor>) -> Result<u64, Error> {
    session
        .update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        })
        .await
}
