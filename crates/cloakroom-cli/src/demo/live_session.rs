//! An extractor that refuses a visitor whose session has ended.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cloakroom::{NoSession, Session};

use super::view;
use super::visitor::Visitor;

/// The query of a form on a page that showed no session.
const NEW: &str = "new";

/// Where a form on a page for this session posts to.
pub(super) fn action(path: &str, session: &Session<Visitor>) -> String {
    if session.exists() { path.to_owned() } else { format!("{path}?{NEW}") }
}

/// The session of a visitor who submits a form.
///
/// A visitor whose session has ended is told why instead: the form must not silently start a new
/// session. It may if the page with the form has already said so, as [`action`] tells.
pub(super) struct LiveSession(pub(super) Session<Visitor>);

impl<S: Send + Sync> FromRequestParts<S> for LiveSession {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, state).await;
        let mut session: Session<Visitor> = session.map_err(IntoResponse::into_response)?;
        match session.no_session() {
            None | Some(NoSession::NoKey | NoSession::Superseded) => Ok(Self(session)),
            Some(_) if parts.uri.query() == Some(NEW) => Ok(Self(session)),
            Some(no_session) => {
                // Removes the cookie, so that the visitor's next form works. A page that is only
                // read removes none: its answer can be late, and the browser have a newer cookie.
                if !parts.method.is_safe() {
                    session.logout().await.map_err(IntoResponse::into_response)?;
                }
                Err((StatusCode::CONFLICT, view::session_ended(no_session)).into_response())
            }
        }
    }
}
