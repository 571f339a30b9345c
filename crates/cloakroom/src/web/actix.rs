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

mod cross_origin;
#[cfg(feature = "device-binding")]
mod device;
mod extractors;
mod headers;
mod middleware;
mod request_ext;

use std::fmt;

use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError};

#[cfg(feature = "device-binding")]
pub use device::DeviceBindingMiddleware;
pub use middleware::SessionMiddleware;
pub use request_ext::SessionExt;

use crate::error::Error;
use crate::http::HeadersMut;
use crate::web::missing_layer::RequestExtensions;
use crate::web::mistake;

/// [`Error::status`] with its header and an empty body.
///
/// A 500 is a mistake in the program: it is logged, and in a debug build its message is the body.
/// So is, unlogged, that of [`CrossOriginProtection`](crate::http::CrossOriginProtection).
///
/// The response keeps the error, for middleware that renders a page:
///
/// ```
/// # use actix_web::body::MessageBody;
/// # use actix_web::dev::{ServiceRequest, ServiceResponse};
/// # use actix_web::middleware::{Next, from_fn};
/// # use actix_web::App;
/// # use cloakroom::Error;
/// async fn error_page(
///     request: ServiceRequest,
///     next: Next<impl MessageBody + 'static>,
/// ) -> Result<ServiceResponse, actix_web::Error> {
///     let response = next.call(request).await?.map_into_boxed_body();
///     let error = response.response().error();
///     let Some(error) = error.and_then(|error| error.as_error::<Error>()) else {
///         return Ok(response);
///     };
///     let text = match error.status().as_u16() {
///         409 => "Please send that again.",
///         503 => "We will be back soon.",
///         _ => "This did not work.",
///     };
///     Ok(response.map_body(|_, _| text).map_into_boxed_body()) // its status and headers stay
/// }
///
/// let app = App::new().wrap(from_fn(error_page));
/// ```
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = match mistake::body_of(self) {
            Some(message) => {
                HttpResponse::build(status).content_type(ContentType::plaintext()).body(message)
            }
            None => HttpResponse::new(status),
        };
        if let Some((name, value)) = self.header() {
            HeadersMut::append(response.headers_mut(), name, value);
        }
        response
    }
}

impl RequestExtensions for Extensions {
    const MOVE: &'static str = "the middleware for it is elsewhere. `wrap` the `App` or scope that \
        has this route; and since what is wrapped last runs first, `wrap` it after every \
        middleware that asks for the session";

    fn add(sessions: &dyn fmt::Display) -> String {
        format!(
            "call `.wrap(SessionMiddleware::new(sessions.clone()))` on the `App`, where `sessions` \
             is a `Sessions{sessions}`"
        )
    }

    fn has<T: Clone + Send + Sync + 'static>(&self) -> bool {
        self.get::<T>().is_some()
    }
}
