//! `cloakroom demo`: a small site to click through.

mod answer;
mod api;
mod device;
mod here;
mod measures;
mod pace;
mod pages;
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
use cloakroom::http::{AddressRule, ClientPolicy};
use cloakroom::observe::MetricsObserver;
use cloakroom::stores::{CachedStore, InstrumentedStore};
use cloakroom::{
    AuthRequirement, ConfigError, CookiePolicy, SessionKind, SessionLayer, SessionLimit,
    SessionValue, Sessions, SessionsBuilder, Store, Transport,
};
use cloakroom_any::StoreUrl;
use tower_http::csrf::CsrfLayer;

use crate::admin::Office;
use crate::serve::{self, Stop};
use crate::store;
use crate::terminal;
use pace::Pace;
use visitor::Visitor;

/// Serve a demo site: a visit counter, a cart, sign in and sign out, and where you are signed in.
///
/// Prints the site's address on standard output, in one line, once it can be visited.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen, such as 127.0.0.1:8080; port 0 means any free one
    ///
    /// Left out, it is 127.0.0.1:3000, or the next port if somebody else has that one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[arg(
        long,
        help = "Where to keep sessions: sqlite:PATH, a file that is created if need be, postgres://HOST/DATABASE, redis://HOST, or memory:",
        value_name = "URL",
        default_value = "sqlite:cloakroom-demo.db",
        env = "CLOAKROOM_STORE",
        hide_env_values = true
    )]
    store: store::Named,
    /// Remember sessions in this process, up to so many bytes, and let the store tell of changes by others
    #[arg(long, value_name = "BYTES")]
    near_cache: Option<u64>,
    /// Let browsers use the site over plain HTTP on an address that other machines can reach
    ///
    /// Browsers keep Secure cookies away from plain HTTP, so a site on a local network needs one that is not. Whoever
    /// listens on that network can then steal it. On 127.0.0.1 this is the rule anyway.
    #[arg(long)]
    plain_http: bool,
    /// Let time pass so many times as fast, to watch keys being renewed and sessions expire
    ///
    /// Best with --store memory:, since what is kept in a file will have been written in the future.
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: u32,
}

/// What is asked of a visitor who wants a copy of what is known of them.
const SENSITIVE: AuthRequirement = AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
/// Browsers and programs that one visitor may be signed in on.
const MOST_DEVICES: u8 = 10;

/// No form and no JSON here is larger, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

/// Serves the demo until it is told to stop.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    store::wait(async {
        let store = open(options).await?;
        let listener = serve::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let reach = Reach::of(address.ip(), options.plain_http);
        let measures = measures::install()?;
        let watched = Watched { measured: Arc::default(), pace: Pace::times(options.speed) };
        // Whoever reaches the site from elsewhere has no business with its measures.
        let measures =
            if reach == Reach::Loopback { measures::routes(measures) } else { Router::new() };
        let app = app(sessions(watched.builder(Arc::clone(&store)), reach)?, measures);
        let offices = serve::bind(Some(OFFICE)).await?;
        let office =
            Office::new(watched.builder(Arc::clone(&store)), store, offices.local_addr()?)?;
        terminal::talk(&about_the_store(options.store.url()?));
        terminal::talk(reach.about_the_cookie());
        terminal::talk(&format!("note: for operators, once: {}", office.address()));
        let stop = Stop::when_told()?;
        terminal::data(&format!("http://{address}"))?;
        terminal::talk("Ctrl-C stops it.");
        let (site, office) =
            tokio::join!(serve::until(listener, app, stop.clone()), office.serve(offices, stop));
        site.and(office)
    })?
}

/// The store, behind a near cache if one is wanted.
async fn open(options: &Options) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    let store = options.store.url()?.open().await?;
    Ok(match options.near_cache {
        Some(bytes) => Arc::new(CachedStore::builder(store).capacity_bytes(bytes).build().await?),
        None => store,
    })
}

/// The operator's page: on this machine, at any free port.
const OFFICE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What all sessions of the demo are watched and timed by.
struct Watched {
    measured: Arc<MetricsObserver>,
    pace: Pace,
}

impl Watched {
    fn builder<V: SessionValue, K: SessionKind>(
        &self,
        store: Arc<dyn Store>,
    ) -> SessionsBuilder<V, K> {
        let store = InstrumentedStore::new(store, Arc::clone(&self.measured));
        Sessions::builder(store).clock(self.pace).observer(Arc::clone(&self.measured))
    }
}

/// Who can reach the site, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// This machine alone.
    Loopback,
    /// Others too, over plain HTTP, which whoever started the demo takes for safe here.
    Plain,
    /// Others too, so keys travel over TLS or not at all.
    Secure,
}

impl Reach {
    const fn of(address: IpAddr, plain_http: bool) -> Self {
        match (address.is_loopback(), plain_http) {
            (true, _) => Self::Loopback,
            (false, true) => Self::Plain,
            (false, false) => Self::Secure,
        }
    }

    fn cookie(self) -> CookiePolicy {
        match self {
            // Not every browser takes this machine for safe enough for a Secure cookie.
            Self::Loopback | Self::Plain => CookiePolicy::for_plain_http("id"),
            Self::Secure => CookiePolicy::default(),
        }
    }

    const fn about_the_cookie(self) -> &'static str {
        match self {
            Self::Loopback => {
                "note: this is plain HTTP, where some clients refuse Secure cookies, so the cookie is `id`, without Secure.
      A site served over TLS keeps the default: `__Host-id`, Secure."
            }
            Self::Plain => {
                "warning: other machines can reach this address, and keys and passwords travel to it in the clear."
            }
            Self::Secure => {
                "warning: browsers keep the cookie, `__Host-id`, away from plain HTTP. Put a proxy that speaks TLS in front,
         or say --plain-http on a network where nobody listens."
            }
        }
    }
}

fn sessions(
    builder: SessionsBuilder<Visitor>,
    reach: Reach,
) -> Result<Sessions<Visitor>, ConfigError> {
    builder
        .transport(Transport::cookie(reach.cookie()))
        .limit(SessionLimit::end_oldest(MOST_DEVICES))
        .clients(ClientPolicy::user_agents().with_addresses(AddressRule::direct()))
        .build()
}

/// What is listed last meets a request first.
fn app(sessions: Sessions<Visitor>, measures: Router) -> Router {
    Router::new()
        .merge(measures)
        .merge(pages::routes())
        .merge(api::routes())
        .layer(SessionLayer::new(sessions).with_peer_addr(peer))
        .layer(CsrfLayer::new())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(answer::complete))
}

/// The address at the other end of a request's connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
}

fn about_the_store(store: &StoreUrl) -> String {
    if store.is_memory() {
        return "note: sessions are kept in memory and end with this process.".to_owned();
    }
    match store.file() {
        None => format!("note: sessions are kept at {store}"),
        Some(file) => {
            // As this process was called, so that the line can be typed as it stands.
            let command = std::env::args().next().unwrap_or_else(|| "cloakroom".to_owned());
            format!(
                "note: sessions are kept in {}
      To look into it from another terminal: {command} list --store {store}",
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
        let reach = Reach::of(address.parse().unwrap(), plain_http);
        let sessions = sessions(Sessions::builder(MemoryStore::new()), reach).unwrap();
        let session =
            Io::future(async move { sessions.generate(Visitor::default()).await }).wait().unwrap();
        let headers = session.headers();
        let cookie = headers.iter().find(|(name, _)| name.as_str() == "set-cookie");
        cookie.map(|(_, value)| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_key_leaves_this_machine_over_tls_alone_unless_somebody_says_otherwise() {
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
