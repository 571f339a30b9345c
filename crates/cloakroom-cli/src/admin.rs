//! `cloakroom admin`: a page for operators, that shows who is inside and lets them end sessions.

mod census;
mod chart;
mod entrance;
mod live;
mod lookup;
mod meanings;
mod pages;
mod view;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::{Router, middleware};
use cloakroom::{SessionMap, Sessions, SessionsBuilder, Store};
use tower_http::csrf::CsrfLayer;

use crate::serve::{self, Stop};
use crate::store;
use crate::terminal;

pub(crate) use census::Census;
pub(crate) use entrance::Entrance;

/// Serve a page that shows who is inside, and ends sessions.
///
/// Prints one address on standard output: whoever opens it first is the operator, until the browser closes or 12 hours
/// have passed, and nobody else. It listens on this machine only unless told otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long, value_name = "URL", env = "CLOAKROOM_STORE", hide_env_values = true, help = store::HELP)]
    store: store::Named,
    /// Where to listen; port 0 means any free one
    ///
    /// On an address that other machines can reach, put a proxy that speaks TLS in front: the key travels in the clear.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Serves the page until it is told to stop.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = store::existing(&options.store)?;
    store::wait(async {
        let listener = serve::bind(Some(options.listen)).await?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            terminal::talk(
                "warning: other machines can reach this address, and the operator's key travels to it in the clear.",
            );
        }
        let stop = Stop::when_told()?;
        let office = Office::new(Sessions::builder(Arc::clone(&store)), store, address)?;
        terminal::data(&office.entrance.address())?;
        terminal::talk("Open it in a browser: it works once. Ctrl-C stops it.");
        office.serve(listener, stop).await
    })?
}

/// What the operator's page works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Office {
    store: Arc<dyn Store>,
    /// Ends sessions, by the clock and under the eyes of the application's own, if this is its process.
    sessions: Sessions<SessionMap>,
    census: Census,
    entrance: Arc<Entrance>,
}

impl Office {
    /// The page about `store`, to be served at `address`; `builder` makes what ends sessions there.
    pub(crate) fn new(
        builder: SessionsBuilder<SessionMap>,
        store: Arc<dyn Store>,
        address: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let entrance = Arc::new(Entrance::new(address)?);
        Ok(Self { store, sessions: builder.build()?, census: Census::default(), entrance })
    }

    /// The address that lets its first visitor in.
    pub(crate) fn address(&self) -> String {
        self.entrance.address()
    }

    /// Serves the page, and counts, until `stop`.
    pub(crate) async fn serve(
        self,
        listener: tokio::net::TcpListener,
        stop: Stop,
    ) -> Result<(), Box<dyn Error>> {
        let counting =
            census::keep(self.census.clone(), Arc::clone(&self.store), self.sessions.clone());
        let serving = serve::until(listener, self.routes(stop.clone()), stop.clone());
        tokio::select! {
            () = counting => Ok(()),
            served = serving => served,
        }
    }

    fn routes(self, stop: Stop) -> Router {
        let operators = self.entrance.layer();
        let open = pages::to_everybody();
        pages::to_operators()
            .merge(live::routes(stop))
            .layer(middleware::from_fn(entrance::operators_only))
            .merge(open)
            .with_state(self)
            .layer(operators)
            .layer(CsrfLayer::new())
            .layer(middleware::from_fn(pages::harden))
    }
}
