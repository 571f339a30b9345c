//! What handlers, guards and other middleware ask for.

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
        match visit(request) {
            Ok(visit) => visit.open(request.headers()),
            Err(error) => Io::ready(Err(error)),
        }
    }
}

impl<V: SessionValue, K: SessionKind> FromRequest for Sessions<V, K> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visit(request).map(|visit| visit.sessions()))
    }
}

/// The visit that the middleware put into the request.
fn visit<V: SessionValue, K: SessionKind>(
    request: &HttpRequest,
) -> Result<RequestSession<V, K>, Error> {
    request.extensions().get().cloned().ok_or(Error::new(ErrorKind::NoLayer))
}
