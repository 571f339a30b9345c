//! `cloakroom admin`: a page where an operator sees the active sessions and ends them.

mod auth;
mod chart;
mod event_help;
mod live;
mod lookup;
mod pages;
mod site;
mod stats;
mod token;
mod view;

use std::error::Error;
use std::io;
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
pub(crate) use site::Site;
use stats::StatsCollector;
pub(crate) use token::MINUTES;

/// Serve a web page that shows the active sessions and ends them
///
/// Prints one address on standard output. The first browser to open it within 10 minutes is the
/// operator's, until it closes or for 12 hours; the address is worthless after that. If it is
/// opened too late and standard error is a terminal, a new one is printed there.
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
    /// Host name, and port if it is not 443, under which a proxy serves the page with TLS
    ///
    /// The page answers to no other names, apart from IP addresses, localhost and that of --listen.
    #[arg(long, value_name = "HOST", value_parser = site::parse_host)]
    host: Option<String>,
}

/// Serves the page until a shutdown is requested.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = store::open(&options.store)?;
    store::block_on(async {
        let listener = serve::bind(Some(&options.listen)).await?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && options.host.is_none() {
            terminal::message(
                "warning: other machines can reach this address, and the operator's key is sent to \
                 it in clear text; put a proxy with TLS in front, and name it with --host",
            );
        }
        let shutdown = Shutdown::on_signal()?;
        let site = Site::new(address, Some(&options.listen), options.host.as_deref());
        let server = AdminServer::new(Sessions::builder(Arc::clone(&store)), store, site)?;
        terminal::print_line(&server.login_url()?)?;
        terminal::message(&format!(
            "Open it in a browser within {MINUTES} minutes; it works once. Press Ctrl-C to stop."
        ));
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
    /// The page for `store`, served at `site`. It ends sessions through what `builder` builds.
    pub(crate) fn new(
        builder: SessionsBuilder<SessionMap>,
        store: Arc<dyn Store>,
        site: Site,
    ) -> Result<Self, Box<dyn Error>> {
        let auth = Arc::new(Auth::new(site)?);
        Ok(Self { store, sessions: builder.build()?, stats: StatsCollector::default(), auth })
    }

    /// The URL that signs its first visitor in as the operator, within [`MINUTES`].
    ///
    /// # Errors
    /// If the system has no random numbers, or this was called before and that URL is still valid.
    pub(crate) fn login_url(&self) -> io::Result<String> {
        let url = self.auth.new_login_url()?;
        url.ok_or_else(|| io::Error::other("there is a valid address already"))
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
        let site = self.auth.site().clone();
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
            .layer(middleware::from_fn_with_state(site, site::require_known_host))
            .layer(middleware::from_fn(pages::harden))
    }
}
