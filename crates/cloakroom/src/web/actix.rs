//! actix-web: a middleware, extractors, the session of a request, and error responses.
//!
//! | extractor | gives |
//! |---|---|
//! | [`Session<V>`](crate::Session) | the request's session, which may not exist yet |
//! | [`Sessions<V>`](crate::Sessions) | the sessions themselves |
//!
//! Middleware that has only the request uses [`SessionExt`].
//!
//! actix-web turns every extractor error into `None` for `Option<Session<V>>`, even a store that is
//! down. So ask for `Session<V>`, and whether it [`exists`](crate::Session::exists).

mod extractors;
mod headers;
mod middleware;
mod request_ext;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

pub use middleware::SessionMiddleware;
pub use request_ext::SessionExt;

use crate::error::Error;
use crate::http::HeadersMut;

/// [`Error::status`] with its header and an empty body.
///
/// The response keeps the error, for middleware that logs it or renders a page: see
/// `response.error()` and its `as_error::<cloakroom::Error>()`.
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
