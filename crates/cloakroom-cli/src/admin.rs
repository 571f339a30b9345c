//! `cloakroom admin`: a page where an operator sees the active sessions and ends them.

mod auth;
mod chart;
mod event_help;
mod live;
mod lookup;
mod pages;
mod stats;
mod view;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::response::Redirect;
use axum::routing::get;
use axum::{Router, middleware};
use cloakroom::{SessionMap, Sessions, SessionsBuilder, Store};
use tower_http::csrf::CsrfLayer;

use crate::listen::ListenAddress;
use crate::serve::{self, Shutdown};
use crate::store;
use crate::terminal;

use auth::Auth;
use stats::StatsCollector;

/// Serve a web page that shows the active sessions and ends them
///
/// Prints one address on standard output. The first browser to open it is the operator's, until it
/// closes or for 12 hours; the address is worthless after that.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(
        long,
        value_name = "URL",
        env = "CLOAKROOM_STORE",
        hide_env_values = true,
        help = store::HELP
    )]
    store: store::StoreArg,
    /// Address or host name, and port to listen on; port 0 picks a free one
    ///
    /// If other machines can reach the address, put a proxy that terminates TLS in front: the
    /// operator's key is sent in clear text.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: ListenAddress,
}

/// Serves the page until a shutdown is requested.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = store::open(&options.store)?;
    store::block_on(async {
        let listener = serve::bind(Some(&options.listen)).await?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            terminal::message(
                "warning: other machines can reach this address, and the operator's key is sent to \
                 it in clear text.",
            );
        }
        let shutdown = Shutdown::on_signal()?;
        let server = AdminServer::new(Sessions::builder(Arc::clone(&store)), store, address)?;
        terminal::print_line(&server.login_url())?;
        terminal::message("Open it in a browser; it works once. Press Ctrl-C to stop.");
        server.serve(listener, shutdown).await
    })?
}

/// The state of the operator's page. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AdminServer {
    store: Arc<dyn Store>,
    /// Ends sessions. In the demo's process it shares the demo's clock and observers.
    sessions: Sessions<SessionMap>,
    stats: StatsCollector,
    auth: Arc<Auth>,
}

impl AdminServer {
    /// The page for `store`, served at `address`. It ends sessions through what `builder` builds.
    pub(crate) fn new(
        builder: SessionsBuilder<SessionMap>,
        store: Arc<dyn Store>,
        address: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let auth = Arc::new(Auth::new(address)?);
        Ok(Self { store, sessions: builder.build()?, stats: StatsCollector::default(), auth })
    }

    /// The URL that signs its first visitor in as the operator.
    pub(crate) fn login_url(&self) -> String {
        self.auth.login_url()
    }

    /// Serves the page and keeps its numbers up to date until `shutdown`.
    pub(crate) async fn serve(
        self,
        listener: tokio::net::TcpListener,
        shutdown: Shutdown,
    ) -> Result<(), Box<dyn Error>> {
        let collecting = self.stats.clone().run(Arc::clone(&self.store), self.sessions.clone());
        let serving = serve::run(listener, self.routes(shutdown.clone()), shutdown.clone());
        tokio::select! {
            () = collecting => Ok(()),
            served = serving => served,
        }
    }

    fn routes(self, shutdown: Shutdown) -> Router {
        let (operators, path) = (self.auth.layer(), self.auth.path().to_owned());
        // Relative links need the slash at the end.
        let root = format!("{path}/");
        let pages = pages::operator_routes()
            .merge(live::routes(shutdown))
            .layer(middleware::from_fn(auth::require_operator))
            .merge(pages::public_routes())
            .with_state(self)
            .layer(operators);
        Router::new()
            .nest(&root, pages)
            .route(&path, get(async move || Redirect::to(&root)))
            .merge(pages::icon())
            .layer(CsrfLayer::new())
            .layer(middleware::from_fn(pages::harden))
    }
}
