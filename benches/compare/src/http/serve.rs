//! A contender's process with one thread: it prints its port, and serves until its input ends.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};

use actix_web::{App, HttpServer, rt};
use axum::ServiceExt as _;
use axum::extract::Request;
use axum::response::Response;
use cloakroom::{MemoryStore, SessionMiddleware, Sessions};
use cloakroom_bench::Failure;
use cloakroom_bench::overhead::{apps, baseline};
use cloakroom_bench::report::print_line;
use tokio::runtime::Builder;
use tower_layer::Layer as _;
use tower_service::Service;

use super::contender::{
    ACTIX_CLOAKROOM, ACTIX_SESSION, AXUM, AXUM_BASELINE, AXUM_CLOAKROOM, AXUM_SESSION,
    AXUM_TOWER_SESSIONS, Contender,
};
use crate::overhead::{actix, axum_session, tower_sessions};

pub(super) fn serve(contender: &Contender) -> Result<(), Failure> {
    // The input ends with the parent.
    std::thread::spawn(|| {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    if contender.bare == AXUM {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(on_axum(contender.name))
    } else {
        on_actix(contender.name)
    }
}

/// Each layer is around the whole router, the cheapest place for all of them.
async fn on_axum(name: &str) -> Result<(), Failure> {
    match name {
        AXUM_CLOAKROOM => {
            let (router, layer) = apps::cloakroom(Sessions::builder(MemoryStore::new()))?;
            run(layer.layer(router)).await
        }
        AXUM_BASELINE => {
            let (router, layer) = baseline::app()?;
            run(layer.layer(router)).await
        }
        AXUM_TOWER_SESSIONS => {
            let (router, layer) = tower_sessions::app();
            run(layer.layer(router)).await
        }
        AXUM_SESSION => {
            let (router, layer) = axum_session::app().await?;
            run(layer.layer(router)).await
        }
        _ => run(apps::plain()).await,
    }
}

async fn run<S>(app: S) -> Result<(), Failure>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let listener = tokio::net::TcpListener::from_std(listen()?)?;
    Ok(axum::serve(listener, app.into_make_service()).await?)
}

fn on_actix(name: &str) -> Result<(), Failure> {
    // Each application has a type of its own, and so has its server.
    macro_rules! run {
        ($app:expr) => {{
            let server = HttpServer::new($app).workers(1).listen(listen()?)?.run();
            Ok(rt::System::new().block_on(server)?)
        }};
    }
    match name {
        ACTIX_CLOAKROOM => {
            let sessions = actix::cloakroom_sessions()?;
            run!(move || {
                let middleware = SessionMiddleware::new(sessions.clone());
                App::new().wrap(middleware).configure(actix::cloakroom)
            })
        }
        ACTIX_SESSION => {
            let (store, key) = actix::peer_state();
            run!(move || {
                let middleware = actix::peer_middleware(store.clone(), key.clone());
                App::new().wrap(middleware).configure(actix::peer)
            })
        }
        _ => run!(|| App::new().configure(actix::plain)),
    }
}

/// A listener on a free port, which it prints.
fn listen() -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    listener.set_nonblocking(true)?;
    print_line(&listener.local_addr()?.port().to_string())?;
    Ok(listener)
}
