//! Sessions in actix-web: a middleware, extractors, and what a failure looks like to a client.
//!
//! | extractor | gives |
//! |---|---|
//! | [`Session<V>`](crate::Session) | the visitor's session, vacant if there is none |
//! | [`Sessions<V>`](crate::Sessions) | the manager |
//!
//! actix-web turns every error of an extractor that is asked for as `Option<Session<V>>` into `None`, a store that is down
//! too: ask for `Session<V>` and for [`is_vacant`](crate::Session::is_vacant).

mod extractors;
mod headers;
mod middleware;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

pub use middleware::SessionMiddleware;

use crate::error::Error;
use crate::http::HeadersMut;

/// [`Error::status`] with its header and an empty body. The response keeps the error, for middleware that logs it or makes a
/// page of it: `response.error()` and its `as_error::<cloakroom::Error>()`.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        if let Some((name, value)) = self.header() {
            HeadersMut::append(response.headers_mut(), name, value);
        }
        response
    }
}
