//! axum, and what can be layered around it: each around the whole router, which is the cheapest way for all of them.

use std::convert::Infallible;
use std::hint::black_box;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Router, ServiceExt};
use axum_session::{SessionConfig, SessionNullPool, SessionStore};
use cloakroom::{Error, MemoryStore, Sessions};
use tokio::runtime::Builder;
use tower_layer::Layer as _;
use tower_service::Service;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::Failure;
use crate::case::COOKIE_NAME;
use crate::contender::Contender;
use crate::limit;
use crate::visitor::Visitor;

const VISITOR: &str = "visitor";

pub(super) fn serve(contender: Contender, threads: usize) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        match contender {
            Contender::AxumCloakroom => {
                let sessions: Sessions<Visitor> = Sessions::builder(MemoryStore::new()).build()?;
                let layer = cloakroom::SessionLayer::new(sessions);
                run(layer.layer(router(get(ours::read), get(ours::write)))).await
            }
            Contender::AxumLimit => {
                let layer = limit::Layered::new()?;
                run(layer.layer(router(get(limit::read), get(limit::write)))).await
            }
            Contender::AxumTowerSessions => {
                let layer = SessionManagerLayer::new(tower_sessions::MemoryStore::default())
                    .with_name(COOKIE_NAME)
                    .with_expiry(Expiry::OnInactivity(Duration::minutes(30)));
                run(layer.layer(router(get(tower::read), get(tower::write)))).await
            }
            Contender::AxumSession => {
                let config = SessionConfig::default().with_session_name(COOKIE_NAME).with_secure(true);
                let store = SessionStore::<SessionNullPool>::new(None, config).await?;
                let layer = axum_session::SessionLayer::new(store);
                run(layer.layer(router(get(theirs::read), get(theirs::write)))).await
            }
            _ => {
                let read = get(async || black_box(0_u64).to_string());
                let write = get(async || black_box(1_u64).to_string());
                run(router(read, write)).await
            }
        }
    })
}

fn router(read: MethodRouter, write: MethodRouter) -> Router {
    Router::new().route("/ignore", get(async || "ignored")).route("/read", read).route("/write", write)
}

async fn run<S>(app: S) -> Result<(), Failure>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let listener = tokio::net::TcpListener::from_std(super::listen()?)?;
    Ok(axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await?)
}

/// Cloakroom's handlers: a typed session.
mod ours {
    use super::{Error, Visitor};

    type Session = cloakroom::Session<Visitor>;

    pub(super) async fn read(session: Session) -> String {
        session.visits.to_string()
    }

    pub(super) async fn write(mut session: Session) -> Result<String, Error> {
        let visits = session.update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        });
        Ok(visits.await?.to_string())
    }
}

/// tower-sessions': one value under one key.
mod tower {
    use tower_sessions::Session;
    use tower_sessions::session::Error;

    use super::{Broken, VISITOR, Visitor};

    pub(super) async fn read(session: Session) -> Result<String, Broken> {
        let visitor: Visitor = session.get(VISITOR).await?.unwrap_or_default();
        Ok(visitor.visits.to_string())
    }

    pub(super) async fn write(session: Session) -> Result<String, Broken> {
        let mut visitor: Visitor = session.get(VISITOR).await?.unwrap_or_default();
        visitor.visits += 1;
        let visits = visitor.visits;
        session.insert(VISITOR, visitor).await?;
        Ok(visits.to_string())
    }

    impl From<Error> for Broken {
        fn from(_: Error) -> Self {
            Self
        }
    }
}

/// `axum_session`'s: the same.
mod theirs {
    use super::{SessionNullPool, VISITOR, Visitor};

    type Session = axum_session::Session<SessionNullPool>;

    pub(super) async fn read(session: Session) -> String {
        let visitor: Visitor = session.get(VISITOR).unwrap_or_default();
        visitor.visits.to_string()
    }

    pub(super) async fn write(session: Session) -> String {
        let mut visitor: Visitor = session.get(VISITOR).unwrap_or_default();
        visitor.visits += 1;
        let visits = visitor.visits;
        session.set(VISITOR, visitor);
        visits.to_string()
    }
}

/// An error of theirs, as an answer.
struct Broken;

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
