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
//! In a struct with `#[derive(FromRequestParts)]`, axum turns every error of an `Option` field into
//! `None`, even that of a store that is down. There, use `Result<Session<V>, Error>`, or
//! `Session<V>` and whether it [`exists`](Session::exists).
//!
//! [`ResponseHeaders`] can be part of a response, for handlers without a layer.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::request::Parts;
use http::{Extensions, StatusCode};

use crate::error::Error;
use crate::http::ResponseHeaders;
use crate::session::Session;
use crate::sessions::{RequestSession, Sessions};
use crate::store::Io;
use crate::value::{SessionKind, SessionValue};
use crate::web::missing_layer::{self, RequestExtensions};
use crate::web::mistake;

impl<S: Send + Sync, V: SessionValue, K: SessionKind> FromRequestParts<S> for Session<V, K> {
    type Rejection = Error;

    fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> impl Future<Output = Result<Self, Error>> + Send {
        match parts.extensions.get::<RequestSession<V, K>>() {
            Some(request_session) => request_session.session_io(&parts.headers),
            None => Io::ready(Err(missing_layer::error::<_, V, K>(&parts.extensions))),
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
            None => Err(missing_layer::error::<_, V, K>(&parts.extensions)),
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
/// A 500 is a mistake in the program: it is logged, and in a debug build its message is the body.
/// So is, unlogged, that of [`CrossOriginProtection`](crate::http::CrossOriginProtection).
///
/// The response's extensions contain the `Arc<Error>`, for middleware that renders a page:
///
/// ```
/// # use std::sync::Arc;
/// # use axum::Router;
/// # use axum::middleware::map_response;
/// # use axum::response::{Html, IntoResponse, Response};
/// # use cloakroom::Error;
/// async fn error_page(response: Response) -> Response {
///     let Some(error) = response.extensions().get::<Arc<Error>>().cloned() else {
///         return response;
///     };
///     let (mut head, _) = response.into_parts(); // its status and headers stay
///     head.headers.remove("content-type");
///     head.headers.remove("content-length");
///     let text = match error.status().as_u16() {
///         409 => "Please send that again.",
///         503 => "We will be back soon.",
///         _ => "This did not work.",
///     };
///     (head, Html(text)).into_response()
/// }
///
/// # let router: Router = Router::new();
/// let app: Router = router.layer(map_response(error_page));
/// ```
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = answer(self.status(), mistake::body_of(&self));
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

fn answer(status: StatusCode, message: Option<String>) -> Response {
    match message {
        Some(message) => (status, message).into_response(),
        None => status.into_response(),
    }
}

impl RequestExtensions for Extensions {
    const MOVE: &'static str = "the layer for it is elsewhere. `Router::layer` wraps only the \
        routes that were added before it, so call it after them; and the session layer has to be \
        outside every middleware that asks for the session";

    fn add(sessions: &dyn fmt::Display) -> String {
        format!(
            "call `.layer(SessionLayer::new(sessions))` on the router after its routes, where \
             `sessions` is a `Sessions{sessions}`"
        )
    }

    fn has<T: Clone + Send + Sync + 'static>(&self) -> bool {
        self.get::<T>().is_some()
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
    use crate::web::mistake;

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
    /// 503. The body is empty, except that of a 500 in a debug build.
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
            let is_mistake = status == StatusCode::INTERNAL_SERVER_ERROR;
            let message = is_mistake.then(|| mistake::report(&self)).flatten();
            let mut response = super::answer(status, message);
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
