//! TLS in front of the demo, so that browsers bind its sessions to their device.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use base64ct::{Base64, Encoding as _};
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::serve::Peer;

/// How long a client may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How the demo speaks TLS.
#[derive(Debug, clap::Args)]
pub(super) struct TlsOptions {
    /// Speak TLS, with a certificate for localhost that is made for this run
    ///
    /// Browsers then bind sessions to their device. Chromium does so only if it trusts the
    /// certificate: the command prints how to start one that does.
    #[arg(long)]
    tls: bool,
    /// Speak TLS with the certificate in this PEM file, which --tls-key belongs to
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// A certificate with its key.
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    /// The digest of the key, if the certificate was made for this run.
    key_digest: Option<String>,
}

impl TlsOptions {
    /// The certificate to use; `None` for plain HTTP.
    pub(super) fn load(&self) -> Result<Option<Tls>, Box<dyn Error>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Tls::of_files(certificate, key).map(Some),
            _ if self.tls => Tls::self_signed().map(Some),
            _ => Ok(None),
        }
    }
}

impl Tls {
    fn self_signed() -> Result<Self, Box<dyn Error>> {
        let key = KeyPair::generate()?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let certificate = CertificateParams::new(names)?.self_signed(&key)?;
        let digest = Sha256::digest(key.subject_public_key_info());
        let private = PrivateKeyDer::try_from(key.serialize_der())?;
        let acceptor = acceptor(vec![certificate.der().clone()], private)?;
        Ok(Self { acceptor, key_digest: Some(Base64::encode_string(&digest)) })
    }

    fn of_files(certificate: &Path, key: &Path) -> Result<Self, Box<dyn Error>> {
        let unreadable = |file: &Path, error: &dyn Error| {
            format!("cannot read `{}` as PEM: {error}", file.display())
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(|error| unreadable(certificate, &error))?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
        let acceptor = acceptor(chain, private).map_err(|error| {
            let (certificate, key) = (certificate.display(), key.display());
            format!("`{certificate}` and `{key}` are no certificate with its key: {error}")
        })?;
        Ok(Self { acceptor, key_digest: None })
    }

    /// How to see that sessions are bound, for the person who starts the demo.
    pub(super) fn note(&self, address: SocketAddr) -> String {
        let Some(digest) = &self.key_digest else {
            return "note: browsers that can do so bind sessions to their device".to_owned();
        };
        let port = address.port();
        format!(
            "note: sessions are bound to the device of a browser that trusts the certificate:\n      \
             chromium --user-data-dir=\"$(mktemp -d)\" \\\n        \
             --ignore-certificate-errors-spki-list={digest} \\\n        \
             --enable-features=DeviceBoundSessions,\
             EnableBoundSessionCredentialsSoftwareKeysForManualTesting \\\n        \
             https://localhost:{port}"
        )
    }

    /// Accepts connections, and hands on those whose handshake is over.
    pub(super) fn listen(self, listener: TcpListener) -> std::io::Result<TlsListener> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut listener = listener;
            loop {
                let (stream, peer) = Listener::accept(&mut listener).await;
                let (acceptor, sender) = (self.acceptor.clone(), sender.clone());
                // A client that is slow, or speaks no TLS, holds up no other.
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(TlsListener { address, accepted })
    }
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, Box<dyn Error>> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Connections whose handshake is over.
pub(super) struct TlsListener {
    address: SocketAddr,
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The task that accepts is gone only if the runtime is.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}
