//! TLS, with the process's cryptography or with the one that a feature builds in.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{PostgresError, PostgresErrorKind};

const NO_PROVIDER: &str = "no cryptography for TLS: turn on the feature `ring` or `aws-lc-rs` of \
                           `cloakroom-postgres`, or call `CryptoProvider::install_default` of \
                           `rustls` before; `sslmode=disable` connects without TLS";

/// Makes TLS connections, if there is cryptography for them.
#[derive(Clone)]
pub(crate) struct Tls(Option<MakeRustlsConnect>);

type Rustls = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type Handshake = Pin<Box<dyn Future<Output = io::Result<TlsStream>> + Send>>;

/// An encrypted connection.
pub(crate) type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

impl Tls {
    /// Trusts the root certificates in the file, or those of the system.
    ///
    /// Without cryptography, servers on this host are reached without TLS, unless the URL wants it.
    /// Others are an error, so that no password travels in the clear because a feature is off.
    pub(crate) fn new(server: &mut Config, roots: Option<&Path>) -> Result<Self, PostgresError> {
        Self::with(provider(), server, roots)
    }

    fn with(
        provider: Option<Arc<CryptoProvider>>,
        server: &mut Config,
        roots: Option<&Path>,
    ) -> Result<Self, PostgresError> {
        let failed = |error: Box<dyn StdError + Send + Sync>| {
            PostgresError::caused(PostgresErrorKind::Tls, "set up TLS", error)
        };
        let Some(provider) = provider else {
            let mode = server.get_ssl_mode();
            if mode == SslMode::Disable || (mode == SslMode::Prefer && is_local(server)) {
                server.ssl_mode(SslMode::Disable);
                return Ok(Self(None));
            }
            return Err(failed(NO_PROVIDER.into()));
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.into()))?
            .with_root_certificates(root_certificates(roots)?)
            .with_no_client_auth();
        Ok(Self(Some(MakeRustlsConnect::new(config))))
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = TlsStream;
    type TlsConnect = Connect;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connect, Infallible> {
        let make = |rustls| MakeTlsConnect::<Socket>::make_tls_connect(rustls, host);
        self.0.as_mut().map(make).transpose().map(Connect)
    }
}

pub(crate) struct Connect(Option<Rustls>);

impl TlsConnect<Socket> for Connect {
    type Stream = TlsStream;
    type Error = io::Error;
    type Future = Handshake;

    fn connect(self, stream: Socket) -> Handshake {
        match self.0 {
            Some(rustls) => Box::pin(rustls.connect(stream)),
            None => Box::pin(async { Err(io::Error::other("TLS was not set up")) }),
        }
    }
}

/// The process's provider first. None is installed: which one the process uses, the application
/// decides, and its own call would fail after ours.
fn provider() -> Option<Arc<CryptoProvider>> {
    let built_in = || BUILT_IN.map(|new| Arc::new(new()));
    CryptoProvider::get_default().cloned().or_else(built_in)
}

#[cfg(feature = "aws-lc-rs")]
const BUILT_IN: Option<fn() -> CryptoProvider> = Some(rustls::crypto::aws_lc_rs::default_provider);
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
const BUILT_IN: Option<fn() -> CryptoProvider> = Some(rustls::crypto::ring::default_provider);
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
const BUILT_IN: Option<fn() -> CryptoProvider> = None;

/// Whether every server is on this host. An address says where to connect, whatever the name says.
fn is_local(server: &Config) -> bool {
    let is_local_name = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(is_loopback),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    let addresses = server.get_hostaddrs();
    if addresses.is_empty() {
        server.get_hosts().iter().all(is_local_name)
    } else {
        addresses.iter().copied().all(is_loopback)
    }
}

fn is_loopback(address: std::net::IpAddr) -> bool {
    address.is_loopback()
}

fn root_certificates(roots: Option<&Path>) -> Result<RootCertStore, PostgresError> {
    let mut store = RootCertStore::empty();
    let Some(path) = roots else {
        // Unreadable certificates are skipped.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(store);
    };
    let failed = |error: Box<dyn StdError + Send + Sync>| {
        PostgresError::caused(PostgresErrorKind::Tls, "read the root certificates", error)
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.into()))? {
        let certificate = certificate.map_err(|error| failed(error.into()))?;
        store.add(certificate).map_err(|error| failed(error.into()))?;
    }
    if store.is_empty() {
        return Err(failed("the file contains no certificate".into()));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn without_cryptography_only_this_host_is_reached_without_tls() {
        for local in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.1,[::1]/d",
            "host=/var/run/postgresql",
            "host=db.internal hostaddr=127.0.0.1",
        ] {
            let mut server: Config = local.parse().unwrap();
            assert!(Tls::with(None, &mut server, None).unwrap().0.is_none(), "{local}");
            assert_eq!(server.get_ssl_mode(), SslMode::Disable, "{local}");
        }
        for remote in [
            "postgres://u@db.internal/d",
            "postgres://u@localhost,db.internal/d",
            "postgres://u@localhost/d?sslmode=require",
            "host=localhost hostaddr=10.0.0.1",
        ] {
            let refused = Tls::with(None, &mut remote.parse().unwrap(), None).err().unwrap();
            assert_eq!(refused.kind(), PostgresErrorKind::Tls, "{remote}");
            let cause = refused.source().unwrap().to_string();
            assert!(cause.contains("feature `ring`"), "{cause}");
        }
        let mut disabled: Config = "postgres://u@db.internal/d?sslmode=disable".parse().unwrap();
        assert!(Tls::with(None, &mut disabled, None).is_ok());
    }

    /// Has no random numbers.
    #[derive(Debug)]
    struct Exhausted;

    impl rustls::crypto::SecureRandom for Exhausted {
        fn fill(&self, _: &mut [u8]) -> Result<(), rustls::crypto::GetRandomFailed> {
            Err(rustls::crypto::GetRandomFailed)
        }
    }

    #[test]
    #[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
    fn the_provider_of_the_process_comes_first_and_none_is_installed() {
        let own = CryptoProvider { secure_random: &Exhausted, ..BUILT_IN.unwrap()() };
        let mut server: Config = "postgres://u@db.internal/d".parse().unwrap();
        assert!(Tls::new(&mut server, None).is_ok());
        assert!(CryptoProvider::get_default().is_none());
        own.install_default().unwrap();
        assert!(provider().unwrap().secure_random.fill(&mut [0]).is_err());
    }
}
