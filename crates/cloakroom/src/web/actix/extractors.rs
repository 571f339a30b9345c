//! Extractors for handlers, guards and other middleware.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::sessions::{RequestSession, Sessions};
use crate::store::Io;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> FromRequest for Session<V, K> {
    type Error = Error;
    type Future = Io<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match request_session(request) {
            Ok(request_session) => request_session.session_io_static(request.headers()),
            Err(error) => Io::ready(Err(error)),
        }
    }
}

impl<V: SessionValue, K: SessionKind> FromRequest for Sessions<V, K> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request_session(request).map(|request_session| request_session.sessions()))
    }
}

/// The [`RequestSession`] that the middleware put into the request.
fn request_session<V: SessionValue, K: SessionKind>(
    request: &HttpRequest,
) -> Result<RequestSession<V, K>, Error> {
    request.extensions().get().cloned().ok_or(Error::new(ErrorKind::NoLayer))
}
