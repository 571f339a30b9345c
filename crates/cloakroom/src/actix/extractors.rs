//! What handlers, guards and other middleware ask for.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::error::{Error, ErrorKind};
use crate::io::Io;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::value::{Kind, Value};
use crate::visit::Visit;

impl<V: Value, K: Kind> FromRequest for Session<V, K> {
    type Error = Error;
    type Future = Io<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match visit(request) {
            Ok(visit) => visit.open(request.headers()),
            Err(error) => Io::ready(Err(error)),
        }
    }
}

impl<V: Value, K: Kind> FromRequest for Sessions<V, K> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visit(request).map(|visit| visit.sessions()))
    }
}

/// The visit that the middleware put into the request.
fn visit<V: Value, K: Kind>(request: &HttpRequest) -> Result<Visit<V, K>, Error> {
    request.extensions().get().cloned().ok_or(Error::new(ErrorKind::NoLayer))
}
