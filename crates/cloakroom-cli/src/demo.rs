//! `cloakroom demo`: a small site with a cart, sign-in and a list of devices.

mod api;
mod device;
mod experiments;
mod exposure;
mod fast_clock;
mod live_session;
mod metrics;
mod pages;
mod response;
mod tls;
mod users;
mod view;
mod visitor;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::Extensions;
use axum::middleware;
use cloakroom::device_binding::DeviceBinding;
use cloakroom::http::{AddressRule, ClientPolicy};
use cloakroom::observe::MetricsObserver;
use cloakroom::stores::CachedStore;
use cloakroom::{
    AuthRequirement, ConfigError, SessionKind, SessionLayer, SessionLimit, SessionValue, Sessions,
    SessionsBuilder, Store, Transport,
};
use cloakroom_any::StoreUrl;
use tower_http::csrf::CsrfLayer;

use crate::admin::{AdminServer, MINUTES, Site};
use crate::listen::ListenAddress;
use crate::serve::{self, Peer, Shutdown};
use crate::store;
use crate::terminal;
use exposure::Exposure;
use fast_clock::FastClock;
use tls::TlsOptions;
use visitor::Visitor;

/// Serve a demo site: a visit counter, a cart, sign-in, and a list of signed-in devices
///
/// Prints the site's address on standard output, as one line, once it accepts connections.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Address or host name, and port to listen on, such as localhost:8080; port 0 picks a free one
    ///
    /// The default is 127.0.0.1:3000, or the next port that is free.
    #[arg(long, value_name = "ADDR")]
    listen: Option<ListenAddress>,
    #[arg(
        long,
        help = STORE_HELP,
        value_name = "URL",
        default_value = "sqlite:cloakroom-demo.db",
        env = "CLOAKROOM_STORE",
        hide_env_values = true
    )]
    store: store::StoreArg,
    /// Cache sessions in this process, in at most this much memory
    ///
    /// The store announces changes made by other processes.
    #[arg(long, value_name = "BYTES")]
    cache: Option<u64>,
    /// Allow plain HTTP on an address that other machines can reach
    ///
    /// Browsers do not send Secure cookies over plain HTTP, so this makes the cookie one without
    /// Secure: anyone who can read the network's traffic can copy it. On 127.0.0.1 it is always so.
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    tls: TlsOptions,
    /// Let time pass this many times as fast, to watch keys being renewed and sessions expire
    ///
    /// Use it with --store memory:, because a file would keep times that lie in the future.
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    speed: u32,
}

/// The help text of `--store`. The other commands open only stores that exist.
const STORE_HELP: &str = "The store: sqlite:PATH (created if it does not exist), \
                          postgres://HOST/DATABASE, redis://HOST or memory:";

/// What the page with a visitor's data requires.
const RECENT_SIGN_IN: AuthRequirement =
    AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
/// The session limit of each visitor.
const MAX_DEVICES: u8 = 10;
/// The largest request body, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// Where the operator's page listens: on this machine, at any free port.
const ADMIN_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Serves the demo until a shutdown is requested.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    store::block_on(async {
        let store = open(options).await?;
        let listener = serve::bind(options.listen.as_ref()).await?;
        let address = listener.local_addr()?;
        let tls = options.tls.load()?;
        let exposure = match &tls {
            Some(_) => Exposure::Tls,
            None => Exposure::of(address.ip(), options.plain_http),
        };
        let metrics = metrics::install()?;
        let shared = Shared { metrics: Arc::default(), clock: FastClock::new(options.speed) };
        // Metrics are not for other machines.
        let metrics =
            if address.ip().is_loopback() { metrics::routes(metrics) } else { Router::new() };
        let app = app(sessions(shared.builder(Arc::clone(&store)), exposure)?, metrics);
        let admin_listener = serve::bind(Some(&ADMIN_ADDRESS.into())).await?;
        let admin_address = admin_listener.local_addr()?;
        let site = Site::new(admin_address, None, None);
        let admin = AdminServer::new(shared.builder(Arc::clone(&store)), store, site)?;
        terminal::message(&store_note(options.store.url()?));
        let note = tls.as_ref().map(|tls| tls.note(address));
        terminal::message(note.as_deref().unwrap_or(exposure.note()));
        let url = match &tls {
            // The name in the certificate.
            Some(_) if address.ip().is_loopback() => {
                format!("https://localhost:{}", address.port())
            }
            Some(_) => format!("https://{address}"),
            None => format!("http://{address}"),
        };
        if address.ip().is_loopback() {
            terminal::message(&format!("note: metrics for Prometheus: {url}/metrics"));
        }
        terminal::message(&format!(
            "note: admin page, for the first browser to open it within {MINUTES} minutes: {}",
            admin.login_url()?
        ));
        let shutdown = Shutdown::on_signal()?;
        terminal::print_line(&url)?;
        terminal::message("Press Ctrl-C to stop.");
        let site = async {
            match tls {
                Some(tls) => serve::run(tls.listen(listener)?, app, shutdown.clone()).await,
                None => serve::run(listener, app, shutdown.clone()).await,
            }
        };
        let (site, admin) = tokio::join!(site, admin.serve(admin_listener, shutdown.clone()));
        site.and(admin)
    })?
}

/// Opens the store, behind a cache if one was asked for.
async fn open(options: &Options) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    let store = options.store.url()?.open().await?;
    Ok(match options.cache {
        Some(bytes) => Arc::new(CachedStore::builder(store).capacity_bytes(bytes).build().await?),
        None => store,
    })
}

/// What the site and the operator's page share.
struct Shared {
    metrics: Arc<MetricsObserver>,
    clock: FastClock,
}

impl Shared {
    fn builder<V: SessionValue, K: SessionKind>(
        &self,
        store: Arc<dyn Store>,
    ) -> SessionsBuilder<V, K> {
        Sessions::builder(store).clock(self.clock).observer(Arc::clone(&self.metrics))
    }
}

fn sessions(
    builder: SessionsBuilder<Visitor>,
    exposure: Exposure,
) -> Result<Sessions<Visitor>, ConfigError> {
    let builder = match exposure {
        // Browsers bind over TLS only.
        Exposure::Tls => builder.device_binding(DeviceBinding::offer()),
        Exposure::Loopback | Exposure::PlainHttp => builder,
    };
    builder
        .transport(Transport::cookie(exposure.cookie()))
        .limit(SessionLimit::end_oldest(MAX_DEVICES))
        .private_pages()
        .clients(ClientPolicy::user_agents().with_addresses(AddressRule::direct()))
        .build()
}

/// The site. A request meets the last layer first.
fn app(sessions: Sessions<Visitor>, metrics: Router) -> Router {
    Router::new()
        .merge(metrics)
        .merge(pages::routes())
        .merge(api::routes())
        .merge(experiments::routes())
        .layer(SessionLayer::new(sessions).with_peer_addr(peer).serving_device_binding())
        .layer(CsrfLayer::new())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(response::complete))
}

/// The address of a request's peer.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<Peer>>().map(|peer| peer.0.0.ip())
}

/// Where sessions are kept, and how to look at them.
fn store_note(store: &StoreUrl) -> String {
    if store.is_memory() {
        return "note: sessions are kept in memory, until this process ends".to_owned();
    }
    match store.file() {
        None => format!("note: sessions are kept at {store}"),
        Some(file) => {
            // The name that this process was started by, so that the line can be copied as it is.
            let command = std::env::args().next().unwrap_or_else(|| "cloakroom".to_owned());
            format!(
                "note: sessions are kept in {}\n      \
                 to list them from another terminal: {command} list --store {store}",
                std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use cloakroom::{Io, MemoryStore};

    use super::*;

    fn cookie(address: &str, plain_http: bool) -> String {
        let exposure = Exposure::of(address.parse().unwrap(), plain_http);
        let sessions = sessions(Sessions::builder(MemoryStore::new()), exposure).unwrap();
        let session =
            Io::future(async move { sessions.generate(Visitor::default()).await }).wait().unwrap();
        let headers = session.headers();
        let cookie = headers.iter().find(|(name, _)| name.as_str() == "set-cookie");
        cookie.map(|(_, value)| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn the_cookie_is_secure_unless_the_site_is_local_or_allows_plain_http() {
        for (address, plain_http, name, is_secure) in [
            ("127.0.0.1", false, "id=", false),
            ("::1", false, "id=", false),
            ("192.0.2.7", false, "__Host-id=", true),
            ("0.0.0.0", false, "__Host-id=", true),
            ("192.0.2.7", true, "id=", false),
        ] {
            let cookie = cookie(address, plain_http);
            assert!(
                cookie.starts_with(name) && cookie.contains("; HttpOnly"),
                "{address}: {cookie}"
            );
            assert_eq!(cookie.contains("; Secure"), is_secure, "{address}: {cookie}");
        }
    }
}
