//! How a server is reached.

use std::path::PathBuf;
use std::time::Duration;

use redis::{Client, TlsCertificates};

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::{Settings, Way};
use crate::net::Net;
use crate::sentinel::Sentinels;
use crate::store::RedisStore;

/// How a server is reached: [`RedisStore::builder`], [`RedisStore::cluster`], [`RedisStore::sentinel`].
#[derive(Clone, Debug)]
#[must_use = "nothing is reached until `connect` is called"]
pub struct RedisBuilder {
    shape: Shape,
    urls: Vec<Url>,
    prefix: String,
    settings: Settings,
    roots: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum Shape {
    One,
    Cluster,
    /// The name that sentinels know the master by.
    Sentinel(String),
}

/// An address, whose password is never shown.
#[derive(Clone)]
struct Url(String);

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.rfind('@') > self.0.find('?') && self.0.contains('?') {
            return f.write_str("..@..");
        }
        let (place, options) =
            self.0.split_once('?').map_or((&*self.0, false), |(place, _)| (place, true));
        let shown = place.rsplit('@').next().unwrap_or_default();
        // A password may stand before the `@` and after the `?`.
        f.write_str(if shown.len() < place.len() { "..@" } else { "" })?;
        f.write_str(shown)?;
        f.write_str(if options { "?.." } else { "" })
    }
}

impl RedisBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            shape: Shape::One,
            urls: vec![Url(url)],
            prefix: "cloakroom".to_owned(),
            settings: Settings { patience: Duration::from_secs(5), copies: None, asks_role: false },
            roots: None,
        }
    }

    pub(crate) fn cluster(url: String) -> Self {
        Self { shape: Shape::Cluster, ..Self::new(url) }
    }

    /// The user, the password and the number of the database in the URL are the master's; a sentinel is told the first two if
    /// it asks for them.
    pub(crate) fn sentinel(url: String, name: String) -> Self {
        Self { shape: Shape::Sentinel(name), ..Self::new(url) }
    }

    /// Tries this server of the cluster, or this sentinel, where those named before do not answer.
    ///
    /// A server that is alone has no others: the last one named is it.
    pub fn or(mut self, url: impl Into<String>) -> Self {
        if matches!(self.shape, Shape::One) {
            self.urls.clear();
        }
        self.urls.push(Url(url.into()));
        self
    }

    /// Begins all keys with `prefix`; `cloakroom` unless told. Letters, digits, and any of `_.:-`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Waits up to `span` for a connection and for each answer; five seconds unless told.
    pub const fn timeout(mut self, span: Duration) -> Self {
        self.settings.patience = span;
        self
    }

    /// Lets a change count once so many replicas have it too, and fail if they do not within `span`, which is at most half of what
    /// is waited for an answer.
    ///
    /// # Security
    /// Without, a master that dies may take the last moments with it, logouts included: its replica takes over without them.
    /// With, what was answered is on as many servers; a change that fails may have been made all the same. Failovers prefer the
    /// replica that has most, but nothing makes them: Redis promises less loss, not none.
    ///
    /// Beside each change a key is written that nobody reads, since replicas are waited for by what was written: a server that
    /// lets its user use certain keys only has to permit `{` before the prefix as well.
    pub const fn min_replicas(mut self, count: u16, span: Duration) -> Self {
        self.settings.copies = Some((count, span));
        self
    }

    /// Trusts a server (`rediss://`) whose certificate leads to one in this file (PEM), instead of to those that the system
    /// trusts.
    pub fn trusting(mut self, file: impl Into<PathBuf>) -> Self {
        self.roots = Some(file.into());
        self
    }

    /// Reaches the server, or all masters of the cluster.
    ///
    /// # Errors
    /// [`RedisError`] if an address or the prefix is none, or nobody can be reached.
    ///
    /// # Panics
    /// Outside a tokio runtime: the store lives in the one that this is called in.
    pub async fn connect(mut self) -> Result<RedisStore, RedisError> {
        let most = self.settings.patience / 2;
        self.settings.copies = self.settings.copies.map(|(count, span)| (count, span.min(most)));
        let keys = Keys::new(&self.prefix)
            .ok_or_else(|| RedisError::new(RedisErrorKind::Prefix, "begin keys like that"))?;
        let roots = self.roots.as_ref().map(std::fs::read).transpose();
        let roots = roots.map_err(|error| {
            RedisError::caused(RedisErrorKind::Tls, "read the certificates to trust", error)
        })?;
        let clients: Vec<Client> =
            self.urls.iter().map(|url| client(&url.0, roots.clone())).collect::<Result<_, _>>()?;
        let no_address = || RedisError::new(RedisErrorKind::Url, "use no address");
        let first = clients.first().ok_or_else(no_address)?.clone();
        let net = match self.shape {
            Shape::One => Net::one(Way::To(first), self.settings, keys.clone()),
            Shape::Cluster => Net::cluster(clients, self.settings, keys.clone()).await?,
            Shape::Sentinel(name) => {
                let like = first.get_connection_info().clone();
                Net::one(
                    Way::Asking(Sentinels { all: clients, name, like }),
                    self.settings,
                    keys.clone(),
                )
            }
        };
        let store = RedisStore::start(net, keys);
        store.greet().await?;
        Ok(store)
    }
}

fn client(url: &str, roots: Option<Vec<u8>>) -> Result<Client, RedisError> {
    if url.starts_with("rediss:") {
        // The driver asks for the process's own choice. An application that made one keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let opened = match roots {
        Some(roots) => Client::build_with_tls(
            url,
            TlsCertificates { client_tls: None, root_cert: Some(roots) },
        ),
        None => Client::open(url),
    };
    opened.map_err(|error| RedisError::driver("use this address", error))
}
