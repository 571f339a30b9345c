//! Any tower service, such as warp's: the layer around it puts a `RequestSession` in the
//! extensions.

use std::convert::Infallible;

use cloakroom::{Error, MemoryStore, RequestSession, SessionLayer, Sessions};
use http::{HeaderMap, Response};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use tower_layer::Layer;
use warp::Filter;

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

async fn count(visit: &RequestSession<Visitor>, request: &HeaderMap) -> Result<String, Error> {
    let mut session = visit.session(request).await?;
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    });
    Ok(format!("Visit number {}\n", visits.await?))
}

async fn answer(
    visit: RequestSession<Visitor>,
    request: HeaderMap,
) -> Result<Response<String>, Infallible> {
    let error = match count(&visit, &request).await {
        Ok(text) => return Ok(Response::new(text)),
        Err(error) => error,
    };
    let mut response = Response::new(String::new());
    *response.status_mut() = error.status();
    response.headers_mut().extend(error.header());
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
    let routes = warp::path::end()
        .and(warp::ext::get::<RequestSession<Visitor>>())
        .and(warp::header::headers_cloned())
        .and_then(answer);
    let service = SessionLayer::new(sessions).layer(warp::service(routes));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    loop {
        let (connection, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            if let Err(error) =
                http1::Builder::new().serve_connection(TokioIo::new(connection), service).await
            {
                eprintln!("{error}");
            }
        });
    }
}
