//! actix-web, with the middleware around the whole application.

use std::convert::Infallible;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::{StatusCode, Uri};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use cloakroom::{Error, Session, SessionMiddleware, Sessions};
use cloakroom_testkit::scenarios::{self, Barrier, RunningServer, Visitor};
use futures_util::stream;

/// The application on actix-web with its defaults: a handler runs on when its client disconnects.
pub fn serve(sessions: Sessions<Visitor>, barrier: Barrier) -> RunningServer {
    start(sessions, barrier, true)
}

/// The same without half-closed connections: such handlers are dropped.
pub fn serve_with_cancellation(sessions: Sessions<Visitor>, barrier: Barrier) -> RunningServer {
    start(sessions, barrier, false).with_cancellation()
}

fn start(sessions: Sessions<Visitor>, barrier: Barrier, allows_half_closed: bool) -> RunningServer {
    let (started, starting) = mpsc::channel();
    thread::spawn(move || {
        let app = move || {
            App::new()
                .wrap(SessionMiddleware::new(sessions.clone()))
                .app_data(web::Data::new(barrier.clone()))
                .route("/ignore", web::get().to(async || "nothing to see"))
                .route("/stream", web::post().to(streamed))
                .default_service(web::to(answered))
        };
        rt::System::new().block_on(async move {
            let server = HttpServer::new(app)
                .workers(2)
                .disable_signals()
                .h1_allow_half_closed(allows_half_closed);
            // No connection ends by a timeout during a test.
            let server = server
                .keep_alive(Duration::from_secs(60 * 60))
                .client_request_timeout(Duration::ZERO);
            let server = server.bind("127.0.0.1:0").expect("a free port");
            let address = server.addrs()[0];
            let running = server.run();
            let _ = started.send((address, running.handle()));
            running.await.expect("the server runs until it is stopped");
        });
    });
    let (address, handle) = starting.recv().expect("the server starts");
    RunningServer::new(address, StopOnDrop(handle))
}

struct StopOnDrop(ServerHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        // The server stops without being awaited. A handler may still wait for a test that is over.
        drop(self.0.stop(false));
    }
}

async fn answered(
    uri: Uri,
    barrier: web::Data<Barrier>,
    sessions: Sessions<Visitor>,
    first: Session<Visitor>,
    second: Session<Visitor>,
) -> Result<HttpResponse, Error> {
    let (status, body) = scenarios::answer(uri.path(), &sessions, first, second, &barrier).await?;
    let status = StatusCode::from_u16(status).unwrap_or_default();
    Ok(HttpResponse::build(status).body(body))
}

async fn streamed(
    _: HttpRequest,
    barrier: web::Data<Barrier>,
    mut session: Session<Visitor>,
) -> Result<HttpResponse, Error> {
    let first = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits.to_string()
    });
    let first = stream::iter([first.await?]);
    let rest = stream::once(scenarios::stream(session, Barrier::clone(&barrier)));
    let body = stream::StreamExt::chain(first, rest);
    let pieces = stream::StreamExt::map(body, |piece| Ok::<_, Infallible>(web::Bytes::from(piece)));
    Ok(HttpResponse::Ok().streaming(pieces))
}
