//! hyper without a framework: one call before the server's own work, and one after it. Another one
//! refuses forms of other sites.

use std::convert::Infallible;

use cloakroom::http::CrossOriginProtection;
use cloakroom::{Error, MemoryStore, RequestSession, Sessions};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

async fn count(
    request_session: &RequestSession<Visitor>,
    request: &HeaderMap,
) -> Result<String, Error> {
    let mut session = request_session.session(request).await?; // no store call without a key
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    });
    Ok(format!("Visit number {}\n", visits.await?))
}

async fn serve(
    sessions: Sessions<Visitor>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let request_session = sessions.request_session().with_method(request.method().as_str());
    // Name trusted origins here. Every request is checked before its session is asked for.
    let method = request.method().as_str();
    let checked = CrossOriginProtection::new().check(method, request.uri(), request.headers());
    let counted = match checked {
        Ok(()) => count(&request_session, request.headers()).await,
        Err(foreign) => Err(foreign),
    };
    let mut response = match counted {
        Ok(text) => Response::new(Full::from(text)),
        Err(error) => {
            eprintln!("{error}");
            let mut response = Response::new(Full::default());
            *response.status_mut() = error.status();
            response.headers_mut().extend(error.header());
            response
        }
    };
    // Set-Cookie, Vary, Cache-Control, whatever became of the request.
    request_session.finish(response.headers_mut());
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    loop {
        let (connection, _) = listener.accept().await?;
        let sessions = sessions.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(sessions.clone(), request));
            if let Err(error) =
                http1::Builder::new().serve_connection(TokioIo::new(connection), service).await
            {
                eprintln!("{error}");
            }
        });
    }
}
