//! Extractors for axum, and what a failure looks like to a client.
//!
//! | extractor | gives |
//! |---|---|
//! | [`Session<V>`] | the visitor's session, vacant if there is none |
//! | `Option<Session<V>>` | the visitor's session, `None` if there is none |
//! | [`Sessions<V>`] | the manager |

use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::sessions::Sessions;
use crate::value::{Kind, Value};
use crate::visit::Visit;

impl<S: Send + Sync, V: Value, K: Kind> FromRequestParts<S> for Session<V, K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = parts.extensions.get::<Visit<V, K>>().ok_or(Error::new(ErrorKind::NoLayer))?;
        visit.session(&parts.headers).await
    }
}

impl<S: Send + Sync, V: Value, K: Kind> OptionalFromRequestParts<S> for Session<V, K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Error> {
        let session = <Self as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Some(session).filter(|session| !session.is_vacant()))
    }
}

impl<S: Send + Sync, V: Value, K: Kind> FromRequestParts<S> for Sessions<V, K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = parts.extensions.get::<Visit<V, K>>().ok_or(Error::new(ErrorKind::NoLayer))?;
        Ok(visit.sessions())
    }
}

/// [`Error::status`] with its header and an empty body. The response's extensions hold the `Arc<Error>`, for middleware
/// that logs it or makes a page of it.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
