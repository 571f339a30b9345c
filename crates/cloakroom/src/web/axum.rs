//! axum: extractors, and error responses.
//!
//! | extractor | gives |
//! |---|---|
//! | [`Session<V>`] | the request's session, which may not exist yet |
//! | `Option<Session<V>>` | the request's session, `None` if there is none |
//! | [`Sessions<V>`] | the sessions themselves |
//! | `encrypted_cookie::EncryptedSession<V>` | the session in the request's encrypted cookie |
//!
//! The last one needs an `EncryptedSessions<V>` in the application's state.
//!
//! [`ResponseHeaders`] can be part of a response, for handlers without a layer.

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
            Some(request_session) => request_session.session_io(&parts.headers),
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
        Ok(Some(session).filter(Self::exists))
    }
}

impl<S: Send + Sync, V: SessionValue, K: SessionKind> FromRequestParts<S> for Sessions<V, K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        match parts.extensions.get::<RequestSession<V, K>>() {
            Some(request_session) => Ok(request_session.sessions()),
            None => Err(Error::new(ErrorKind::NoLayer)),
        }
    }
}

/// Applies the headers to the response, as [`apply_to`](ResponseHeaders::apply_to) does:
/// `(session.headers(), body)`.
impl IntoResponseParts for ResponseHeaders {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.apply_to(response.headers_mut());
        Ok(response)
    }
}

/// [`Error::status`] with its header and an empty body.
///
/// The response's extensions contain the `Arc<Error>`, for middleware that logs it or renders a
/// page.
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
    use crate::http::RequestMethod;
    use crate::value::{SessionKind, SessionValue};

    /// Opens the request's session with the [`EncryptedSessions`] in the application's state.
    impl<S, V: SessionValue, K: SessionKind> FromRequestParts<S> for EncryptedSession<V, K>
    where
        S: Send + Sync,
        EncryptedSessions<V, K>: FromRef<S>,
    {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
            let sessions = EncryptedSessions::from_ref(state);
            let method = RequestMethod::of(parts.method.as_str());
            Ok(sessions.open_request(&parts.headers, method, parts.uri.host()))
        }
    }

    /// As for stored sessions: `TooLarge` is 413, `Unfit` 500, `CrossSite` 403, and `Unavailable`
    /// 503. The body is empty.
    ///
    /// The response's extensions contain the `Arc<EncryptError>`.
    impl IntoResponse for EncryptError {
        fn into_response(self) -> Response {
            let status = match self.kind() {
                EncryptErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                EncryptErrorKind::Unfit => StatusCode::INTERNAL_SERVER_ERROR,
                EncryptErrorKind::CrossSite => StatusCode::FORBIDDEN,
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
    fn a_handler_can_return_the_headers_with_its_body() {
        let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
        let body = ([(CACHE_CONTROL, "public"), (VARY, "Accept")], "bye");
        let response = (sessions.clear_headers(), body).into_response();
        let values = |name| response.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(values(CACHE_CONTROL), ["no-store"]);
        assert_eq!(values(VARY), ["Accept", "cookie"]);
        assert!(values(SET_COOKIE)[0].to_str().unwrap().starts_with("__Host-id=; Max-Age=0"));
    }
}
