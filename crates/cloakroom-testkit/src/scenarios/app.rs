//! The test application that every framework serves.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

use cloakroom::{Error, Principal, Session, Sessions};
use serde::{Deserialize, Serialize};

use super::barrier::Barrier;

/// The session value of the test application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    /// How often the visitor was counted.
    pub visits: u64,
}

/// A server that runs until this is dropped.
pub struct RunningServer {
    pub(super) address: SocketAddr,
    pub(super) cancels: bool,
    _guard: Box<dyn Any>,
}

impl RunningServer {
    /// The server at `address`, which ends when `guard` is dropped.
    pub fn new(address: SocketAddr, guard: impl Any) -> Self {
        Self { address, cancels: false, _guard: Box::new(guard) }
    }

    /// States that the server drops the handler of a client that has disconnected.
    ///
    /// By default the scenarios expect such handlers to run to their end.
    pub fn with_cancellation(self) -> Self {
        Self { cancels: true, ..self }
    }
}

impl fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunningServer({})", self.address)
    }
}

/// The principal who signs in on `/login`.
///
/// # Panics
/// Never: the name is valid.
pub fn alice() -> Principal {
    Principal::new("alice").expect("a valid name")
}

/// Status and body of every route but `/ignore` and `/stream`, given two handles on the request's
/// session.
///
/// A server that blocks writes the same with [`block_on`](cloakroom::block_on).
///
/// # Errors
/// Those of the session, which the framework's integration turns into a response.
///
/// # Panics
/// On the route `/panic`, on purpose.
pub async fn answer(
    route: &str,
    sessions: &Sessions<Visitor>,
    mut session: Session<Visitor>,
    mut second: Session<Visitor>,
    barrier: &Barrier,
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
            barrier.pass().await;
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

/// The second and last chunk of the body of `/stream`, which is sent after the barrier.
pub async fn stream(mut session: Session<Visitor>, barrier: Barrier) -> String {
    barrier.pass().await;
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
