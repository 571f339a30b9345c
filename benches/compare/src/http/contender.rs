//! The servers that are measured, each with one thread.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};

use actix_web::{App, HttpServer, rt};
use axum::ServiceExt as _;
use axum::extract::Request;
use axum::response::Response;
use cloakroom::{MemoryStore, SessionMiddleware, Sessions};
use cloakroom_bench::Failure;
use cloakroom_bench::overhead::contender::SetsCookie;
use cloakroom_bench::overhead::{apps, baseline};
use cloakroom_bench::report::print_line;
use tokio::runtime::Builder;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::overhead::{actix, axum_session, tower_sessions};

/// A program that serves the same routes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    /// The same framework without sessions.
    pub(super) bare: &'static str,
    pub(super) sets_cookie: SetsCookie,
    /// Serves in this process; `None` on node.
    serve: Option<fn() -> Result<(), Failure>>,
}

impl Contender {
    const fn new(
        name: &'static str,
        bare: &'static str,
        sets_cookie: SetsCookie,
        serve: fn() -> Result<(), Failure>,
    ) -> Self {
        Self { name, bare, sets_cookie, serve: Some(serve) }
    }

    pub(super) fn keeps_sessions(&self) -> bool {
        self.name != self.bare
    }

    pub(super) fn is_on_node(&self) -> bool {
        self.serve.is_none()
    }

    /// Prints the port and serves until the standard input ends, as it does with the parent.
    pub(super) fn serve(&self) -> Result<(), Failure> {
        std::thread::spawn(|| {
            let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
        (self.serve.ok_or("this server runs on node")?)()
    }
}

pub(super) const AXUM: &str = "axum";
pub(super) const AXUM_CLOAKROOM: &str = "axum, cloakroom";
const ACTIX: &str = "actix-web";
const EXPRESS: &str = "express";
pub(super) const EXPRESS_SESSION: &str = "express, express-session";

/// Runs an application on actix-web: each has a type of its own, and so has its server.
macro_rules! on_actix {
    ($app:expr) => {{
        let server = HttpServer::new($app).workers(1).listen(listen()?)?.run();
        Ok(rt::System::new().block_on(server)?)
    }};
}

/// In the order of a table's rows. Each layer on axum is around the whole router, the cheapest
/// place for all of them.
pub(super) static ALL: [Contender; 10] = [
    Contender::new(AXUM, AXUM, SetsCookie::Never, || on_axum(async { Ok(apps::plain()) })),
    Contender::new(AXUM_CLOAKROOM, AXUM, SetsCookie::OnNew, || {
        on_axum(async {
            let (router, layer) = apps::cloakroom(Sessions::builder(MemoryStore::new()))?;
            Ok(layer.layer(router))
        })
    }),
    Contender::new("axum, baseline", AXUM, SetsCookie::OnNew, || {
        on_axum(async { baseline::app().map(|(router, layer)| layer.layer(router)) })
    }),
    Contender::new("axum, tower-sessions", AXUM, SetsCookie::OnChange, || {
        let (router, layer) = tower_sessions::app();
        on_axum(async { Ok(layer.layer(router)) })
    }),
    Contender::new("axum, axum_session", AXUM, SetsCookie::Always, || {
        on_axum(async { axum_session::app().await.map(|(router, layer)| layer.layer(router)) })
    }),
    Contender::new(ACTIX, ACTIX, SetsCookie::Never, || {
        on_actix!(|| App::new().configure(actix::plain))
    }),
    Contender::new("actix-web, cloakroom", ACTIX, SetsCookie::OnNew, || {
        let sessions = actix::cloakroom_sessions()?;
        on_actix!(move || {
            let middleware = SessionMiddleware::new(sessions.clone());
            App::new().wrap(middleware).configure(actix::cloakroom)
        })
    }),
    Contender::new("actix-web, actix-session", ACTIX, SetsCookie::OnChange, || {
        let (store, key) = actix::peer_state();
        on_actix!(move || {
            let middleware = actix::peer_middleware(store.clone(), key.clone());
            App::new().wrap(middleware).configure(actix::peer)
        })
    }),
    Contender { name: EXPRESS, bare: EXPRESS, sets_cookie: SetsCookie::Never, serve: None },
    Contender {
        name: EXPRESS_SESSION,
        bare: EXPRESS,
        sets_cookie: SetsCookie::OnChange,
        serve: None,
    },
];

pub(super) fn named(name: &str) -> Result<&'static Contender, Failure> {
    let found = ALL.iter().find(|contender| contender.name == name);
    found.ok_or_else(|| format!("no contender is called `{name}`").into())
}

fn on_axum<S>(app: impl Future<Output = Result<S, Failure>>) -> Result<(), Failure>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listen()?)?;
        Ok(axum::serve(listener, app.await?.into_make_service()).await?)
    })
}

/// A listener on a free port, which it prints.
fn listen() -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    listener.set_nonblocking(true)?;
    print_line(&listener.local_addr()?.port().to_string())?;
    Ok(listener)
}
