//! Extractors for handlers, guards and other middleware.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::SessionExt;
use crate::error::Error;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::store::Io;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> FromRequest for Session<V, K> {
    type Error = Error;
    type Future = Io<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.session()
    }
}

impl<V: SessionValue, K: SessionKind> FromRequest for Sessions<V, K> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.request_session().map(|request_session| request_session.sessions()))
    }
}
