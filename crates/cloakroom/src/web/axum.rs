//! Extractors for axum, and what a failure looks like to a client.
//!
//! | extractor | gives |
//! |---|---|
//! | [`Session<V>`] | the visitor's session, vacant if there is none |
//! | `Option<Session<V>>` | the visitor's session, `None` if there is none |
//! | [`Sessions<V>`] | the manager |
//! | `encrypted_cookie::EncryptedSession<V>` | the visitor's encrypted_cookie session, by the state's `EncryptedSessions<V>` |
//!
//! [`ResponseHeaders`] are parts of a response, for handlers that have no layer to apply them.

use std::convert::Infallible;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::request::Parts;

use crate::error::{Error, ErrorKind};
use crate::http::ResponseHeaders;
use crate::session::Session;
use crate::sessions::{RequestSession, Sessions};
use crate::store::Io;
use crate::value::{SessionKind, SessionValue};

impl<S: Send + Sync, V: SessionValue, K: SessionKind> FromRequestParts<S> for Session<V, K> {
    type Rejection = Error;

    fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> impl Future<Output = Result<Self, Error>> + Send {
        match parts.extensions.get::<RequestSession<V, K>>() {
            Some(visit) => visit.opening(&parts.headers),
            None => Io::ready(Err(Error::new(ErrorKind::NoLayer))),
        }
    }
}

impl<S: Send + Sync, V: SessionValue, K: SessionKind> OptionalFromRequestParts<S>
    for Session<V, K>
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Error> {
        let session = <Self as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Some(session).filter(|session| session.exists()))
    }
}

impl<S: Send + Sync, V: SessionValue, K: SessionKind> FromRequestParts<S> for Sessions<V, K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit =
            parts.extensions.get::<RequestSession<V, K>>().ok_or(Error::new(ErrorKind::NoLayer))?;
        Ok(visit.sessions())
    }
}

/// What [`apply_to`](ResponseHeaders::apply_to) does to a response: `(session.headers(), body)`.
impl IntoResponseParts for ResponseHeaders {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.apply_to(response.headers_mut());
        Ok(response)
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

#[cfg(feature = "encrypted-cookie")]
mod encrypted_cookie {
    use axum_core::extract::{FromRef, FromRequestParts};
    use axum_core::response::{IntoResponse, Response};
    use http::StatusCode;
    use http::request::Parts;
    use std::convert::Infallible;
    use std::sync::Arc;

    use crate::encrypted_cookie::{
        EncryptError, EncryptErrorKind, EncryptedSession, EncryptedSessions,
    };
    use crate::value::{SessionKind, SessionValue};

    /// Opens the request's session by the [`EncryptedSessions`] in the application's state.
    impl<S, V: SessionValue, K: SessionKind> FromRequestParts<S> for EncryptedSession<V, K>
    where
        S: Send + Sync,
        EncryptedSessions<V, K>: FromRef<S>,
    {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
            Ok(EncryptedSessions::from_ref(state).open(&parts.headers))
        }
    }

    /// `TooLarge` and `Unfit` are as for stored sessions 413, `Unavailable` is 503. The body is empty; the response's extensions
    /// hold the `Arc<EncryptError>`.
    impl IntoResponse for EncryptError {
        fn into_response(self) -> Response {
            let status = match self.kind() {
                EncryptErrorKind::TooLarge | EncryptErrorKind::Unfit => {
                    StatusCode::PAYLOAD_TOO_LARGE
                }
                EncryptErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            };
            let mut response = status.into_response();
            response.extensions_mut().insert(Arc::new(self));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};

    use super::*;
    use crate::{MemoryStore, SessionMap};

    #[test]
    fn a_handler_answers_with_headers_beside_its_body() {
        let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
        let body = ([(CACHE_CONTROL, "public"), (VARY, "Accept")], "bye");
        let response = (sessions.clear_headers(), body).into_response();
        let values = |name| response.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(values(CACHE_CONTROL), ["no-store"]);
        assert_eq!(values(VARY), ["Accept", "cookie"]);
        assert!(values(SET_COOKIE)[0].to_str().unwrap().starts_with("__Host-id=; Max-Age=0"));
    }
}
