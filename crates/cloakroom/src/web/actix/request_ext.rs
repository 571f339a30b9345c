//! The way to a request's session for code that has only the request.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{HttpMessage, HttpRequest};

use crate::error::Error;
use crate::session::Session;
use crate::sessions::RequestSession;
use crate::store::Io;
use crate::value::{SessionKind, SessionValue};
use crate::web::missing_layer;

/// The session of an [`HttpRequest`], of a middleware's [`ServiceRequest`], and of the request that
/// a [`ServiceResponse`] answers.
///
/// Handlers need it rarely: they, and functions for [`from_fn`](actix_web::middleware::from_fn),
/// can take a `Session<V>` as an argument. All handles of one request share one session.
///
/// ```
/// use actix_web::body::MessageBody;
/// use actix_web::dev::{ServiceRequest, ServiceResponse};
/// use actix_web::error::ErrorUnauthorized;
/// use actix_web::middleware::{Next, from_fn};
/// use actix_web::test::{TestRequest, init_service, try_call_service};
/// use actix_web::{App, Error, web};
/// use cloakroom::{MemoryStore, Session, SessionExt, SessionMap, SessionMiddleware, Sessions};
///
/// /// Lets only signed-in users pass, except to public pages.
/// async fn signed_in(
///     request: ServiceRequest,
///     next: Next<impl MessageBody>,
/// ) -> Result<ServiceResponse<impl MessageBody>, Error> {
///     if !request.path().starts_with("/public/") {
///         let session: Session<SessionMap> = request.session().await?;
///         if session.principal().is_none() {
///             return Err(ErrorUnauthorized("sign in first"));
///         }
///     }
///     next.call(request).await
/// }
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let app = App::new()
///     .route("/account", web::get().to(async || "yours"))
///     .route("/public/about", web::get().to(async || "everyone's"))
///     .wrap(from_fn(signed_in))
///     .wrap(SessionMiddleware::new(sessions)); // the last one runs first
/// let app = init_service(app).await;
///
/// let public = TestRequest::get().uri("/public/about").to_request();
/// assert_eq!(try_call_service(&app, public).await?.status(), 200);
/// let account = TestRequest::get().uri("/account").to_request();
/// let error = try_call_service(&app, account).await.err().expect("no one is signed in");
/// assert_eq!(error.error_response().status(), 401);
/// # Ok(())
/// # }
/// ```
///
/// The type of the result says which session is meant: `Session<Visitor>`, or for another kind
/// `Session<Visitor, Admin>`.
pub trait SessionExt {
    /// The request's session, opened if nothing has opened it yet.
    ///
    /// # Errors
    /// Those of [`RequestSession::session`]; `NoLayer` if the request did not pass through a
    /// [`SessionMiddleware`](crate::SessionMiddleware) for these sessions.
    fn session<V: SessionValue, K: SessionKind>(&self)
    -> Io<'static, Result<Session<V, K>, Error>>;

    /// What the request knows of its session, without a call to the store: for
    /// [`opened`](RequestSession::opened), [`without_touch`](RequestSession::without_touch) and
    /// [`import_legacy`](RequestSession::import_legacy).
    ///
    /// # Errors
    /// `NoLayer`.
    fn request_session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Result<RequestSession<V, K>, Error>;
}

impl SessionExt for HttpRequest {
    fn session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Io<'static, Result<Session<V, K>, Error>> {
        session_of(self)
    }

    fn request_session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Result<RequestSession<V, K>, Error> {
        request_session_of(self)
    }
}

impl SessionExt for ServiceRequest {
    fn session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Io<'static, Result<Session<V, K>, Error>> {
        session_of(self)
    }

    fn request_session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Result<RequestSession<V, K>, Error> {
        request_session_of(self)
    }
}

impl<B> SessionExt for ServiceResponse<B> {
    fn session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Io<'static, Result<Session<V, K>, Error>> {
        session_of(self.request())
    }

    fn request_session<V: SessionValue, K: SessionKind>(
        &self,
    ) -> Result<RequestSession<V, K>, Error> {
        request_session_of(self.request())
    }
}

fn session_of<V: SessionValue, K: SessionKind>(
    message: &impl HttpMessage,
) -> Io<'static, Result<Session<V, K>, Error>> {
    match request_session_of(message) {
        Ok(request_session) => request_session.session_io_static(message.headers()),
        Err(error) => Io::ready(Err(error)),
    }
}

/// The [`RequestSession`] that the middleware put into the request.
fn request_session_of<V: SessionValue, K: SessionKind>(
    message: &impl HttpMessage,
) -> Result<RequestSession<V, K>, Error> {
    let extensions = message.extensions();
    let found = extensions.get().cloned();
    found.ok_or_else(|| missing_layer::error::<_, V, K>(&*extensions))
}
