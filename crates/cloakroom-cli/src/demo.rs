//! `cloakroom demo`: a small site to click through, with its sessions in memory.

mod answer;
mod api;
mod pages;
mod serve;
mod users;
mod view;
mod visitor;

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use cloakroom::{ConfigError, CookiePolicy, MemoryStore, SessionLayer, Sessions, Transport};
use tower_http::csrf::CsrfLayer;

use crate::terminal;
use visitor::Visitor;

/// Serve a demo site: a visit counter, a cart, sign in and sign out.
///
/// Prints the site's address on standard output, in one line, once it can be visited.
///
/// Sessions are kept in memory and end with the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen, such as 127.0.0.1:8080; port 0 means any free one
    ///
    /// Left out, it is 127.0.0.1:3000, or the next port if somebody else has that one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// The cookie's name in this demo.
const COOKIE: &str = "id";
/// No form and no JSON here is larger, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

const ABOUT_THE_COOKIE: &str = "\
note: this is plain HTTP, where some clients refuse Secure cookies, so the cookie is `id`, without Secure.
      A site served over TLS keeps the default: `__Host-id`, Secure.";
const FROM_AFAR: &str = "\
warning: other machines can reach this address, and keys and passwords travel to it in the clear.";

/// Serves the demo until it is told to stop.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let app = app(sessions()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = serve::bind(options.listen).await?;
        let address = listener.local_addr()?;
        terminal::talk(ABOUT_THE_COOKIE);
        if !address.ip().is_loopback() {
            terminal::talk(FROM_AFAR);
        }
        let stop = serve::stop_signal()?;
        terminal::data(&format!("http://{address}"))?;
        terminal::talk("Ctrl-C stops it.");
        serve::until(listener, app, stop).await
    })
}

fn sessions() -> Result<Sessions<Visitor>, ConfigError> {
    Sessions::builder(MemoryStore::new())
        .transport(Transport::cookie(CookiePolicy::for_plain_http(COOKIE)))
        .build()
}

/// What is listed last meets a request first.
fn app(sessions: Sessions<Visitor>) -> Router {
    Router::new()
        .merge(pages::routes())
        .merge(api::routes())
        .layer(SessionLayer::new(sessions))
        .layer(CsrfLayer::new())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(answer::complete))
}
