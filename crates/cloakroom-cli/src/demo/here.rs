//! A visitor whose session is still what they think it is.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cloakroom::{NoSession, Session};

use super::view;
use super::visitor::Visitor;

/// The session of a visitor who changes something on a page.
///
/// Whoever was signed out meanwhile is told so instead, and why: their click must not begin something new in silence.
pub(super) struct Here(pub(super) Session<Visitor>);

impl<S: Send + Sync> FromRequestParts<S> for Here {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, state).await;
        let mut session: Session<Visitor> = session.map_err(IntoResponse::into_response)?;
        match session.no_session() {
            None | Some(NoSession::NoKey | NoSession::Superseded) => Ok(Self(session)),
            Some(no_session) => {
                // The key that opens nothing is forgotten, whatever kind of request this is: the next click works.
                session.logout().await.map_err(IntoResponse::into_response)?;
                Err((StatusCode::CONFLICT, view::signed_out(no_session)).into_response())
            }
        }
    }
}
