//! hyper, with a `RequestSession` for each request and no middleware.

use std::convert::Infallible;

use cloakroom::{Error, RequestSession, Sessions};
use cloakroom_testkit::scenarios::{self, Barrier, RunningServer, Visitor};
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use crate::running::on_a_runtime;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The application on hyper.
pub fn serve(sessions: Sessions<Visitor>, barrier: Barrier) -> RunningServer {
    on_a_runtime(async move |listener| {
        while let Ok((connection, _)) = listener.accept().await {
            let (sessions, barrier) = (sessions.clone(), barrier.clone());
            tokio::spawn(async move {
                let service =
                    service_fn(move |request| answer(sessions.clone(), barrier.clone(), request));
                // A client that disconnects is not an error of the server.
                let _ =
                    http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
            });
        }
    })
}

async fn answer(
    sessions: Sessions<Visitor>,
    barrier: Barrier,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let request_session = sessions.request_session().with_method(request.method().as_str());
    let answered = match request.uri().path() {
        "/ignore" => Ok(Response::new(full("nothing to see".into()))),
        "/stream" => streamed(&request_session, request.headers(), barrier).await,
        route => answered(route, &sessions, &request_session, request.headers(), &barrier).await,
    };
    let mut response = answered.unwrap_or_else(|error| {
        let mut response = Response::new(full(String::new()));
        *response.status_mut() = error.status();
        response.headers_mut().extend(error.header());
        response
    });
    request_session.finish(response.headers_mut());
    Ok(response)
}

async fn answered(
    route: &str,
    sessions: &Sessions<Visitor>,
    request_session: &RequestSession<Visitor>,
    request: &HeaderMap,
    barrier: &Barrier,
) -> Result<Response<Body>, Error> {
    let (first, second) =
        (request_session.session(request).await?, request_session.session(request).await?);
    let (status, body) = scenarios::answer(route, sessions, first, second, barrier).await?;
    let mut response = Response::new(full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

async fn streamed(
    request_session: &RequestSession<Visitor>,
    request: &HeaderMap,
    barrier: Barrier,
) -> Result<Response<Body>, Error> {
    let mut session = request_session.session(request).await?;
    let first = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits.to_string()
    });
    let first = stream::iter([first.await?]);
    let rest = stream::once(scenarios::stream(session, barrier));
    let pieces = first.chain(rest).map(|piece| Ok(Frame::data(Bytes::from(piece))));
    Ok(Response::new(StreamBody::new(pieces).boxed_unsync()))
}

fn full(text: String) -> Body {
    Full::from(text).boxed_unsync()
}
